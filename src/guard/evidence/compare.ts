import { createPublicKey, verify as verifyWithKey } from "node:crypto";
import {
  judgeCounters,
  type CounterJudgement,
  type LogStanding,
} from "../../evidence/counter-judgement.js";
import type { AnchorKey, Signer } from "../ports.js";

export type Compared = CounterJudgement & { readonly nv: number };

/** The log as it was found, held against the TPM that signs it, before this run raised anything there. */
export function compareWithTpm(
  standing: LogStanding,
  { kid, spki, before = null }: Pick<Signer, "kid" | "spki" | "before">,
  anchors: AnchorKey,
): Compared {
  const { found, spki: attester } = anchors;
  return {
    ...judgeCounters(standing, { kid, spki, before, attester, ...found }, verify),
    nv: found.anchor,
  };
}

function verify(spki: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  return verifyWithKey("sha256", bytes, { key, dsaEncoding: "ieee-p1363" }, signature);
}
