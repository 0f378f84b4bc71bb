import { createPublicKey, verify as verifyWithKey } from "node:crypto";
import {
  judgeCounters,
  type CounterJudgement,
  type LogStanding,
} from "../../evidence/counter-judgement.js";
import type { Signer } from "../ports.js";

/**
 * The log held against the TPM that signs it, before anything is written: what the boot entry says of it. Null: this run
 * has no TPM, and nothing is compared.
 */
export function compareWithTpm(
  standing: LogStanding,
  { kid, spki, anchors }: Pick<Signer, "kid" | "spki" | "anchors">,
): (CounterJudgement & { readonly nv: number }) | null {
  if (anchors === undefined) return null;
  const { found, spki: attester } = anchors;
  return {
    ...judgeCounters(standing, { kid, spki, attester, ...found }, verify),
    nv: found.anchor,
  };
}

function verify(spki: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  return verifyWithKey("sha256", bytes, { key, dsaEncoding: "ieee-p1363" }, signature);
}
