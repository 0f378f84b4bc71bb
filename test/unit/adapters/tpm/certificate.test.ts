import { describe, expect, it } from "vitest";
import { askEndorsementCertificate } from "../../../../src/adapters/tpm/ask.js";
import { readEndorsementCertificate } from "../../../../src/adapters/tpm/certificate.js";
import type { TpmChannel } from "../../../../src/adapters/tpm/channel.js";
import { openSocketChannel } from "../../../../src/adapters/tpm/socket-channel.js";
import type { Tpm } from "../../../../src/adapters/tpm/tpm.js";
import { COMMAND } from "../../../../src/codec/tpm2/constant.js";
import { CERTIFICATE_INDEX } from "../../../../src/codec/tpm2/endorsement-certificate.js";
import { hexOf } from "../../../support/hex.js";
import { defineNvIndex, writeNvIndex } from "../../../support/nv-certificate.js";
import { startSoftwareTpm, type SoftwareTpm } from "../../../support/swtpm.js";
import { faultIn, openTestTpm, provisionRoot, valueOf } from "../../../support/tpm-rig.js";

/** So long that it takes three reads, with a filling behind. */
const CERTIFICATE = Uint8Array.of(0x30, 0x82, 0x06, 0x40, ...new Uint8Array(1600).fill(0xa7));
const FILLED = Uint8Array.of(...CERTIFICATE, ...new Uint8Array(300));
const TIMEOUT_MS = 10_000;

type Rewrite = (code: number, answer: Uint8Array) => Uint8Array;

/** On a chip that nobody else is connected to; `rewrite`: what comes of an answer on its way. */
async function openAt(
  chip: SoftwareTpm,
  rewrite: Rewrite = (_code, answer) => answer,
): Promise<{ readonly tpm: Tpm; readonly sent: readonly number[] }> {
  const root = await provisionRoot(chip.path);
  const sent: number[] = [];
  const channel = openSocketChannel({ path: chip.path }, TIMEOUT_MS);
  const tapped: TpmChannel = {
    managed: channel.managed,
    connected: () => channel.connected(),
    connect: async () => await channel.connect(),
    drop: () => {
      channel.drop();
    },
    exchange: async (command) => {
      const code = Buffer.from(command).readUInt32BE(6);
      sent.push(code);
      const answer = await channel.exchange(command);
      return answer.ok ? { ok: true, value: rewrite(code, answer.value) } : answer;
    },
  };
  return { tpm: openTestTpm(tapped, root.name), sent };
}

function countOf(sent: readonly number[], code: number): number {
  return sent.filter((one) => one === code).length;
}

/** The size that TPM2_NV_ReadPublic tells of an index without a policy. */
function sizeTold(size: number): Rewrite {
  return (code, answer) => {
    if (code !== COMMAND.nvReadPublic || answer.length < 26) return answer;
    const changed = Buffer.from(answer);
    changed.writeUInt16BE(size, 24);
    return new Uint8Array(changed);
  };
}

/** The only property asked for here, TPM_PT_NV_BUFFER_MAX, at the end of its answer. */
function bufferTold(bytes: number): Rewrite {
  return (code, answer) => {
    if (code !== COMMAND.getCapability || answer.length !== 27) return answer;
    const changed = Buffer.from(answer);
    changed.writeUInt32BE(bytes, 23);
    return new Uint8Array(changed);
  };
}

