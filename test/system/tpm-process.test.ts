import { spawn } from "node:child_process";
import { createHash, createPublicKey, randomBytes, verify } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { askChip, askCounter, askSignature } from "../../src/adapters/tpm/ask.js";
import { makeEvidenceKey, removeKey } from "../../src/adapters/tpm/keys.js";
import { encodeRequest } from "../../src/adapters/tpm/message.js";
import { raiseSurely } from "../../src/adapters/tpm/raise.js";
import type { TpmRecord } from "../../src/adapters/tpm/record.js";
import { makeTpmSigner } from "../../src/adapters/tpm/signer.js";
import { openSocketChannel } from "../../src/adapters/tpm/socket-channel.js";
import type { TpmProcess } from "../../src/adapters/tpm/tpm-process.js";
import { COMMAND } from "../../src/codec/tpm2/constant.js";
import { TPM_OBJECTS } from "../../src/codec/tpm2/public-area.js";
import { openDevice } from "../support/tpm-device.js";
import { EVIDENCE_AUTH, faultIn, NO_AUTH, openTestTpm, valueOf } from "../support/tpm-rig.js";
import { isAlive, openTestProcess, provisionAt, startProvisioned } from "../support/tpm-process.js";
import { openTestSigner, testFolder, TPM_PROGRAM } from "../support/tpm-process.js";
import { startTpmShim } from "../support/tpm-shim.js";

const DIGEST = new Uint8Array(32).fill(7);

function pidOf(tpm: TpmProcess): number {
  const pid = tpm.pid();
  if (pid === null) throw new Error("no process serves the TPM");
  return pid;
}

async function signs(tpm: TpmProcess, record: TpmRecord): Promise<void> {
  const signature = valueOf(await tpm.ask(askSignature(record.evidence, DIGEST)));
  expect(signature).toHaveLength(64);
}

describe("the signer over the TPM's process", () => {
  it("signs what node:crypto verifies, and says that the TPM is software [HP-120 allows]", async () => {
    const rig = await startProvisioned();
    const signer = await openTestSigner(rig);
    expect(signer.kind).toBe("tpm-software");
    expect(signer.kid).toEqual(createHash("sha256").update(signer.spki).digest());
    const der = { key: Buffer.from(signer.spki), format: "der", type: "spki" } as const;
    const key = { key: createPublicKey(der), dsaEncoding: "ieee-p1363" } as const;
    for (const length of [0, 1, 200, 5_000]) {
      const message = randomBytes(length);
      const signature = await signer.sign(message);
      expect(signature).toHaveLength(64);
      expect(verify("sha256", message, key, signature)).toBe(true);
      expect(verify("sha256", randomBytes(20), key, signature)).toBe(false);
    }
  });

  it("is refused when another key, or none, is at the recorded handle", async () => {
    const rig = await startProvisioned();
    const bare = openTestTpm(
      openSocketChannel({ path: rig.chip.path }, 30_000),
      rig.record.rootName,
    );
    valueOf(await removeKey(bare, TPM_OBJECTS.evidenceKey, NO_AUTH));
    bare.close();
    const gone = await makeTpmSigner(openTestProcess(rig), rig.record).open();
    expect(gone).toMatchObject({
      foreign: true,
      says: "no key is at 0x81010010 any more",
    });
  });

  it("is refused when the key at the handle was made anew [HP-120 refuses]", async () => {
    const rig = await startProvisioned();
    const bare = openTestTpm(
      openSocketChannel({ path: rig.chip.path }, 30_000),
      rig.record.rootName,
    );
    valueOf(await removeKey(bare, TPM_OBJECTS.evidenceKey, NO_AUTH));
    valueOf(await makeEvidenceKey(bare, EVIDENCE_AUTH, NO_AUTH));
    bare.close();
    const fault = await makeTpmSigner(openTestProcess(rig), rig.record).open();
    expect(fault).toMatchObject({
      foreign: true,
      says: "the key at 0x81010010 is not the one that was provisioned",
    });
  });

  it("is refused by another TPM", async () => {
    const [rig, other] = [await startProvisioned(), await startProvisioned()];
    const tpm = openTestProcess({ place: other.place, record: rig.record });
    expect(await makeTpmSigner(tpm, rig.record).open()).toMatchObject({
      ok: false,
      foreign: true,
      says: "this TPM has another storage root than the one pinned",
    });
  });
});

