import { generateKeyPairSync, sign } from "node:crypto";
import { HIERARCHY, TAG } from "../../src/codec/tpm2/constant.js";
import { nameOf, qualifiedNameOf } from "../../src/codec/tpm2/name.js";
import { encodePublic, TPM_OBJECTS } from "../../src/codec/tpm2/public-area.js";
import { spkiOf } from "../../src/codec/tpm2/spki.js";
import { TpmWriter } from "../../src/codec/tpm2/writer.js";
import type { KeyAttestation } from "../../src/evidence/bundle.js";
import { sha256 } from "./evidence-samples.js";
import type { LogKey } from "./proof-bundle.js";

/** A key in memory that says of itself that it is in a TPM: what only a certificate can tell from one that is. */
export type ClaimedKey = LogKey & {
  /** TPMT_PUBLIC. */
  readonly area: Uint8Array;
};

export function claimKey(
  attributes: number = TPM_OBJECTS.evidenceKey.attributes,
  policy: Uint8Array = new Uint8Array(0),
): ClaimedKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = publicKey.export({ format: "jwk" });
  const x = new Uint8Array(Buffer.from(jwk.x ?? "", "base64url"));
  const y = new Uint8Array(Buffer.from(jwk.y ?? "", "base64url"));
  return {
    area: encodePublic({ use: "signing", attributes, policy, x, y }),
    spki: spkiOf({ x, y }),
    sign: (bytes) => sign("sha256", bytes, { key: privateKey, dsaEncoding: "ieee-p1363" }),
  };
}

export function claimAttester(): ClaimedKey {
  return claimKey(TPM_OBJECTS.attestationKey.attributes);
}

/** TPMS_ATTEST of TPM2_Certify as a TPM would make it. */
export function certifyInfoOf(
  certified: Uint8Array,
  attester: Uint8Array,
  of: { readonly magic?: number; readonly type?: number; readonly hierarchy?: number } = {},
): Uint8Array {
  const name = nameOf(certified, sha256);
  const hierarchy = of.hierarchy ?? HIERARCHY.endorsement;
  const signer = qualifiedNameOf(nameOf(attester, sha256), hierarchy, sha256);
  const head = new TpmWriter().u32(of.magic ?? 0xff544347).u16(of.type ?? TAG.attestCertify);
  const clock = new TpmWriter().raw(new Uint8Array(16)).u8(1).raw(new Uint8Array(8)).done();
  head.sized(signer).sized(new Uint8Array(0)).raw(clock);
  return head.sized(name).sized(nameOf(name, sha256)).done();
}

export function attest(
  key: ClaimedKey,
  attester: ClaimedKey,
  certifyInfo: Uint8Array = certifyInfoOf(key.area, attester.area),
): KeyAttestation {
  return {
    attester: attester.area,
    certifyInfo,
    signature: new Uint8Array(attester.sign(certifyInfo)),
    certified: key.area,
  };
}
