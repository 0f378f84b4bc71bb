import { certifyKey } from "./attestation.js";
import type { TpmKey } from "./keys.js";
import type { TpmResult } from "./result.js";
import type { Tpm } from "./tpm.js";

/** Field 4 of a key bundle (evidence.cddl section 4, ADR 0012). */
export type AttestedKey = {
  /** TPMT_PUBLIC of the attestation key. */
  readonly attester: Uint8Array;
  readonly certifyInfo: Uint8Array;
  /** r, then s, by the attestation key. */
  readonly signature: Uint8Array;
  /** TPMT_PUBLIC of the evidence key. */
  readonly certified: Uint8Array;
};

/** The attestation key's word on the evidence key, with all that is needed to check it. */
export async function attestEvidenceKey(
  tpm: Tpm,
  evidence: { readonly key: TpmKey; readonly auth: Uint8Array },
  attester: { readonly key: TpmKey; readonly auth: Uint8Array },
): Promise<TpmResult<AttestedKey>> {
  const certified = await certifyKey(tpm, evidence, attester, new Uint8Array(0));
  if (!certified.ok) return certified;
  const { attest, signature } = certified.value;
  return {
    ok: true,
    value: {
      attester: attester.key.publicArea,
      certifyInfo: attest,
      signature,
      certified: evidence.key.publicArea,
    },
  };
}