describe("the TPM's process", () => {
  it("killed in the middle of a request leaves it unknown, and the next has a new process [HP-121]", async () => {
    const rig = await startProvisioned();
    const shim = await startTpmShim(rig.chip.path);
    const tpm = openTestProcess({ place: { kind: "socket", path: shim.path }, record: rig.record });
    await signs(tpm, rig.record);
    const pid = pidOf(tpm);
    const swallowed = shim.swallow("answer", COMMAND.sign);
    const asked = tpm.ask(askSignature(rig.record.evidence, DIGEST));
    await swallowed;
    process.kill(pid, "SIGKILL");
    expect(faultIn(await asked)).toMatchObject({
      kind: "unknown",
      says: "the TPM's process ended (SIGKILL)",
    });
    await signs(tpm, rig.record);
    expect(pidOf(tpm)).not.toBe(pid);
  });

  it("is killed at the deadline when the TPM never answers, and nothing waits but the request [HP-121]", async () => {
    const rig = await startProvisioned();
    const tpm = openTestProcess(rig, { deadlineMs: 5_000 });
    await signs(tpm, rig.record);
    const pid = pidOf(tpm);
    rig.chip.freeze();
    let turns = 0;
    const ticking = setInterval(() => (turns += 1), 1);
    const fault = faultIn(await tpm.ask(askSignature(rig.record.evidence, DIGEST)));
    clearInterval(ticking);
    expect(fault).toMatchObject({ kind: "unknown", says: "the TPM did not answer in time" });
    expect(turns).toBeGreaterThan(10);
    rig.chip.thaw();
    await signs(tpm, rig.record);
    expect(pidOf(tpm)).not.toBe(pid);
    expect(isAlive(pid)).toBe(false);
  });

  it("is gone at the deadline with the thread that a hanging device holds", async () => {
    const rig = await startProvisioned();
    const place = { kind: "device", path: await openDevice(rig.chip.path) } as const;
    const tpm = openTestProcess({ place, record: rig.record }, { deadlineMs: 5_000 });
    await signs(tpm, rig.record);
    const pid = pidOf(tpm);
    rig.chip.freeze();
    const fault = faultIn(await tpm.ask(askSignature(rig.record.evidence, DIGEST)));
    expect(fault).toMatchObject({ kind: "unknown", says: "the TPM did not answer in time" });
    await tpm.close();
    expect(isAlive(pid)).toBe(false);
  });

  it("outlives its TPM: requests fail while that is gone, and are served when it is back", async () => {
    const rig = await startProvisioned();
    const tpm = openTestProcess(rig);
    await signs(tpm, rig.record);
    const pid = pidOf(tpm);
    for (let round = 0; round < 3; round += 1) {
      await rig.chip.kill();
      const fault = faultIn(await tpm.ask(askSignature(rig.record.evidence, DIGEST)));
      expect(["not-done", "unknown"]).toContain(fault.kind);
      await rig.chip.start();
      await signs(tpm, rig.record);
    }
    expect(pidOf(tpm)).toBe(pid);
  });

  it("takes no more than its queue holds, and settles all of it when it is closed", async () => {
    const rig = await startProvisioned();
    const tpm = openTestProcess(rig, { queueMax: 2 });
    await signs(tpm, rig.record);
    const pid = pidOf(tpm);
    rig.chip.freeze();
    const first = tpm.ask(askChip());
    const second = tpm.ask(askChip());
    expect(faultIn(await tpm.ask(askChip()))).toMatchObject({
      kind: "not-done",
      says: "too many requests wait for the TPM",
    });
    await tpm.close();
    expect(faultIn(await first).kind).toBe("unknown");
    expect(faultIn(await second).kind).toBe("not-done");
    expect(faultIn(await tpm.ask(askChip()))).toMatchObject({ says: "the TPM was closed" });
    expect(isAlive(pid)).toBe(false);
  });

  it("ends when its parent does, also in the middle of a command", async () => {
    const rig = await startProvisioned();
    rig.chip.freeze();
    const child = spawn(process.execPath, [
      TPM_PROGRAM,
      ...["--tpm", `swtpm:${rig.chip.path}`, "--timeout-ms", "600000"],
    ]);
    child.stdin.write(encodeRequest(1, { op: "read-chip" }));
    child.stdin.end();
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
  });

  it("does not begin with arguments that are not right, nor go on after bytes that are no request", async () => {
    const wrong = spawn(process.execPath, [TPM_PROGRAM, "--tpm", "elsewhere"]);
    expect(await once(wrong, "exit")).toEqual([2, null]);
    const args = ["--tpm", "swtpm:/dev/null/none", "--timeout-ms", "1000"];
    const broken = spawn(process.execPath, [TPM_PROGRAM, ...args]);
    broken.stdin.write(Buffer.from("000000028001", "hex"));
    expect(await once(broken, "exit")).toEqual([null, "SIGKILL"]);
  });

  it("is believed in nothing but answers to what was asked", async () => {
    const { record, place } = await startProvisioned();
    const folder = testFolder();
    // Its id is another one; no frame; a frame that is no answer.
    for (const [at, hex] of ["0000000582190fff00", "ffffffffff", "00000001f6"].entries()) {
      const program = join(folder, `liar-${at}.mjs`);
      const bytes = JSON.stringify(hex);
      writeFileSync(
        program,
        `process.stdin.once("data", () => process.stdout.write(Buffer.from(${bytes}, "hex")));
        process.stdin.on("end", () => process.exit());`,
      );
      const tpm = openTestProcess({ record, place }, { program });
      expect(faultIn(await tpm.ask(askChip()))).toMatchObject({
        kind: "unknown",
        says: "the TPM's process sent what is no answer",
      });
    }
  });

  it("that dies again and again is started with pauses: requests meanwhile are surely not done", async () => {
    const { record, place } = await startProvisioned();
    const program = join(testFolder(), "mortal.mjs");
    writeFileSync(program, `process.stdin.once("data", () => process.exit(9));`);
    const tpm = openTestProcess({ record, place }, { program, deadlineMs: 2_000 });
    const kinds = new Set<string>();
    for (let asked = 0; asked < 12 && !kinds.has("not-done"); asked += 1) {
      kinds.add(faultIn(await tpm.ask(askChip())).kind);
    }
    expect([...kinds]).toEqual(["unknown", "not-done"]);
  });
});

