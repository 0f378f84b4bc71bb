import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { signatureVerifier } from "../../../src/cli/evidence-keys.js";
import { readSegmentName } from "../../../src/evidence/segment.js";
import { LogVerifier, type VerifyReport } from "../../../src/evidence/verify.js";
import type { Signer } from "../../../src/guard/ports.js";
import type { EntryBody } from "../../../src/kernel/record/entry.js";
import { verifyTestCommit } from "../../support/commit-keys.js";
import { ForgetfulDisk } from "../../support/evidence-disk.js";
import { appendAll, failed, openNext, openOn, settle } from "../../support/evidence-rig.js";
import {
  bootBody,
  decisionBody,
  entryOf,
  outcomeBody,
  sha256,
} from "../../support/evidence-samples.js";

type Key = Signer & { readonly kind: "file" };

function makeKey(): Key {
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = new Uint8Array(pair.publicKey.export({ type: "spki", format: "der" }));
  return {
    kind: "file",
    spki,
    kid: createHash("sha256").update(spki).digest(),
    raise: null,
    sign: async (bytes) =>
      await Promise.resolve(
        sign("sha256", bytes, { key: pair.privateKey, dsaEncoding: "ieee-p1363" }),
      ),
  };
}

const made = ({ spki }: Key): EntryBody => ({ type: "key", event: "made", spki });
const rotated = ({ spki }: Key): EntryBody => ({ type: "key", event: "rotated", spki });
const lost = ({ spki }: Key): EntryBody => ({ type: "key", event: "lost", spki });

/** One run: these entries under one checkpoint, a permit and its outcome under the next, more at its end. */
async function run(
  disk: ForgetfulDisk,
  signer: Signer,
  keys: readonly EntryBody[],
  segmentBytesMax?: number,
): Promise<readonly string[]> {
  const rig = await openOn(disk, {
    signer,
    ...(segmentBytesMax === undefined ? {} : { segmentBytesMax }),
    rotate: openNext,
  });
  const { nextSeq, boot } = rig.recovered;
  const round = async (bodies: readonly EntryBody[]): Promise<void> => {
    const from = rig.store.head().nextSeq;
    appendAll(
      rig.store,
      bodies.map((body, at) => entryOf(body, from + at)),
    );
    await settle();
    rig.clock.advance(1_000_000);
    await settle();
  };
  await round([bootBody(boot), ...keys]);
  await round([decisionBody(nextSeq % 256), outcomeBody(nextSeq % 256)]);
  await round([decisionBody((nextSeq + 1) % 256), outcomeBody((nextSeq + 1) % 256)]);
  await rig.store.close();
  return rig.reports;
}

function verify(disk: ForgetfulDisk, trusted: readonly Key[] | null, from = 0): VerifyReport {
  const verifier = new LogVerifier({
    sha256,
    verifySignature: signatureVerifier(),
    verifyCommit: verifyTestCommit,
    trusted: trusted?.map(({ spki }) => spki) ?? null,
  });
  const files = [...disk.files()].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, bytes] of files) {
    if ((readSegmentName(name) ?? -1) >= from) verifier.segment(name, bytes);
  }
  return verifier.finish();
}

function keysCheck(report: VerifyReport): VerifyReport["checks"][number] | undefined {
  return report.checks.find(({ id }) => id === "keys");
}

const settled = async (): Promise<void> => {
  await Promise.resolve();
};

function handOver(from: Key, to: Key, done: () => Promise<void> = settled): Signer {
  return { ...from, handover: { to, done } };
}

