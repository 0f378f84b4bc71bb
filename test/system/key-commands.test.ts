import { execFile } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { findUsualPlace, USUAL_PLACES } from "../../src/adapters/tpm/place.js";
import { readRecord, recordPath, writePlan } from "../../src/adapters/tpm/record-file.js";
import type { TpmRecord } from "../../src/adapters/tpm/record.js";
import { nvDefineSpace } from "../../src/codec/tpm2/nv.js";
import { nvCounter } from "../../src/codec/tpm2/nv-public.js";
import { openSocketChannel } from "../../src/adapters/tpm/socket-channel.js";
import { CLI, holdpoint, type Ran } from "../support/built-command.js";
import { startSoftwareTpm } from "../support/swtpm.js";
import { openDevice } from "../support/tpm-device.js";
import { NO_AUTH, openTestTpm, provisionRoot, valueOf } from "../support/tpm-rig.js";
import { startProvisioned, testFolder } from "../support/tpm-process.js";

const run = promisify(execFile);
/** Part of every Debian. */
const UNSHARE = "unshare";

async function key(...args: readonly string[]): Promise<Ran> {
  return await holdpoint("key", ...args);
}

async function recordIn(directory: string): Promise<TpmRecord> {
  const found = await readRecord(directory);
  if (found.kind !== "there") throw new Error(`no record in ${directory}`);
  return found.value;
}

