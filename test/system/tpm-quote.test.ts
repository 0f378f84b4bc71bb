import { execFile } from "node:child_process";
import { createPublicKey, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { askQuote, askTime } from "../../src/adapters/tpm/ask.js";
import { parseAttest, type SignedAttest } from "../../src/codec/tpm2/attest.js";
import { TpmWriter } from "../../src/codec/tpm2/writer.js";
import { openTestProcess, startProvisioned, testFolder } from "../support/tpm-process.js";
import { faultIn, valueOf } from "../support/tpm-rig.js";

const run = promisify(execFile);
/** Of ECDSA and SHA-256 (Library Part 2, TPM_ALG_ID). */
const [ECDSA, SHA256] = [0x0018, 0x000b];

describe("the TPM's process", () => {
  it("quotes PCRs and tells the TPM's time by the attestation key, as tpm2_checkquote confirms", async () => {
    const rig = await startProvisioned();
    const tpm = openTestProcess(rig);
    const { attestation } = rig.record;
    const nonce = new Uint8Array(randomBytes(32));
    const quoted = valueOf(await tpm.ask(askQuote(attestation, nonce, [0, 7, 23])));
    const time = valueOf(await tpm.ask(askTime(attestation, nonce)));
    const read = parseAttest(time.attest);
    expect(read.ok && read.value.attested).toMatchObject({ kind: "time", clock: { safe: true } });
    const folder = testFolder();
    const pem = createPublicKey({
      key: Buffer.from(attestation.spki),
      format: "der",
      type: "spki",
    }).export({ type: "spki", format: "pem" });
    writeFileSync(join(folder, "key.pem"), pem);
    await expect(checkQuote(folder, quoted, nonce)).resolves.toBe(true);
    await expect(checkQuote(folder, quoted, nonce.with(0, 255 - (nonce[0] ?? 0)))).resolves.toBe(
      false,
    );
    const signature = quoted.signature.with(5, 255 - (quoted.signature[5] ?? 0));
    await expect(checkQuote(folder, { ...quoted, signature }, nonce)).resolves.toBe(false);
  });

  it("takes no other attest for the one that was asked for, nor any key for one that may attest", async () => {
    const rig = await startProvisioned();
    const tpm = openTestProcess(rig);
    const { attestation } = rig.record;
    const [nonce, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    const quoted = valueOf(await tpm.ask(askQuote(attestation, nonce, [0])));
    const values = [quoted.attest, quoted.signature];
    expect(askQuote(attestation, nonce, [0]).take(values)).toEqual(quoted);
    expect(askQuote(attestation, other, [0]).take(values)).toBeUndefined();
    expect(askQuote(attestation, nonce, [0, 1]).take(values)).toBeUndefined();
    expect(askTime(attestation, nonce).take(values)).toBeUndefined();
    for (let length = 0; length < quoted.attest.length; length += 1) {
      const cut = [quoted.attest.slice(0, length), quoted.signature];
      expect(askQuote(attestation, nonce, [0]).take(cut)).toBeUndefined();
    }
    const wrong = { ...attestation, auth: new Uint8Array(32) };
    expect(faultIn(await tpm.ask(askQuote(wrong, nonce, [0]))).kind).toBe("refused");
    expect(faultIn(await tpm.ask(askTime(wrong, nonce))).kind).toBe("refused");
  });
});

/** Debian's tpm2-tools; it needs no TPM for it. */
async function checkQuote(
  folder: string,
  { attest, signature }: SignedAttest,
  nonce: Uint8Array,
): Promise<boolean> {
  const file = (name: string): string => join(folder, name);
  writeFileSync(file("message"), attest);
  const writer = new TpmWriter().u16(ECDSA).u16(SHA256);
  writer.sized(signature.slice(0, 32)).sized(signature.slice(32));
  writeFileSync(file("signature"), writer.done());
  const args = ["-u", file("key.pem"), "-m", file("message")];
  args.push("-s", file("signature"), "-q", Buffer.from(nonce).toString("hex"));
  return await run("tpm2_checkquote", args).then(
    () => true,
    () => false,
  );
}
