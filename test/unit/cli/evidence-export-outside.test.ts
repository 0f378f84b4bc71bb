import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readEntries, type FoundEntry } from "../../../src/cli/evidence-files.js";
import { decodeBundle, encodeKeyBundle } from "../../../src/evidence/bundle.js";
import { readOutside, type Outside } from "../../../src/evidence/outside.js";
import type { AnchorBody } from "../../../src/kernel/record/entry.js";
import { startRun } from "../../support/anchored-log.js";
import { attest } from "../../support/attested-key.js";
import { bySeq, checkpointsIn, runEvidence } from "../../support/evidence-command.js";
import { ForgetfulDisk } from "../../support/evidence-disk.js";
import { settle } from "../../support/evidence-rig.js";
import { decisionBody, outcomeBody } from "../../support/evidence-samples.js";
import { FakeTpm } from "../../support/fake-tpm.js";
import { runPython, runSteps } from "../../support/proof-bundle.js";
import { startTimeAuthority } from "../../support/time-authority.js";

const folder = mkdtempSync(join(tmpdir(), "holdpoint-outside-"));
const log = join(folder, "log");
const tpm = new FakeTpm();
const authority = startTimeAuthority("Time");
const stranger = startTimeAuthority("Stranger");
const keyBundle = join(folder, "key-bundle");
let entries: readonly FoundEntry[] = [];
/** Sizes of all checkpoints, and those that were stamped. */
let sizes: readonly number[] = [];
let stamped = 0;

/** A run with an anchor at its beginning and its end; a time stamp over a checkpoint between, and one that is over nothing. */
beforeAll(async () => {
  mkdirSync(log);
  const disk = new ForgetfulDisk();
  const run = await startRun(disk, tpm, { boot: 1 });
  run.anchorer.start();
  await settle();
  const work = async (id: number): Promise<void> => {
    run.append(decisionBody(id), outcomeBody(id));
    await settle();
    run.clock.advance(1_000_000);
    await settle();
  };
  for (const id of [11, 12, 13]) await work(id);
  const file = join(folder, "checkpoint");
  const [, bytes = new Uint8Array(0)] = [...disk.files()][0] ?? [];
  const [, , third] = checkpointsIn(bytes);
  if (third === undefined) throw new Error("no third checkpoint");
  stamped = third.claim.size;
  writeFileSync(file, frameOf(bytes, third.offset));
  run.append(stampOver(authority.stamp(file), stamped));
  writeFileSync(join(folder, "nothing"), "nothing");
  run.append(stampOver(authority.stamp(join(folder, "nothing")), stamped));
  await work(14);
  await run.end();
  for (const [segment, content] of disk.files()) writeFileSync(join(log, segment), content);
  entries = [...disk.files()].flatMap(([segment, content]) => readEntries(segment, content));
  sizes = [...disk.files()].flatMap(([, content]) =>
    checkpointsIn(content).map(({ claim }) => claim.size),
  );
  const { spki } = tpm.evidence;
  const key = { spki, certificates: [], endorsement: [], validSeq: null, software: true };
  writeFileSync(keyBundle, encodeKeyBundle({ ...key, attestation: attest(tpm.evidence, tpm.key) }));
}, 60_000);

afterAll(() => {
  authority.remove();
  stranger.remove();
  rmSync(folder, { recursive: true });
});

/** Body of the frame that begins here: d9d9f7 83, kind in two bytes, a byte string of two length bytes. */
function frameOf(bytes: Uint8Array, offset: number): Uint8Array {
  const at = bytes.indexOf(0xd2, offset);
  const length = (bytes[at - 2] ?? 0) * 256 + (bytes[at - 1] ?? 0);
  return bytes.slice(at, at + length);
}

function stampOver(token: Uint8Array, size: number): AnchorBody {
  return { type: "anchor", kind: "rfc3161", token, size, signature: null };
}

const seqOf = (type: "decision" | "anchor"): number =>
  entries.find(({ entry }) => entry.body.type === type)?.entry.seq ?? -1;

