import type { TpmCommand } from "./command.js";
import { COMMAND } from "./constant.js";
import { parseWhole, type TpmReader } from "./reader.js";
import { TpmWriter } from "./writer.js";

/**
 * TPM_PT (Library Part 2, 6.13) that tell what chip this is, how far its orderly counters may jump, and how many bytes of
 * an NV index it gives at a time.
 */
export const PROPERTY = {
  manufacturer: 0x105,
  vendorText: 0x106,
  firmware: 0x10b,
  orderlyCount: 0x11d,
  nvBufferMax: 0x12c,
} as const;

/** First handle of a kind (Library Part 2, 7.2). The list begins there and ends with the kind. */
export const HANDLES_OF = {
  loadedSession: 0x02000000,
  transient: 0x80000000,
} as const;

/** TPM2_GetCapability (Library Part 3, 30.2): up to `count` fixed properties from `first` on, by number. */
export function getProperties(
  first: number,
  count: number,
): TpmCommand<ReadonlyMap<number, number>> {
  return capability(PROPERTIES, { first, count }, (reader) => {
    const properties = new Map<number, number>();
    const listed = takeCount(reader, count, 8);
    for (let i = 0; i < listed; i += 1) properties.set(reader.u32(), reader.u32());
    return properties;
  });
}

/** The same for handles in use, at most `count`. */
export function getHandles(first: number, count: number): TpmCommand<readonly number[]> {
  return capability(HANDLES, { first, count }, (reader) => {
    const listed = takeCount(reader, count, 4);
    return Array.from({ length: listed }, () => reader.u32());
  });
}

const HANDLES = 1;
const PROPERTIES = 6;

function capability<T>(
  kind: number,
  asked: { readonly first: number; readonly count: number },
  take: (reader: TpmReader) => T,
): TpmCommand<T> {
  return {
    title: "TPM2_GetCapability",
    code: COMMAND.getCapability,
    entities: [],
    authorised: 0,
    parameters: new TpmWriter().u32(kind).u32(asked.first).u32(asked.count).done(),
    seals: { command: false, response: false },
    makesHandle: false,
    parse: (parameters) =>
      parseWhole(parameters, (reader) => {
        reader.flag();
        reader.expect(4, kind, "tag");
        return take(reader);
      }),
  };
}

/** No more than was asked for, and no more than there are bytes. */
function takeCount(reader: TpmReader, most: number, itemBytes: number): number {
  const count = reader.u32();
  if (count > most || count * itemBytes > reader.left) reader.fail("size");
  return reader.fault === null ? count : 0;
}
