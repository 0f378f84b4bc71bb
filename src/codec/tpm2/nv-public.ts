import { ALGORITHM, SIZE } from "./constant.js";
import { nameOf } from "./name.js";
import type { TpmReader } from "./reader.js";
import { TpmWriter } from "./writer.js";

/** TPMS_NV_PUBLIC (Library Part 2, 13.5) with nameAlg SHA-256. */
export type NvPublic = {
  readonly index: number;
  /** TPMA_NV, with WRITTEN when it is. */
  readonly attributes: number;
  readonly policy: Uint8Array;
  readonly size: number;
};

/** Set by the TPM at the first increment; it is part of the public area, so the Name changes with it. */
export const NV_WRITTEN = 0x20000000;

/** `flash` is written through to the chip's memory each time; `orderly` lives in RAM and jumps after a power cut. */
export type NvCounterKind = "flash" | "orderly";

/** COUNTER, AUTHWRITE, AUTHREAD, OWNERREAD, NO_DA, and ORDERLY where it is; nothing else. */
export const NV_COUNTER_ATTRIBUTES: Readonly<Record<NvCounterKind, number>> = {
  flash: 0x02060014,
  orderly: 0x06060014,
};

/** Where the gateway's counters are: of checkpoints (orderly), and of anchors (flash). */
export const COUNTER_INDEX = { checkpoint: 0x01500010, anchor: 0x01500011 } as const;

/** TPMA_NV counters are eight bytes. */
export const NV_COUNTER_SIZE = 8;

export function nvCounter(index: number, kind: NvCounterKind): NvPublic {
  const attributes = NV_COUNTER_ATTRIBUTES[kind];
  return { index, attributes, policy: new Uint8Array(0), size: NV_COUNTER_SIZE };
}

/** True for exactly such a counter, written or not. */
export function isNvCounter(area: NvPublic, kind: NvCounterKind): boolean {
  const attributes = (area.attributes & ~NV_WRITTEN) >>> 0;
  const plain = area.policy.length === 0 && area.size === NV_COUNTER_SIZE;
  return plain && attributes === NV_COUNTER_ATTRIBUTES[kind];
}

/** Name of the gateway's counter of anchors once it was raised: what an attest about it bears. */
export function anchorCounterName(sha256: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const counter = nvCounter(COUNTER_INDEX.anchor, "flash");
  const attributes = (counter.attributes | NV_WRITTEN) >>> 0;
  return nameOf(encodeNvPublic({ ...counter, attributes }), sha256);
}

export function encodeNvPublic(area: NvPublic): Uint8Array {
  const writer = new TpmWriter().u32(area.index).u16(ALGORITHM.sha256).u32(area.attributes);
  return writer.sized(area.policy).u16(area.size).done();
}

export function takeNvPublic(reader: TpmReader): NvPublic {
  const index = reader.u32();
  reader.expect(2, ALGORITHM.sha256);
  const attributes = reader.u32();
  const policy = reader.sized(SIZE.digest);
  return { index, attributes, policy, size: reader.u16() };
}