let count = 0;
async function exportTo(
  ...args: readonly string[]
): Promise<{ readonly file: string; readonly out: string; readonly outside: Outside | null }> {
  const file = join(folder, `export-${(count += 1)}`, "proof.cbor");
  mkdirSync(dirname(file));
  const { out, code } = await runEvidence("export", log, "--out", file, ...args);
  expect(code).toBe(0);
  const read = decodeBundle(new Uint8Array(readFileSync(file)));
  if (!read.ok) throw new Error(read.why);
  return { file, out, outside: readOutside(read.bundle.outside) };
}

/** What Holdpoint says of a bundle, and the Python verifier of the export in the same words; exit code and lines. */
async function verifyBoth(file: string, ...args: readonly string[]): Promise<readonly string[]> {
  const { code, out } = await runEvidence("verify", file, ...args);
  const lines = out
    .split("\n")
    .filter((line) => /^(?:PASS|FAIL|NOT PRESENT) {2}| {13}\S/.test(line));
  const python = runPython([join(dirname(file), "proof.verify.py"), file, ...args]);
  expect([python.code, ...python.lines]).toEqual([code, ...lines]);
  return [String(code), ...lines];
}

const ANCHOR = "the TPM's anchor of it is signed by the attestation key that is here";
const STAMP = "a time stamp over it is signed by an authority that you named";

