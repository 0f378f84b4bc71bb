import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEvidenceDisk } from "../../src/adapters/evidence-file/evidence-disk.js";
import { beginBoot } from "../../src/guard/boot.js";
import { openEvidence } from "../../src/guard/evidence/open.js";
import { SpaceWatch } from "../../src/guard/evidence/space-watch.js";
import { Recollection } from "../../src/guard/recollect.js";
import { foldEntry } from "../../src/kernel/state/fold.js";
import { keepCheckpoint } from "../support/attacked-log.js";
import { compileCorpus, makeCorpus, makeCorpusKey } from "../support/corpus.js";
import { runEvidence } from "../support/evidence-command.js";
import { settle, StillClock } from "../support/evidence-rig.js";
import { bytes } from "../support/evidence-samples.js";

const SEED = 20_261_123;
const PROFILE = new Uint8Array(
  readFileSync(new URL("../support/corpus-profile.yaml", import.meta.url)),
);
const profile = compileCorpus(PROFILE);
const key = makeCorpusKey();
const folder = mkdtempSync(join(tmpdir(), "holdpoint-retention-"));
const log = join(folder, "log");
const early = join(folder, "early.checkpoint");
const ancient = join(folder, "ancient.checkpoint");
const late = join(folder, "late.checkpoint");

