import { createPublicKey, randomBytes, verify } from "node:crypto";
import type { AnchorKey } from "../../guard/ports.js";
import { readCounterAttest } from "../../codec/tpm2/counter-attest.js";
import { askCounter, askCounterCertificate, askJump } from "./ask.js";
import { raiseSurely } from "./raise.js";
import type { TpmRecord } from "./record.js";
import { faultOf, type TpmResult } from "./result.js";
import { findRecorded } from "./recorded-key.js";
import type { TpmProcess } from "./tpm-process.js";

/**
 * What anchors are made with, and what both counters stand at now: the flash counter by an attest over something new, so
 * that it is this TPM's own word. `mismatch` when the attestation key is another than the recorded one.
 */
export async function openAnchorKey(
  tpm: TpmProcess,
  record: TpmRecord,
): Promise<TpmResult<AnchorKey>> {
  const { attestation, counters, firsts } = record;
  const there = await findRecorded(tpm, attestation);
  if (!there.ok) return there;
  const jump = await tpm.ask(askJump());
  if (!jump.ok) return jump;
  const checkpoint = await tpm.ask(askCounter(counters.checkpoint));
  if (!checkpoint.ok) return checkpoint;
  const nonce = randomBytes(32);
  const certified = await tpm.ask(askCounterCertificate(counters.anchor, attestation, nonce));
  if (!certified.ok) return certified;
  const { attest, signature } = certified.value;
  const read = readCounterAttest(attest);
  const key = createPublicKey({ key: Buffer.from(attestation.spki), format: "der", type: "spki" });
  const isSigned = verify("sha256", attest, { key, dsaEncoding: "ieee-p1363" }, signature);
  if (read === null || !isSigned || !nonce.equals(read.qualifying)) {
    return faultOf("mismatch", "the TPM certified another counter than it was asked to");
  }
  const found = {
    checkpoint: Number(checkpoint.value),
    anchor: read.value,
    resets: read.resets,
    jump: Number(jump.value),
    firsts,
  };
  return {
    ok: true,
    value: {
      spki: attestation.spki,
      found,
      raise: async (above) => await raiseAbove(tpm, record, above),
      certify: async (qualifying) => {
        const made = await tpm.ask(askCounterCertificate(counters.anchor, attestation, qualifying));
        if (!made.ok) throw new Error(made.fault.says);
        return made.value;
      },
    },
  };
}

/** Flash wears: what an earlier try has raised already, as far as it got, is not raised again. */
async function raiseAbove(
  tpm: TpmProcess,
  { counters }: TpmRecord,
  above: number,
): Promise<number> {
  const read = await tpm.ask(askCounter(counters.anchor));
  if (!read.ok) throw new Error(read.fault.says);
  if (read.value > BigInt(above)) return Number(read.value);
  const raised = await raiseSurely(tpm, counters.anchor, BigInt(above));
  if (!raised.ok) throw new Error(raised.fault.says);
  return Number(raised.value);
}
