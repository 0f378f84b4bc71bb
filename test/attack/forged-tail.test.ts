import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { retentionNotice } from "../../src/evidence/retention.js";
import { nameSegment, readLink, type SegmentLink } from "../../src/evidence/segment.js";
import type { Signer } from "../../src/guard/ports.js";
import type { EntryBody } from "../../src/kernel/record/entry.js";
import { makeSigningKey, Victim, verifyLog } from "../support/attacked-log.js";
import type { Segments } from "../support/corpus-reading.js";
import { ForgetfulDisk } from "../support/evidence-disk.js";
import {
  appendAll,
  failed,
  openNext,
  openOn,
  sampleLog,
  settle,
  testSigner,
  verifyFiles,
} from "../support/evidence-rig.js";
import { bootBody, entryOf } from "../support/evidence-samples.js";
import { forgeTail } from "../support/forged-tail.js";
import { bodiesIn, fill, MB, retentionsIn, watched } from "../support/watched-log.js";

/**
 * An attacker with the disk, the source and the guard's file permissions, while the gateway stands still: what they write
 * behind the newest checkpoint the next run's TPM signs, as it signs over the log as it is. No entry that gives somebody
 * authority may count by that signature. `mutants.ts` takes each check out to see the attack succeed.
 */
const victim = new Victim();
const disk = new ForgetfulDisk();
await victim.run(disk, 1, 3);
const attacker = makeSigningKey();
const trusted = [victim.key.spki];

const links = bodiesIn(disk)
  .map(readLink)
  .filter((link) => link !== null);
const link = links[0] ?? noLink();
const RETENTION: EntryBody = retentionNotice({
  segment: nameSegment(0),
  bytes: 6_000,
  firstSeq: 0,
  lastSeq: link.size - 1,
  root: link.root,
  checkpointSize: link.size,
  why: "age",
});
const ROTATED: EntryBody = { type: "key", event: "rotated", spki: attacker.spki };

function noLink(): SegmentLink {
  throw new Error("one segment only");
}

/** The segments from where that record says that the log begins. */
function cut(of: ForgetfulDisk): Segments {
  const first = nameSegment(link.size);
  return new Map([...of.files()].filter(([name]) => name >= first));
}

/** The gateway is started again, signs over all that is there, and ends. */
async function restart(of: ForgetfulDisk, boot = 2): Promise<ForgetfulDisk> {
  await victim.run(of, boot, 2);
  return of;
}

/** A run of the attacker's behind the log: the gateway's own program, and no key. Two segments at least. */
async function runUnsigned(of: ForgetfulDisk, body: EntryBody): Promise<ForgetfulDisk> {
  const forged = forgeTail(of, []);
  const sign = async (): Promise<Uint8Array> => await Promise.reject(new Error("no key"));
  const signer: Signer = { ...testSigner(), sign };
  const opened = await openOn(forged, { signer, segmentBytesMax: 6_000, rotate: openNext });
  const { store } = opened;
  const add = (bodies: readonly EntryBody[]): void => {
    for (const one of bodies) store.append(entryOf(one, store.head().nextSeq));
  };
  add([bootBody(2), body]);
  const permits = sampleLog(0, 60).slice(2);
  for (let at = 0; at < permits.length; at += 2) {
    add(permits.slice(at, at + 2).map((permit) => permit.body));
    await settle();
  }
  await store.close();
  expect(opened.links.length).toBeGreaterThan(0);
  return forged;
}