/** A log of a real life of the gateway, and then a run on it in which retention takes its oldest segments. */
beforeAll(async () => {
  mkdirSync(log);
  const made = { directory: log, profiles: [PROFILE], seed: SEED, commands: 1_500 };
  await makeCorpus({ ...made, segmentBytesMax: 150_000, signer: key.signer });
  console.log(`seed ${SEED}: ${segments().length} segments`);
  expect(segments().length).toBeGreaterThan(4);
  const [oldest = ""] = segments();
  const content = new Uint8Array(readFileSync(join(log, oldest)));
  writeFileSync(ancient, keepCheckpoint(new Map([[oldest, content]])).body);
  await runEvidence("checkpoint", log, "--out", early);
  await retain(3);
  await runEvidence("checkpoint", log, "--out", late);
  await retain(0);
}, 120_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function segments(): readonly string[] {
  return readdirSync(log)
    .filter((name) => name.startsWith("segment-"))
    .sort();
}

/** One run of the gateway, without a plant, in which so many segments are taken away. */
async function retain(count: number): Promise<void> {
  const clock = new StillClock();
  clock.us = 4_000_000_000_000;
  const disk = await openEvidenceDisk(log);
  const recollection = new Recollection(profile);
  const { store, recovered } = await openEvidence({
    disk,
    clock,
    signer: key.signer,
    gateway: "corpus",
    bootId: bytes(16, 5),
    visitor: recollection.visitor,
    rotate: () => undefined,
    report: () => undefined,
  });
  const facts = {
    software: bytes(32, 1),
    site: bytes(32, 2),
    key: "file",
    spki: key.signer.spki,
    splitEnforced: false,
    profileBytes: PROFILE,
    machineBoot: null,
    nv: null,
    lost: null,
  } as const;
  const boot = beginBoot(profile, { ...recollection.finish(null), recovered }, facts, clock);
  let { state } = boot;
  for (const entry of boot.entries) store.append(entry);
  const isEnough = (): boolean => segments().length <= total - count;
  const total = segments().length;
  const watch = new SpaceWatch({
    disk: {
      ...disk,
      room: async () => {
        const usedBytes = isEnough() ? 1_000_000_000 : 89_000_000_000;
        return await Promise.resolve({ usedBytes, freeBytes: 100_000_000_000 - usedBytes });
      },
    },
    policy: {
      reserveBytes: 1_000_000,
      highWaterPercent: 90,
      keepUs: null,
      whenFull: "drop-oldest",
      tbwBytes: null,
    },
    clock,
    report: () => undefined,
  });
  await watch.start({
    log: {
      head: () => store.head(),
      signedSize: () => store.signedSize,
      checkpoint: () => {
        store.checkpoint("retention");
      },
      record: (bodies) => {
        for (const body of bodies) {
          const entry = { seq: state.nextSeq, monoUs: clock.us, cause: null, body };
          state = foldEntry(profile, state, entry);
          store.append(entry);
        }
      },
    },
    written: () => store.written,
    withhold: () => undefined,
    alarm: () => undefined,
  });
  for (let turn = 0; turn < 50_000 && !isEnough(); turn += 1) {
    clock.advance(1_000_000);
    await settle(20);
  }
  watch.stop();
  await store.close();
  expect(segments()).toHaveLength(total - count);
}

const first = (): number => Number(segments()[0]?.slice(8, 24));

describe("a log whose oldest segments retention took", () => {
  it("verifies and replays from its first snapshot, and says where it begins [HP-164 allows]", async () => {
    const { code, out } = await runEvidence("verify", log, "--replay");
    expect(out.split("\n").filter((line) => line.startsWith("FAIL"))).toEqual([]);
    expect(code).toBe(0);
    expect(first()).toBeGreaterThan(0);
    expect(out).toContain(`seq ${first()} to `);
    expect(out).toMatch(/PASS .+ entries 0 to \d+ are not here: retention took them, as entry/);
    expect(out).not.toContain("kernel facts as recorded (no snapshot before them)");
  });

  it("can be asked, followed, shown and exported from where it begins on", async () => {
    const { out } = await runEvidence("query", log, "--type", "notice", "--all", "--json");
    const notices = out.trimEnd().split("\n").slice(0, -1);
    expect(notices.filter((line) => line.includes('"retention"')).length).toBeGreaterThan(2);
    expect((await runEvidence("tail", log)).code).toBe(0);
    expect((await runEvidence("show", log, String(first()))).out).toContain("segment-link");
    await expect(runEvidence("show", log, "0")).rejects.toThrow("there is no entry 0");
    const bundle = join(folder, "one.cbor");
    const { out: told } = await runEvidence(
      ...["export", log, "--seq", String(first() + 5), "--out", bundle],
    );
    expect(told).toContain("key: kind not known here: ");
    expect(told).not.toContain("software");
    const readme = readFileSync(join(folder, "one.README.md"), "utf8");
    expect(readme).toContain("**key: kind not known here: ");
    // This log's key is in a file: nobody may read out of the bundle that it is not.
    expect((await runEvidence("verify", bundle)).out).toContain("key: software, not hardware");
    expect((await runEvidence("verify", bundle)).code).toBe(0);
    await expect(
      runEvidence("export", log, "--seq", "1", "--out", join(folder, "none.cbor")),
    ).rejects.toThrow(/entry 1/);
  });

  it("gives a decision's profile with it, which stands behind the decision now", async () => {
    const { out } = await runEvidence("query", log, "--type", "decision", "--all", "--json");
    const [, seq = ""] = /"seq":(\d+)/.exec(out) ?? [];
    const bundle = join(folder, "with-profile.cbor");
    const asked = ["--seq", seq, "--out", bundle, "--with-profile"];
    expect((await runEvidence("export", log, ...asked)).code).toBe(0);
    const verified = await runEvidence("verify", bundle);
    expect(verified.code).toBe(0);
    expect(verified.out).toMatch(/PASS .*every decision names/);
  });

  it("goes on from a checkpoint that was kept after it began here; of one before it says that it cannot tell [HP-164 refuses]", async () => {
    expect((await runEvidence("verify", log, "--earlier", late)).code).toBe(0);
    expect((await runEvidence("verify", log, "--earlier", early)).code).toBe(0);
    const { code, out } = await runEvidence("verify", log, "--earlier", ancient);
    expect(code).toBe(1);
    expect(out).toMatch(
      /it is over \d+ entries, the log here begins at \d+: it cannot be compared/,
    );
  });
});
