import { TpmWriter } from "./writer.js";

/** What KDFa hashes under its key for its first block (Library Part 1, 11.4.10.2, after SP 800-108 in counter mode). */
export function kdfAInput(
  label: string,
  contextU: Uint8Array,
  contextV: Uint8Array,
  bits: number,
): Uint8Array {
  const text = new TpmWriter().u32(1).raw(labelOf(label)).raw(contextU).raw(contextV);
  return text.u32(bits).done();
}

/** What KDFe hashes for its first block (Library Part 1, 11.4.10.3, after SP 800-56A). `z` is the shared x. */
export function kdfEInput(
  z: Uint8Array,
  label: string,
  partyU: Uint8Array,
  partyV: Uint8Array,
): Uint8Array {
  return new TpmWriter().u32(1).raw(z).raw(labelOf(label)).raw(partyU).raw(partyV).done();
}

/** ASCII, with its terminating zero. */
export function labelOf(label: string): Uint8Array {
  const letters = Array.from({ length: label.length }, (_, at) => label.charCodeAt(at));
  return Uint8Array.from([...letters, 0]);
}