/** A run of the attacker's on a copy, whose checkpoints their own key signs, with counters they choose. */
async function runAsAttacker(of: ForgetfulDisk, boot: number): Promise<void> {
  const counter = { value: 1_000 };
  const signer: Signer = {
    kind: "tpm",
    spki: attacker.spki,
    kid: createHash("sha256").update(attacker.spki).digest(),
    raise: async () => {
      counter.value += 1;
      return await Promise.resolve(counter.value);
    },
    sign: async (bytes) => await Promise.resolve(attacker.sign(bytes)),
  };
  const { store, clock } = await openOn(of, { signer, rotate: openNext });
  const from = store.head().nextSeq;
  const bodies = sampleLog(0, 8, boot).filter(({ body }) => body.type !== "key");
  appendAll(
    store,
    bodies.map((entry, at) => ({ ...entry, seq: from + at })),
  );
  await settle();
  clock.advance(1_000_000);
  await settle();
  await store.close();
}

describe("a record of retention that was written behind the newest checkpoint", () => {
  it("explains no gap when the next run has signed over it [HP-200 refuses]", async () => {
    const forged = await restart(forgeTail(disk, [RETENTION]));
    const whole = verifyLog(forged.files(), { trusted });
    expect(failed(whole)).toEqual([]);
    expect(whole.uncovered).toBe(0);
    const report = verifyLog(cut(forged), { trusted });
    expect(failed(report)).toEqual(["beginning"]);
    expect(report.checks.find(({ id }) => id === "beginning")?.first?.why).toMatch(
      /the record of retention, entry \d+, is under no checkpoint of its own run$/,
    );
  });

  it("explains none where the segments were gone before the next run began, nor two runs later", async () => {
    const forged = new ForgetfulDisk();
    const tail = forgeTail(disk, [RETENTION]);
    for (const [name, bytes] of cut(tail)) forged.set(name, bytes);
    await restart(forged);
    expect(failed(verifyLog(forged.files(), { trusted }))).toEqual(["beginning"]);
    await restart(forged, 3);
    expect(failed(verifyLog(forged.files(), { trusted }))).toEqual(["beginning"]);
  });

  it("explains none where it stands in a run of the attacker's own, with segments after it", async () => {
    const forged = await runUnsigned(disk, RETENTION);
    await restart(forged, 3);
    const whole = verifyLog(forged.files(), { trusted });
    expect(failed(whole)).toEqual([]);
    expect(whole.runs).toBe(3);
    expect(failed(verifyLog(cut(forged), { trusted }))).toEqual(["beginning"]);
  });
});

describe("a key that was named behind the newest checkpoint", () => {
  it("may sign nothing when the next run has signed over it [HP-200 refuses]", async () => {
    const forged = await restart(forgeTail(disk, [ROTATED]));
    const whole = verifyLog(forged.files(), { trusted });
    expect(failed(whole)).toEqual([]);
    const keys = whole.checks.find(({ id }) => id === "keys");
    expect(keys?.note).toMatch(/^entry \d+ names a key, and no checkpoint of its own run covers/);
    await runAsAttacker(forged, 3);
    const report = verifyLog(forged.files(), { trusted });
    expect(failed(report)).toEqual(["signatures", "keys"]);
    expect(report.checks.find(({ id }) => id === "keys")?.first?.why).toMatch(
      /^entry \d+ names it, and no checkpoint of its own run covers that$/,
    );
  });
});

describe("what a gateway itself records", () => {
  it("counts in all later runs, where a checkpoint of its own run covers it [HP-200 allows]", async () => {
    const log = await watched({ whenFull: "drop-oldest" });
    await fill(log);
    log.space.othersBytes = 87 * MB;
    await log.second(40);
    expect(retentionsIn(log.disk).length).toBeGreaterThan(0);
    log.watch.stop();
    await log.store.close();
    for (const boot of [2, 3]) {
      const { store, recovered } = await openOn(log.disk, { rotate: openNext });
      appendAll(
        store,
        sampleLog(0, 2, boot).map((entry, at) => ({ ...entry, seq: recovered.nextSeq + at })),
      );
      await store.close();
      const report = verifyFiles(log.disk.files());
      expect(failed(report)).toEqual([]);
      expect(report.checks.find(({ id }) => id === "beginning")?.note).toMatch(
        /retention took them, as entry \d+ records/,
      );
    }
  });
});