describe("holdpoint key", () => {
  it("provisions once: again it finds the same keys, raises nothing and says so [HP-123 allows]", async () => {
    const chip = await startSoftwareTpm();
    const folder = join(testFolder(), "key");
    const first = await key("provision", "--tpm", `swtpm:${chip.path}`, "--out", folder);
    expect(first).toMatchObject({ code: 0, err: "" });
    expect(first.out).toContain("in a software TPM, proves no hardware");
    expect(first.out).toContain("checkpoints 0x01500010 at 1, anchors 0x01500011 at 1");
    const second = await key("provision", "--out", folder, "--json");
    expect(second).toMatchObject({ code: 0, err: "" });
    const report: unknown = JSON.parse(second.out);
    expect(report).toMatchObject({
      made: false,
      kind: "tpm-software",
      answers: true,
      usable: true,
      trouble: null,
      evidence: { handle: "0x81010010" },
      attestation: { handle: "0x81010011" },
      counters: { checkpoint: { value: "1" }, anchor: { value: "1" } },
    });
    expect(first.out).toContain(kidIn(second.out));
    expect(readdirSync(folder)).toEqual(["tpm-key.cbor"]);
    // No secret is shown.
    const { evidence, attestation, counters } = await recordIn(folder);
    for (const { auth } of [evidence, attestation, counters.anchor, counters.checkpoint]) {
      expect(first.out + second.out).not.toContain(Buffer.from(auth).toString("hex"));
    }
  });

  it("tells whether the TPM answers now", async () => {
    const { chip, directory } = await startProvisioned();
    const up = await key("status", directory);
    expect(up).toMatchObject({ code: 0, err: "" });
    expect(up.out).toContain("yes: every key signs, every counter is read");
    await chip.kill();
    const down = await key("status", directory, "--json");
    expect(down).toMatchObject({ code: 1, err: "" });
    expect(JSON.parse(down.out)).toMatchObject({
      answers: false,
      usable: false,
      counters: { checkpoint: { index: "0x01500010", value: null }, anchor: { value: null } },
    });
    const words = await key("status", directory);
    expect(words.code).toBe(1);
    expect(words.out).toContain("NO: ");
    expect(words.out).not.toContain("\u001B");
    await chip.start();
    expect((await key("status", directory)).code).toBe(0);
  });

  it("says in one line that there is no TPM, no record, or no such place", async () => {
    const folder = testFolder();
    const none = await key("provision", "--tpm", "device:/dev/no-such-tpm", "--out", folder);
    expect(none).toMatchObject({ code: 1, out: "" });
    expect(none.err).toMatch(/^no TPM found: \/dev\/no-such-tpm is not there\. Name one.*\n$/);
    const dead = await key("provision", "--tpm", `swtpm:${folder}/none`, "--out", folder);
    expect(dead).toMatchObject({ code: 1, out: "" });
    expect(dead.err).toMatch(/^the TPM at .*\/none: .*\n$/);
    const status = await key("status", folder);
    expect(status).toMatchObject({ code: 1, out: "" });
    expect(status.err).toMatch(/^no TPM key is provisioned: .*holdpoint key provision makes it\n$/);
    const wrong = await key("provision", "--tpm", "somewhere", "--out", folder);
    expect(wrong).toMatchObject({ code: 2, out: "" });
    expect(wrong.err).toMatch(/^somewhere: no place of a TPM\..*\n$/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("needs no place where swtpm listens at its usual one, and attest no file: keys and bundle are in their folder", async () => {
    if (existsSync(USUAL_PLACES.device.path)) {
      // Nothing is ever made in this machine's own TPM.
      expect(await findUsualPlace()).toEqual(USUAL_PLACES.device);
      return;
    }
    const folder = testFolder();
    const ran = await inOwnNetwork(`
      swtpm socket --tpm2 --tpmstate dir=${folder} --flags not-need-init,startup-clear \\
        --server type=tcp,port=2321 --ctrl type=tcp,port=2322 --daemon --pid file=${folder}/pid
      cd ${folder} && ${process.execPath} ${CLI} key provision && ${process.execPath} ${CLI} key attest
      code=$?; kill "$(cat ${folder}/pid)"; exit $code`);
    expect(ran.err).toBe("");
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/^TPM +swtpm:127\.0\.0\.1:2321, /m);
    expect(ran.out).toContain("holdpoint-key/key-bundle.cbor: the attest of a TPM\n");
    expect(readdirSync(join(folder, "holdpoint-key")).sort()).toEqual([
      "key-bundle.cbor",
      "tpm-key.cbor",
    ]);
  });

  it("provisions a TPM that is a device", async () => {
    const chip = await startSoftwareTpm();
    const device = await openDevice(chip.path);
    const folder = testFolder();
    const done = await key("provision", "--tpm", `device:${device}`, "--out", folder);
    expect(done).toMatchObject({ code: 0, err: "" });
    // The chip itself says that it is software.
    expect(done.out).toContain("in a software TPM, proves no hardware");
    expect((await recordIn(folder)).place).toEqual({ kind: "device", path: device });
  });

  it("makes nothing over keys that the folder has no record of [HP-123 refuses]", async () => {
    const { chip, directory } = await startProvisioned();
    const folder = testFolder();
    const refused = await key("provision", "--tpm", `swtpm:${chip.path}`, "--out", folder);
    expect(refused).toMatchObject({ code: 1, out: "" });
    expect(refused.err).toContain("a key is at 0x81010010 already");
    expect(refused.err).toContain("Nothing was replaced");
    expect(readdirSync(folder)).toEqual([]);
    expect((await key("status", directory)).code).toBe(0);
  });

  it("refuses another kind of object at a handle, before anything is made", async () => {
    const chip = await startSoftwareTpm();
    const context = `${chip.path}.ctx`;
    const tcti = ["-Q", "-T", chip.tcti, "-C", "o"];
    await run("tpm2_createprimary", [...tcti, "-G", "ecc", "-c", context]);
    await run("tpm2_evictcontrol", [...tcti, "-c", context, "0x81010011"]);
    const folder = testFolder();
    const refused = await key("provision", "--tpm", `swtpm:${chip.path}`, "--out", folder);
    expect(refused).toMatchObject({ code: 1, out: "" });
    expect(refused.err).toContain("the object at 0x81010011 has not the attributes it must");
    expect(refused.err).toContain("tpm2_evictcontrol -C o -c 0x81010011");
    const { stdout } = await run("tpm2_getcap", ["-T", chip.tcti, "handles-persistent"]);
    expect(stdout).not.toContain("0x81010010");
  });

  it("refuses when a recorded key is gone, and a counter that is", async () => {
    const { chip, directory } = await startProvisioned();
    await run("tpm2_nvundefine", ["-Q", "-T", chip.tcti, "-C", "o", "0x01500011"]);
    const counter = await key("provision", "--out", directory);
    expect(counter).toMatchObject({ code: 1, out: "" });
    expect(counter.err).toContain("Nothing was replaced");
    await run("tpm2_evictcontrol", ["-Q", "-T", chip.tcti, "-C", "o", "-c", "0x81010010"]);
    const gone = await key("provision", "--out", directory);
    expect(gone).toMatchObject({ code: 1, out: "" });
    expect(gone.err).toContain("no key is at 0x81010010 any more");
    const status = await key("status", directory);
    expect(status.code).toBe(1);
    expect(status.out).toContain("yes, but NOT as it was provisioned: no key is at 0x81010010");
  });

  it("goes on where a call that was cut short ended", async () => {
    const { directory, record } = await startProvisioned();
    const { evidence, attestation, counters } = record;
    // As after a crash between the last object made and its record.
    await writePlan(directory, {
      evidence: evidence.auth,
      attestation: attestation.auth,
      checkpoint: counters.checkpoint.auth,
      anchor: counters.anchor.auth,
    });
    rmSync(recordPath(directory));
    const place = record.place.kind === "socket" ? record.place.path : "";
    expect((await key("provision", "--tpm", `swtpm:${place}`, "--out", directory)).code).toBe(0);
    expect(await recordIn(directory)).toEqual(record);
    expect(readdirSync(directory)).toEqual(["tpm-key.cbor"]);
  });

  it("does not take for its own what another call made", async () => {
    const { chip, directory } = await startProvisioned();
    const folder = testFolder();
    const auth = new Uint8Array(32).fill(8);
    await writePlan(folder, { evidence: auth, attestation: auth, checkpoint: auth, anchor: auth });
    const refused = await key("provision", "--tpm", `swtpm:${chip.path}`, "--out", folder);
    expect(refused).toMatchObject({ code: 1, out: "" });
    expect(refused.err).toContain("Nothing was replaced");
    expect(readdirSync(folder)).toEqual(["tpm-plan.cbor"]);
    expect((await key("status", directory)).code).toBe(0);
  });

  it("raises a counter that was defined and, for a crash, never raised", async () => {
    const chip = await startSoftwareTpm();
    const root = await provisionRoot(chip.path);
    const folder = testFolder();
    const auth = new Uint8Array(32).fill(8);
    await writePlan(folder, { evidence: auth, attestation: auth, checkpoint: auth, anchor: auth });
    const tpm = openTestTpm(openSocketChannel({ path: chip.path }, 30_000), root.name);
    const define = nvDefineSpace(nvCounter(0x01500011, "flash"), auth);
    valueOf(await tpm.perform(async (line) => await line.authorised(define, [NO_AUTH])));
    tpm.close();
    const done = await key("provision", "--tpm", `swtpm:${chip.path}`, "--out", folder);
    expect(done).toMatchObject({ code: 0, err: "" });
    expect(done.out).toContain("anchors 0x01500011 at 1");
  });
});

function kidIn(json: string): string {
  return /"kid":"([0-9a-f]{64})"/.exec(json)?.[1] ?? "no kid";
}

/** Shell commands where 127.0.0.1 is nobody else's. */
async function inOwnNetwork(commands: string): Promise<Ran> {
  const script = `/usr/bin/python3 -c "$LOOPBACK_UP"\n${commands}`;
  const env = { ...process.env, LOOPBACK_UP };
  return await new Promise((resolve) => {
    const child = execFile(UNSHARE, ["-rn", "sh", "-c", script], { env }, (_error, out, err) => {
      resolve({ code: child.exitCode ?? -1, out, err });
    });
  });
}

/** ioctl SIOCSIFFLAGS with IFF_UP and IFF_RUNNING: a new network namespace has its loopback down. */
const LOOPBACK_UP = `
import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh22x", b"lo", 0x41))
`;