describe("a key that takes over", () => {
  it("signs when the key before it has signed the entry that names it: who trusts the first can follow [HP-192 allows]", async () => {
    const [first, second, third] = [makeKey(), makeKey(), makeKey()];
    const disk = new ForgetfulDisk();
    await run(disk, first, [made(first)]);
    const said = await run(disk, handOver(first, second), [rotated(second)]);
    expect(said.join()).toContain("the new key has taken over");
    await run(disk, handOver(second, third), [rotated(third)]);
    await run(disk, third, []);
    for (const trusted of [null, [first]]) {
      const report = verify(disk, trusted);
      expect(failed(report)).toEqual([]);
      expect(keysCheck(report)).toMatchObject({ status: "PASS", looked: 2 });
    }
    // A stranger is not followed, and a later key says nothing of what was before it.
    expect(failed(verify(disk, [makeKey()]))).toContain("signatures");
    expect(failed(verify(disk, [third]))).toContain("signatures");
  });

  it("fails when it alone has signed the entry that names it [HP-192 refuses]", async () => {
    const [first, second] = [makeKey(), makeKey()];
    const disk = new ForgetfulDisk();
    await run(disk, first, [made(first)]);
    await run(disk, second, [rotated(second)]);
    for (const trusted of [null, [first]]) {
      const report = verify(disk, trusted);
      expect(failed(report)).toEqual(["signed-commits", "signatures", "keys"]);
      expect(keysCheck(report)?.first?.why).toMatch(/no checkpoint by the key before it covers/);
    }
  });

  it("fails when it signs before, and the key before it only afterwards", async () => {
    const [first, second] = [makeKey(), makeKey()];
    const disk = new ForgetfulDisk();
    await run(disk, first, [made(first)]);
    await run(disk, second, [rotated(second)]);
    await run(disk, first, []);
    await run(disk, second, []);
    for (const trusted of [null, [first]]) {
      expect(failed(verify(disk, trusted))).toEqual(["signed-commits", "signatures", "keys"]);
    }
  });

  it("ends the word of the key that vouched for it: that one fails from its first checkpoint on", async () => {
    const [first, second] = [makeKey(), makeKey()];
    const disk = new ForgetfulDisk();
    await run(disk, first, [made(first)]);
    await run(disk, handOver(first, second), [rotated(second)]);
    await run(disk, first, []);
    for (const trusted of [null, [first]]) {
      const report = verify(disk, trusted);
      expect(failed(report)).toEqual(["signed-commits", "signatures", "keys"]);
      expect(keysCheck(report)?.first?.why).toMatch(/took over from it/);
    }
  });

  it("that nobody vouches for is a break: told where keys come from the log, a FAIL to who trusts the first [HP-193 refuses]", async () => {
    const [first, second] = [makeKey(), makeKey()];
    const disk = new ForgetfulDisk();
    await run(disk, first, [made(first)]);
    await run(disk, second, [lost(first), made(second)]);
    const report = verify(disk, null);
    expect(failed(report)).toEqual([]);
    expect(keysCheck(report)).toMatchObject({ status: "NOT PRESENT" });
    expect(keysCheck(report)?.note).toMatch(/nobody vouches for the key that entry \d+ names/);
    expect(failed(verify(disk, [first]))).toEqual(["signed-commits", "signatures"]);
    expect(failed(verify(disk, [first, second]))).toEqual([]);
  });

  it("was given up and signs again: a FAIL, whether it was given or the log named it [HP-193 refuses]", async () => {
    const [first, second] = [makeKey(), makeKey()];
    const disk = new ForgetfulDisk();
    await run(disk, first, [made(first)]);
    await run(disk, second, [lost(first), made(second)]);
    await run(disk, first, []);
    for (const trusted of [null, [first, second]]) {
      const report = verify(disk, trusted);
      expect(failed(report)).toEqual(["signed-commits", "signatures", "keys"]);
      expect(keysCheck(report)?.first?.why).toMatch(/key [0-9a-f]{16} took over from it/);
    }
  });

  it("was only away, and another one that was given signed meanwhile: it goes on", async () => {
    const [first, second] = [makeKey(), makeKey()];
    const disk = new ForgetfulDisk();
    await run(disk, first, [made(first), lost(first)]);
    await run(disk, second, [made(second)]);
    await run(disk, first, []);
    expect(failed(verify(disk, [first, second]))).toEqual([]);
    expect(failed(verify(disk, null))).toEqual([]);
  });

  it("took over and both were given: the one before it may sign no more [HP-192 refuses]", async () => {
    const [first, second] = [makeKey(), makeKey()];
    const disk = new ForgetfulDisk();
    await run(disk, first, [made(first)]);
    await run(disk, handOver(first, second), [rotated(second)]);
    await run(disk, second, []);
    expect(failed(verify(disk, [first, second]))).toEqual([]);
    await run(disk, first, []);
    expect(failed(verify(disk, [first, second]))).toEqual(["signed-commits", "signatures", "keys"]);
  });

  it("waits as long as its takeover is not written down, and the key before it goes on", async () => {
    const [first, second] = [makeKey(), makeKey()];
    const disk = new ForgetfulDisk();
    await run(disk, first, [made(first)]);
    const stuck = handOver(first, second, async () => {
      await Promise.reject(new Error("disk full"));
    });
    const said = await run(disk, stuck, [rotated(second)]);
    expect(said).toContain("evidence: the new key waits: disk full");
    // The next start names it again, and now it can.
    await run(disk, handOver(first, second), [rotated(second)]);
    await run(disk, second, []);
    for (const trusted of [null, [first]]) expect(failed(verify(disk, trusted))).toEqual([]);
  });

  it("is named again where the next start finds that it was named and never covered [HP-200 allows]", async () => {
    const [first, second] = [makeKey(), makeKey()];
    const disk = new ForgetfulDisk();
    await run(disk, first, [made(first)]);
    const dead: Signer = {
      ...handOver(first, second),
      sign: async () => await Promise.reject(new Error("the power went")),
    };
    await run(disk, dead, [rotated(second)]);
    await run(disk, handOver(first, second), [rotated(second)]);
    for (const trusted of [null, [first]]) {
      const report = verify(disk, trusted);
      expect(failed(report)).toEqual([]);
      expect(keysCheck(report)).toMatchObject({ status: "PASS", looked: 1 });
    }
  });

  it("counts for nothing by a checkpoint of a later run, which never named it [HP-200 refuses]", async () => {
    const [first, second] = [makeKey(), makeKey()];
    const disk = new ForgetfulDisk();
    await run(disk, first, [made(first)]);
    const dead: Signer = {
      ...first,
      sign: async () => await Promise.reject(new Error("the power went")),
    };
    await run(disk, dead, [rotated(second)]);
    await run(disk, first, []);
    for (const trusted of [null, [first]]) {
      const report = verify(disk, trusted);
      expect(failed(report)).toEqual([]);
      expect(keysCheck(report)).toMatchObject({ looked: 0 });
      expect(keysCheck(report)?.note).toMatch(/no checkpoint of its own run covers that/);
    }
    await run(disk, second, []);
    for (const trusted of [null, [first]]) {
      expect(failed(verify(disk, trusted))).toEqual(["signed-commits", "signatures", "keys"]);
    }
  });

  it("has its counter go on where that of the key before it stands", async () => {
    const [first, second] = [makeKey(), makeKey()];
    const counted = (key: Key, from: number): Key => {
      let value = from;
      const raise = async (): Promise<number> => {
        value += 1;
        return await Promise.resolve(value);
      };
      return { ...key, raise };
    };
    const log = async (next: number): Promise<VerifyReport> => {
      const disk = new ForgetfulDisk();
      await run(disk, counted(first, 10), [made(first)]);
      await run(disk, handOver(counted(first, 20), counted(second, next)), [rotated(second)]);
      return verify(disk, [first]);
    };
    expect(failed(await log(30))).toEqual([]);
    expect(failed(await log(12))).toEqual(["counters"]);
  });
});