describe("an export of an entry", () => {
  it("stays under the first checkpoint that covers it, and takes the anchors along that are over it", async () => {
    const plain = await exportTo("--seq", String(seqOf("decision")));
    expect(plain.outside).toBeNull();
    const first = await exportTo("--seq", "0");
    expect(first.outside?.anchors.map(({ kind }) => kind)).toEqual(["nv-certify"]);
    expect(first.out).toContain("Outside evidence over the checkpoint: 1 anchor.");
    expect(first.out).toContain(`under a checkpoint over ${sizes[0] ?? 0} entries`);
  });

  it("is under the first anchored checkpoint when asked, which all verifiers and openssl follow [HP-186]", async () => {
    const seq = String(seqOf("decision"));
    const { file, out } = await exportTo("--seq", seq, "--anchored", "--key-bundle", keyBundle);
    expect(out).toContain(`under a checkpoint over ${sizes.at(-2) ?? 0} entries`);
    const lines = await verifyBoth(file);
    expect(lines[0]).toBe("0");
    expect(lines).toContain(`PASS         ${ANCHOR} (1)`);
    const steps = runSteps(dirname(file), "proof.README.md");
    expect(steps.out).toContain(
      "the checkpoint of the log holds the signed headers and the root\n",
    );
    expect(steps.out).toMatch(/Verified OK\n(?:.*\n)*anchor 1 is over this checkpoint, at 9\n/);
    expect(steps.status).toBe(0);
  });

  it("without the key bundle has steps that say whose word is not checked", async () => {
    const { file } = await exportTo("--seq", String(seqOf("decision")), "--anchored");
    const lines = await verifyBoth(file);
    expect(lines[0]).toBe("0");
    expect(lines.find((line) => line.includes(ANCHOR))).toMatch(
      /^NOT PRESENT .*no attestation key/,
    );
    const steps = runSteps(dirname(file), "proof.README.md");
    expect(steps).toMatchObject({ status: 0 });
    expect(steps.out).toContain("anchor 1 is over this checkpoint, at 9");
    const readme = readFileSync(join(dirname(file), "proof.README.md"), "utf8");
    expect(readme).toContain("who signed it is not checked");
  });

  it("has steps that find a changed anchor, and one over another checkpoint", async () => {
    const seq = String(seqOf("decision"));
    const { file } = await exportTo("--seq", seq, "--anchored", "--key-bundle", keyBundle);
    const part = join(dirname(file), "proof.parts", "anchor-1.bin");
    const whole = readFileSync(part);
    const turned = Buffer.from(whole);
    turned[50] = (turned[50] ?? 0) ^ 1;
    writeFileSync(part, turned);
    expect(runSteps(dirname(file), "proof.README.md").status).not.toBe(0);
    writeFileSync(part, whole);
    const frame = join(dirname(file), "proof.parts", "checkpoint.cbor");
    const bytes = readFileSync(frame);
    writeFileSync(frame, Buffer.concat([bytes, Buffer.of(0)]));
    expect(runSteps(dirname(file), "proof.README.md").out).toContain("over another checkpoint");
  });

  it("takes at most 2,500 bytes with its anchor, without the key", async () => {
    const seq = String(seqOf("decision"));
    const { file } = await exportTo("--seq", seq, "--anchored");
    expect(statSync(file).size).toBeLessThanOrEqual(2_500);
  });

  it("is under the first stamped checkpoint when asked, and brings that time stamp alone [HP-187 allows]", async () => {
    const seq = String(seqOf("anchor"));
    const { file, out, outside } = await exportTo("--seq", seq, "--stamped");
    expect(out).toContain(`under a checkpoint over ${stamped} entries`);
    expect(out).toContain("Outside evidence over the checkpoint: 1 time stamp.");
    expect(out).toContain("1 said to be over it in the log are not");
    expect(outside?.anchors.map(({ kind }) => kind)).toEqual(["rfc3161"]);
    const unnamed = await verifyBoth(file);
    expect(unnamed[0]).toBe("0");
    expect(unnamed.find((line) => line.includes(STAMP))).toMatch(/^NOT PRESENT .*--time-authority/);
    const named = await verifyBoth(file, "--time-authority", authority.roots);
    expect(named[0]).toBe("0");
    expect(named).toContain(`PASS         ${STAMP} (1)`);
    const steps = runSteps(dirname(file), "proof.README.md");
    expect(steps.out).toContain("TIME_ROOTS is not set");
    expect(steps.status).toBe(0);
    process.env["TIME_ROOTS"] = authority.roots;
    try {
      const trusted = runSteps(dirname(file), "proof.README.md");
      expect(trusted.out).toContain("Verification: OK");
      expect(trusted.status).toBe(0);
      process.env["TIME_ROOTS"] = stranger.roots;
      expect(runSteps(dirname(file), "proof.README.md").status).not.toBe(0);
    } finally {
      delete process.env["TIME_ROOTS"];
    }
  });

  it("with a time stamp is a FAIL by an authority that was not named [HP-187 refuses]", async () => {
    const { file } = await exportTo("--seq", String(seqOf("anchor")), "--stamped");
    const lines = await verifyBoth(file, "--time-authority", stranger.roots);
    expect(lines[0]).toBe("1");
    expect(lines).toContain(`FAIL         ${STAMP} (1)`);
    expect(lines).toContain("             no authority that you named signed it");
  });

  it("is refused where no checkpoint has what is wanted", async () => {
    const args = ["export", log, "--out", join(folder, "none.cbor")];
    await expect(runEvidence(...args, "--seq", String(stamped), "--stamped")).rejects.toThrow(
      /no checkpoint that covers this has a time stamp in the log yet; without --stamped/,
    );
    await expect(runEvidence(...args, "--seq", "0", "--stamped", "--anchored")).rejects.toThrow(
      /has an anchor and a time stamp/,
    );
  });
});

describe("an export of a period", () => {
  it("brings the anchor over its checkpoint, which all verifiers and openssl follow [HP-186]", async () => {
    const from = seqOf("decision");
    const { file, outside } = await exportTo(
      ...bySeq(from, from + 1),
      ...["--anchored", "--key-bundle", keyBundle],
    );
    expect(outside?.anchors).toHaveLength(1);
    const lines = await verifyBoth(file, "--period", `${from}-${from + 1}`);
    expect(lines[0]).toBe("0");
    expect(lines).toContain(`PASS         ${ANCHOR} (1)`);
    const steps = runSteps(dirname(file), "proof.README.md");
    expect(steps.out).toContain("anchor 1 is over this checkpoint, at 9\n");
    expect(steps.status).toBe(0);
  });

  it("brings the time stamp over its checkpoint when asked", async () => {
    const { file, out } = await exportTo(...bySeq(0, 3), "--stamped");
    expect(out).toContain(`under a checkpoint over ${stamped} entries`);
    const lines = await verifyBoth(file, "--time-authority", authority.roots);
    expect(lines).toContain(`PASS         ${STAMP} (1)`);
    expect(runSteps(dirname(file), "proof.README.md").status).toBe(0);
  });
});
