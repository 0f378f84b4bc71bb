import { ALGORITHM } from "./constant.js";
import { TpmWriter } from "./writer.js";

export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** Something a command acts on, with the Name that its authorisation is bound to. */
export type TpmEntity = { readonly handle: number; readonly name: Uint8Array };

/**
 * Name of an object or NV index (Library Part 1, section 16): its name algorithm, then the digest of its public area.
 * `publicArea` is the TPMT_PUBLIC or TPMS_NV_PUBLIC exactly as the TPM gave it, with nameAlg SHA-256.
 */
export function nameOf(publicArea: Uint8Array, sha256: Sha256): Uint8Array {
  return new TpmWriter().u16(ALGORITHM.sha256).raw(sha256(publicArea)).done();
}

/** Hierarchies, PCRs and sessions have no public area: their Name is their handle. */
export function entityOf(handle: number): TpmEntity {
  return { handle, name: new TpmWriter().u32(handle).done() };
}

/**
 * Qualified Name of a primary object (Library Part 1, 16.5): `hierarchy` is the handle it stands under. Others cannot
 * be computed without all of their parents.
 */
export function qualifiedNameOf(name: Uint8Array, hierarchy: number, sha256: Sha256): Uint8Array {
  return nameOf(new TpmWriter().u32(hierarchy).raw(name).done(), sha256);
}
