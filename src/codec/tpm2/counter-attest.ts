import { parseAttest, type Attest } from "./attest.js";
import { NV_COUNTER_SIZE } from "./nv-public.js";
import { TpmReader } from "./reader.js";

/** A TPM's word on what one of its counters stands at (TPM2_NV_Certify of all eight bytes). */
export type CounterAttest = Pick<Attest, "qualifiedSigner" | "qualifying"> & {
  readonly indexName: Uint8Array;
  readonly value: number;
  /** How often the TPM was reset: obfuscated unless the signer stands under the endorsement hierarchy. */
  readonly resets: number;
};

/** Null for anything but exactly one attest about a whole counter, whose value a number can hold. Never throws. */
export function readCounterAttest(bytes: Uint8Array): CounterAttest | null {
  const parsed = parseAttest(bytes);
  if (!parsed.ok) return null;
  const { attested, qualifiedSigner, qualifying, clock } = parsed.value;
  if (attested.kind !== "nv" || attested.offset !== 0) return null;
  if (attested.contents.length !== NV_COUNTER_SIZE) return null;
  const value = new TpmReader(attested.contents).u64();
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  const { indexName } = attested;
  const resets = clock.resetCount;
  return { qualifiedSigner, qualifying, indexName, value: Number(value), resets };
}
