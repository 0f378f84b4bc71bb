import { activateCredential, type Credential } from "../../codec/tpm2/activate-credential.js";
import type { SignedAttest } from "../../codec/tpm2/attest.js";
import { certify } from "../../codec/tpm2/certify.js";
import { HIERARCHY } from "../../codec/tpm2/constant.js";
import { createPrimary } from "../../codec/tpm2/create-primary.js";
import { getTime } from "../../codec/tpm2/get-time.js";
import { nameOf, type TpmEntity } from "../../codec/tpm2/name.js";
import { policySecret } from "../../codec/tpm2/policy-secret.js";
import { ENDORSEMENT_KEY_TEMPLATE } from "../../codec/tpm2/public-area.js";
import { quote } from "../../codec/tpm2/quote.js";
import { sha256 } from "./key-derivation.js";
import type { KeyUse } from "./keys.js";
import type { TpmResult } from "./result.js";
import type { Tpm } from "./tpm.js";
import type { TpmLine } from "./tpm-line.js";

/** The signer's word that the object is in its TPM. `qualifying` is at most 66 bytes, here and below. */
export async function certifyKey(
  tpm: Tpm,
  object: KeyUse,
  signer: KeyUse,
  qualifying: Uint8Array,
): Promise<TpmResult<SignedAttest>> {
  const command = certify(object.key, signer.key, qualifying);
  return await tpm.perform(
    async (line) => await line.authorised(command, [object.auth, signer.auth]),
  );
}

/** The signer's word on PCRs of the SHA-256 bank. */
export async function quotePcrs(
  tpm: Tpm,
  signer: KeyUse,
  qualifying: Uint8Array,
  pcrs: readonly number[],
): Promise<TpmResult<SignedAttest>> {
  const command = quote(signer.key, qualifying, pcrs);
  return await tpm.perform(async (line) => await line.authorised(command, [signer.auth]));
}

/** The signer's word on the TPM's own clock and how often it was reset. */
export async function attestTime(
  tpm: Tpm,
  signer: KeyUse,
  qualifying: Uint8Array,
  endorsement: Uint8Array,
): Promise<TpmResult<SignedAttest>> {
  const command = getTime(signer.key, qualifying);
  return await tpm.perform(
    async (line) => await line.authorised(command, [endorsement, signer.auth]),
  );
}

export type EndorsementUse = {
  /** Where the endorsement key is kept; null makes the P-256 key of the TCG template for this one time. */
  readonly handle: number | null;
  /** Of the endorsement hierarchy. */
  readonly auth: Uint8Array;
};

/** The public area of the endorsement key, whatever kind it is: TPMT_PUBLIC, and its Name computed from it. */
export async function readEndorsementKey(
  tpm: Tpm,
  endorsement: EndorsementUse,
): Promise<TpmResult<{ readonly publicArea: Uint8Array; readonly name: Uint8Array }>> {
  return await tpm.perform(
    async (line) =>
      await withEndorsementKey(
        line,
        endorsement,
        async (_key, publicArea) =>
          await Promise.resolve({
            ok: true,
            value: { publicArea, name: nameOf(publicArea, sha256) },
          }),
      ),
  );
}

/** The value hidden in a credential, which comes out only when `object` and the endorsement key are of this TPM. */
export async function openCredential(
  tpm: Tpm,
  object: KeyUse,
  endorsement: EndorsementUse,
  credential: Credential,
): Promise<TpmResult<Uint8Array>> {
  return await tpm.perform(
    async (line) =>
      await withEndorsementKey(line, endorsement, async (key) => {
        const policy = await line.startSession("policy");
        if (!policy.ok) return policy;
        const { handle } = policy.value;
        const secret = policySecret(HIERARCHY.endorsement, handle);
        const satisfied = await line.authorised(secret, [endorsement.auth]);
        const opened = satisfied.ok
          ? await line.withPolicy(
              activateCredential(object.key, key, credential),
              object.auth,
              policy.value,
            )
          : satisfied;
        const flushed = await line.flush(handle);
        return opened.ok && !flushed.ok ? flushed : opened;
      }),
  );
}

async function withEndorsementKey<T>(
  line: TpmLine,
  { handle, auth }: EndorsementUse,
  run: (key: TpmEntity, publicArea: Uint8Array) => Promise<TpmResult<T>>,
): Promise<TpmResult<T>> {
  if (handle !== null) {
    const read = await line.readObject(handle);
    if (!read.ok) return read;
    const { publicArea } = read.value;
    return await run({ handle, name: nameOf(publicArea, sha256) }, publicArea);
  }
  const command = createPrimary(HIERARCHY.endorsement, ENDORSEMENT_KEY_TEMPLATE, new Uint8Array(0));
  const made = await line.authorised(command, [auth]);
  if (!made.ok) return made;
  const { publicArea } = made.value;
  const key = { handle: made.value.handle, name: nameOf(publicArea, sha256) };
  const result = await run(key, publicArea);
  const flushed = await line.flush(key.handle);
  return result.ok && !flushed.ok ? flushed : result;
}
