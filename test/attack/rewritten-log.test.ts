import { describe, expect, it } from "vitest";
import type { Entry } from "../../src/kernel/record/entry.js";
import {
  keepCheckpoint,
  makeSigningKey,
  Victim,
  verifyLog,
  withoutCheckpoints,
} from "../support/attacked-log.js";
import { forgeLog } from "../support/corpus-forgery.js";
import { ForgetfulDisk } from "../support/evidence-disk.js";
import { failed } from "../support/evidence-rig.js";

/**
 * An attacker with the disk, the source and the guard's file permissions, but without the key in the TPM. Each attack
 * leaves a log that agrees with itself; what gives it away is one check, and `mutants.ts` takes that one out to see the
 * attack succeed.
 */
const victim = new Victim();
const disk = new ForgetfulDisk();
await victim.run(disk, 1, 3);
const early = disk.crash();
await victim.run(disk, 2, 3);
const whole = disk.files();
const attacker = makeSigningKey();
const trusted = [victim.key.spki];
const held = [keepCheckpoint(whole)];

/** A permit that never was one. */
function turned(entry: Entry, from: number): Entry {
  const { body } = entry;
  if (entry.seq < from || body.type !== "decision") return entry;
  return { ...entry, body: { ...body, sinceArrivalUs: body.sinceArrivalUs + 1 } };
}

describe("a log that nobody touched", () => {
  it("verifies, alone, by the gateway's key, and against a checkpoint kept outside [HP-110 allows]", () => {
    const report = verifyLog(whole, { trusted, held });
    expect(failed(report)).toEqual([]);
    expect(report.segments).toBeGreaterThan(2);
    expect(report.uncovered).toBe(0);
    expect(report.checks.find(({ id }) => id === "held")?.looked).toBe(1);
    // Also against one from long before: what was kept never gets in the way of what came after.
    expect(failed(verifyLog(whole, { held: [keepCheckpoint(early.files())] }))).toEqual([]);
  });
});

describe("a log whose tail was rewritten", () => {
  it("fails by its signatures, though chain, tree and commits were made anew [HP-112]", () => {
    const size = verifyLog(whole).entries;
    const forged = forgeLog(whole, attacker.sign, (entry) => turned(entry, size - 6));
    expect(failed(verifyLog(forged))).toEqual(["signed-commits", "signatures"]);
  });

  it("says how much no signature covers, where the checkpoints were taken out with it", () => {
    const forged = withoutCheckpoints(forgeLog(whole, attacker.sign, (entry) => turned(entry, 0)));
    const report = verifyLog(forged);
    expect(report.checks.find(({ id }) => id === "signatures")?.status).toBe("NOT PRESENT");
    expect(report.uncovered).toBe(report.entries);
    expect(failed(verifyLog(forged, { held }))).toEqual(["held"]);
  });
});

describe("a log that was rewritten from its beginning, under a key of the attacker's own", () => {
  const forged = forgeLog(
    whole,
    attacker.sign,
    (entry) =>
      entry.body.type === "key"
        ? { ...entry, body: { ...entry.body, spki: attacker.spki } }
        : turned(entry, 0),
    attacker.spki,
  );

  it("agrees with itself, and names another key", () => {
    const report = verifyLog(forged);
    expect(failed(report)).toEqual([]);
    expect(report.keys).not.toEqual(verifyLog(whole).keys);
  });

  it("fails for whoever knows the gateway's key", () => {
    expect(failed(verifyLog(forged, { trusted }))).toEqual(["signed-commits", "signatures"]);
  });

  it("fails for whoever kept a checkpoint", () => {
    expect(failed(verifyLog(forged, { held }))).toEqual(["held"]);
  });
});

describe("a log with a segment taken out of its middle", () => {
  it("fails by its order, though no checkpoint after it was left to tell", () => {
    const names = [...whole.keys()].sort();
    const bare = withoutCheckpoints(whole);
    // Within one run: a missing boot entry would tell as well.
    const gone = new Map([...bare].filter(([name]) => name !== names.at(-2)));
    const report = verifyLog(gone);
    expect(failed(report)).toEqual(["order"]);
    expect(report.checks.find(({ id }) => id === "order")?.first?.place.segment).toBe(names.at(-1));
  });
});

describe("a log rolled back to an older copy of itself", () => {
  it("agrees with itself, and fails for whoever kept a later checkpoint [HP-110 refuses]", () => {
    expect(failed(verifyLog(early.files(), { trusted }))).toEqual([]);
    const report = verifyLog(early.files(), { trusted, held });
    expect(failed(report)).toEqual(["held"]);
    expect(report.checks.find(({ id }) => id === "held")?.first?.why).toMatch(/\d+ are gone/);
  });
});

describe("a log that went on from an older copy of itself", () => {
  it("agrees with itself, and fails for whoever kept a checkpoint of the other branch", async () => {
    const forked = early.crash();
    await victim.run(forked, 2, 1);
    await victim.run(forked, 3, 9);
    const report = verifyLog(forked.files(), { trusted });
    expect(failed(report)).toEqual([]);
    expect(report.entries).toBeGreaterThan(verifyLog(whole).entries);
    expect(failed(verifyLog(forked.files(), { trusted, held }))).toEqual(["held"]);
    expect(failed(verifyLog(whole, { held: [keepCheckpoint(forked.files())] }))).toEqual(["held"]);
  });
});

describe("a checkpoint kept outside", () => {
  it("counts only with the gateway's signature, and only for its own log", async () => {
    const [kept] = held;
    if (kept === undefined) throw new Error("none kept");
    const body = kept.body.slice();
    body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
    expect(failed(verifyLog(whole, { held: [{ ...kept, body }] }))).toEqual(["held"]);
    expect(failed(verifyLog(whole, { held: [{ ...kept, body: body.slice(1) }] }))).toEqual([
      "held",
    ]);
    const other = new ForgetfulDisk();
    await victim.run(other, 7, 2);
    const foreign = [keepCheckpoint(other.files())];
    expect(failed(verifyLog(whole, { held: foreign }))).toEqual(["held"]);
  });

  it("that lies before the oldest segment here cannot be compared, which is no PASS", () => {
    const names = [...whole.keys()].sort();
    const newest = new Map([...whole].filter(([name]) => name === names.at(-1)));
    expect(failed(verifyLog(newest))).toEqual(["beginning"]);
    const report = verifyLog(newest, { held: [keepCheckpoint(early.files())] });
    expect(failed(report)).toEqual(["beginning", "held"]);
    expect(report.checks.find(({ id }) => id === "held")?.first?.why).toContain(
      "cannot be compared",
    );
  });
});
