import { describe, expect, it } from "vitest";
import { UNSIGNED_COMMITS_MAX } from "../../src/evidence/commit-key.js";
import { FRAME_KIND } from "../../src/evidence/frame.js";
import { nameSegment } from "../../src/evidence/segment.js";
import type { VerifyReport } from "../../src/evidence/verify.js";
import type { Entry } from "../../src/kernel/record/entry.js";
import { ForgetfulDisk } from "../support/evidence-disk.js";
import {
  appendAll,
  failed,
  openOn,
  sampleLog,
  settle,
  verifyFiles,
} from "../support/evidence-rig.js";
import { putTogether, rootIn, signedIn, takeApart } from "../support/log-pieces.js";
import { rewriteTail } from "../support/rewritten-tail.js";

/**
 * An attacker with the disk, the source and the guard's file permissions, but neither the key that signs checkpoints nor
 * the guard's memory, at the entries behind the newest checkpoint: only commits signed by the key of their interval
 * stand in the way. `mutants.ts` takes each check out to see the attack succeed.
 */
const FIRST = nameSegment(0);

/** Boot and key under a checkpoint, then groups of two entries that none is over; the power fails. */
async function writeLog(groups: number): Promise<ForgetfulDisk> {
  const disk = new ForgetfulDisk();
  const { store, clock } = await openOn(disk);
  const log = sampleLog(0, 2 + 2 * groups);
  appendAll(store, log.slice(0, 2));
  await settle(20);
  clock.advance(1_000_000);
  for (let i = 2; i < log.length; i += 2) {
    await settle(20);
    appendAll(store, log.slice(i, i + 2));
  }
  await settle(20);
  return disk.crash();
}

const GROUPS = UNSIGNED_COMMITS_MAX + 4;
const disk = await writeLog(GROUPS);
const log = disk.files().get(FIRST) ?? new Uint8Array(0);
const size = 2 + 2 * GROUPS;
const report = (bytes: Uint8Array): VerifyReport => verifyFiles(new Map([[FIRST, bytes]]));

/** A permit that never was one, as early as no checkpoint is over it. */
function turned(entry: Entry): Entry {
  const { body, seq } = entry;
  if (seq < 2 || body.type !== "decision") return entry;
  return { ...entry, body: { ...body, sinceArrivalUs: body.sinceArrivalUs + 1 } };
}

describe("entries behind the newest checkpoint", () => {
  it("verify as they were written, under signed commits but for the newest group", () => {
    const whole = report(log);
    expect(failed(whole)).toEqual([]);
    expect(whole).toMatchObject({ uncovered: size - 2, underSignedCommit: size - 4 });
  });

  it.each(["kept", "signed anew by another key"] as const)(
    "fail when they were rewritten and their signed commits %s",
    (commits) => {
      const forged = report(rewriteTail(log, turned, commits));
      expect(failed(forged)).toEqual(["signed-commits"]);
      const check = forged.checks.find(({ id }) => id === "signed-commits");
      // What the oldest is over was not touched: it is of the group that the checkpoint came with.
      expect(check?.faults).toBe(commits === "kept" ? GROUPS - 1 : GROUPS);
      expect(check?.first?.why).toContain("does not verify over the root");
    },
  );

  it("fail when they were rewritten and their signed commits taken out", () => {
    const forged = report(rewriteTail(log, turned, "taken out"));
    expect(failed(forged)).toEqual(["signed-commits"]);
    const check = forged.checks.find(({ id }) => id === "signed-commits");
    expect(check?.first?.why).toContain("none is signed by the interval's key");
  });

  it("fail when they were rewritten and a run was written behind them, which signed over it all", async () => {
    const forged = new ForgetfulDisk();
    forged.set(FIRST, rewriteTail(log, turned, "taken out"));
    const { store, clock } = await openOn(forged);
    appendAll(
      store,
      sampleLog(0, 2, 2).map((entry, i) => ({ ...entry, seq: size + i })),
    );
    await settle(20);
    clock.advance(1_000_000);
    await settle(20);
    await store.close();
    const later = verifyFiles(forged.files());
    expect(later.uncovered).toBe(0);
    expect(failed(later)).toEqual(["signed-commits"]);
  });
});

describe("what signed commits do not show", () => {
  it("is a log cut back to one of them: only fewer entries are there", () => {
    const pieces = takeApart(log);
    const roots = pieces.flatMap((piece, at) => (rootIn(piece) === null ? [] : [at]));
    const cut = report(putTogether(pieces.slice(0, (roots.at(-3) ?? 0) + 1)));
    expect(failed(cut)).toEqual([]);
    expect(cut.entries).toBe(size - 4);
  });

  it("is another end behind one of them, which is said to be under no signature", () => {
    const pieces = takeApart(log);
    const last = pieces.findLastIndex((piece) => signedIn(piece) !== null);
    const forged = rewriteTail(
      putTogether(pieces),
      (entry) => (entry.seq < size - 2 ? entry : turned(entry)),
      "kept",
    );
    const ended = report(forged);
    expect(failed(ended)).toEqual([]);
    expect(ended.uncovered - ended.underSignedCommit).toBe(2);
    expect(pieces.slice(last).filter(({ kind }) => kind === FRAME_KIND.leaf)).toEqual([]);
  });

  it("is fewer groups than may stand without one, rewritten: all of them are said to be under none", async () => {
    const few = (await writeLog(4)).files().get(FIRST) ?? new Uint8Array(0);
    const forged = report(rewriteTail(few, turned, "taken out"));
    expect(failed(forged)).toEqual([]);
    expect(forged).toMatchObject({ uncovered: 8, underSignedCommit: 0 });
  });
});