describe("a counter raised over the TPM's process", () => {
  it("is read again when the process dies over its answer, and not raised twice [HP-122]", async () => {
    const rig = await startProvisioned();
    const shim = await startTpmShim(rig.chip.path);
    const tpm = openTestProcess({ place: { kind: "socket", path: shim.path }, record: rig.record });
    const { anchor, checkpoint } = rig.record.counters;
    for (const counter of [anchor, checkpoint]) {
      const before = valueOf(await tpm.ask(askCounter(counter)));
      const sent = shim.passed(COMMAND.nvIncrement);
      const swallowed = shim.swallow("answer", COMMAND.nvIncrement);
      const raised = raiseSurely(tpm, counter, before);
      await swallowed;
      process.kill(pidOf(tpm), "SIGKILL");
      expect(valueOf(await raised)).toBe(before + 1n);
      expect(shim.passed(COMMAND.nvIncrement)).toBe(sent + 1);
      expect(valueOf(await raiseSurely(tpm, counter, before + 1n))).toBe(before + 2n);
    }
  });

  it("stays unknown when the increment never came through, and can be raised later", async () => {
    const rig = await startProvisioned();
    const shim = await startTpmShim(rig.chip.path);
    const tpm = openTestProcess({ place: { kind: "socket", path: shim.path }, record: rig.record });
    const { anchor } = rig.record.counters;
    const before = valueOf(await tpm.ask(askCounter(anchor)));
    const swallowed = shim.swallow("command", COMMAND.nvIncrement);
    const raised = raiseSurely(tpm, anchor, before);
    await swallowed;
    process.kill(pidOf(tpm), "SIGKILL");
    expect(faultIn(await raised)).toMatchObject({ kind: "unknown" });
    expect(shim.passed(COMMAND.nvIncrement)).toBe(0);
    expect(valueOf(await raiseSurely(tpm, anchor, before))).toBe(before + 1n);
  });
});

describe("provisioning", () => {
  it("finds its keys at another place of the same TPM", async () => {
    const rig = await startProvisioned();
    const shim = await startTpmShim(rig.chip.path);
    const moved = await provisionAt(rig.directory, { kind: "socket", path: shim.path });
    expect(moved).toEqual({ ...rig.record, place: { kind: "socket", path: shim.path } });
  });
});