describe("the endorsement certificate in a TPM", () => {
  it("is read whole from the index of its kind, without what fills the index up", async () => {
    const chip = await startSoftwareTpm();
    await writeNvIndex(chip, CERTIFICATE_INDEX.rsa, FILLED);
    const { tpm, sent } = await openAt(chip);
    const read = valueOf(await readEndorsementCertificate(tpm, "rsa"));
    expect(hexOf(read)).toBe(hexOf(CERTIFICATE));
    expect(countOf(sent, COMMAND.nvRead)).toBe(3);
    expect(valueOf(await readEndorsementCertificate(tpm, "ecc"))).toBeNull();
  });

  it("is nothing where its index was defined and never written", async () => {
    const chip = await startSoftwareTpm();
    await defineNvIndex(chip, CERTIFICATE_INDEX.ecc, 100);
    const { tpm } = await openAt(chip);
    expect(valueOf(await readEndorsementCertificate(tpm, "ecc"))).toBeNull();
  });

  it("is read in as small pieces as the TPM says, and never in smaller ones than 64 bytes or larger ones than 768", async () => {
    const chip = await startSoftwareTpm();
    await writeNvIndex(chip, CERTIFICATE_INDEX.ecc, FILLED);
    for (const [told, pieces] of [
      [512, 4],
      [1, 30],
      [0, 30],
      [0xffff_ffff, 3],
    ] as const) {
      const { tpm, sent } = await openAt(chip, bufferTold(told));
      const read = valueOf(await readEndorsementCertificate(tpm, "ecc"));
      expect(hexOf(read)).toBe(hexOf(CERTIFICATE));
      expect(countOf(sent, COMMAND.nvRead)).toBe(pieces);
      tpm.close();
    }
  });

  it("is refused where the index holds anything else, needs a value, or is said to be longer than certificates are", async () => {
    const chip = await startSoftwareTpm();
    await writeNvIndex(chip, CERTIFICATE_INDEX.rsa, Uint8Array.of(...CERTIFICATE, 1));
    await writeNvIndex(chip, CERTIFICATE_INDEX.ecc, CERTIFICATE, "secret");
    const { tpm } = await openAt(chip);
    const locked = faultIn(await readEndorsementCertificate(tpm, "ecc"));
    expect(locked).toMatchObject({ kind: "refused" });
    expect(locked.says).toMatch(/^TPM2_NV_Read: the authorisation is wrong/);
    expect(faultIn(await readEndorsementCertificate(tpm, "rsa"))).toEqual({
      kind: "mismatch",
      says: "the NV index 0x01c00002 does not hold one certificate and nothing else",
      code: 0,
    });
    tpm.close();
    for (const size of [4097, 0xffff]) {
      const { tpm: told, sent } = await openAt(chip, sizeTold(size));
      const fault = faultIn(await readEndorsementCertificate(told, "rsa"));
      expect(fault).toMatchObject({ kind: "mismatch" });
      expect(fault.says).toContain(`has ${size} bytes, more than a certificate`);
      expect(countOf(sent, COMMAND.nvRead)).toBe(0);
      told.close();
    }
    // A size that is not the index's own is another Name: the TPM refuses what is bound to it.
    const { tpm: other } = await openAt(chip, sizeTold(1604));
    expect(faultIn(await readEndorsementCertificate(other, "rsa")).kind).toBe("refused");
  });

  it("is not taken from a public area of another index, nor from an answer that somebody changed", async () => {
    const chip = await startSoftwareTpm();
    await writeNvIndex(chip, CERTIFICATE_INDEX.rsa, FILLED);
    const { tpm } = await openAt(chip, (code, answer) => {
      if (code !== COMMAND.nvReadPublic) return answer;
      return answer.with(15, 0x0a);
    });
    const fault = faultIn(await readEndorsementCertificate(tpm, "rsa"));
    expect(fault).toMatchObject({ kind: "mismatch" });
    expect(fault.says).toContain("is said to be another");
    tpm.close();
    const { tpm: changed } = await openAt(chip, (code, answer) =>
      code === COMMAND.nvRead ? answer.with(100, (answer[100] ?? 0) ^ 1) : answer,
    );
    expect(faultIn(await readEndorsementCertificate(changed, "rsa")).kind).toBe("forged");
  });

  it("is believed of the TPM's process only whole and alone, and nothing there is not a certificate", () => {
    const { take } = askEndorsementCertificate("rsa");
    expect(take([CERTIFICATE])).toEqual(CERTIFICATE);
    expect(take([new Uint8Array(0)])).toBeNull();
    for (const values of [[], [FILLED], [CERTIFICATE.slice(1)], [CERTIFICATE.slice(0, -1)]]) {
      expect(take(values)).toBeUndefined();
    }
  });
});
