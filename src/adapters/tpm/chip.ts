import { getProperties, PROPERTY } from "../../codec/tpm2/get-capability.js";
import type { TpmResult } from "./result.js";
import type { Tpm } from "./tpm.js";

/** What the TPM says of itself, unproved: only its endorsement key's certificate says who made it. */
export type TpmChip = {
  readonly manufacturer: string;
  readonly vendor: string;
  /** 64 bits, in hexadecimal. */
  readonly firmware: string;
};

export async function readChip(tpm: Tpm): Promise<TpmResult<TpmChip>> {
  const count = PROPERTY.firmware + 2 - PROPERTY.manufacturer;
  return await tpm.perform(async (line) => {
    const read = await line.plain(getProperties(PROPERTY.manufacturer, count));
    if (!read.ok) return read;
    const word = (property: number): number => read.value.get(property) ?? 0;
    const vendor = [0, 1, 2, 3].map((at) => textOf(word(PROPERTY.vendorText + at))).join("");
    const firmware = [0, 1].map((at) =>
      word(PROPERTY.firmware + at)
        .toString(16)
        .padStart(8, "0"),
    );
    const manufacturer = textOf(word(PROPERTY.manufacturer)).trim();
    return {
      ok: true,
      value: { manufacturer, vendor: vendor.trim(), firmware: firmware.join("") },
    };
  });
}

/**
 * How far an orderly counter may jump when the TPM loses power without having been shut down (TPM_PT_ORDERLY_COUNT): at
 * most so far is what it keeps in RAM ahead of its flash. The chip's own word; zero where it does not say.
 */
export async function readJump(tpm: Tpm): Promise<TpmResult<bigint>> {
  return await tpm.perform(async (line) => {
    const read = await line.plain(getProperties(PROPERTY.orderlyCount, 1));
    return read.ok ? { ok: true, value: BigInt(read.value.get(PROPERTY.orderlyCount) ?? 0) } : read;
  });
}

/** Four characters in a number; what cannot be shown is left out. */
function textOf(word: number): string {
  const bytes = [24, 16, 8, 0].map((shift) => (word >>> shift) & 0xff);
  return String.fromCharCode(...bytes.filter((byte) => byte >= 0x20 && byte < 0x7f));
}
