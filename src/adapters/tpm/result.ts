/**
 * Why there is no answer to rely on. An operation of several commands tells of the one that failed.
 * `not-done`: the TPM surely did nothing, as a rule because nothing was sent; it may be asked again.
 * `unknown`: it was sent, and whether the TPM did it is not known.
 * `refused`: the TPM said no; `code` is its TPM_RC.
 * `malformed`: no answer of TPM 2.0.
 * `forged`: an answer whose HMAC is wrong.
 * `mismatch`: what is there is not what it must be.
 */
export type TpmFault = {
  readonly kind: "not-done" | "unknown" | "refused" | "malformed" | "forged" | "mismatch";
  /** For people: what happened, in one line. */
  readonly says: string;
  /** Zero unless refused. */
  readonly code: number;
};

export type TpmResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: TpmFault };

export function faultOf(
  kind: TpmFault["kind"],
  says: string,
  code = 0,
): { readonly ok: false; readonly fault: TpmFault } {
  return { ok: false, fault: { kind, says, code } };
}
