import { CborReader, MAJOR, type CborFault } from "./reader.js";
import type { CborKey, CborMap, CborValue } from "./value.js";

export type CborDecoded =
  | { readonly ok: true; readonly value: CborValue }
  | { readonly ok: false; readonly fault: CborFault };

/**
 * One whole core-deterministic item and nothing behind it (RFC 8949 section 4.2.1). Refuses floats,
 * indefinite lengths, longer heads than needed, unsorted or repeated keys, keys other than integers and
 * texts, bad UTF-8, nesting deeper than 16. Never throws; work and memory are linear in the input, but what is made of a
 * byte may take two hundred: `itemsMax` bounds that, and counts every item, keys and tags among them.
 */
export function decodeCbor(
  bytes: Uint8Array,
  itemsMax: number = Number.MAX_SAFE_INTEGER,
): CborDecoded {
  const reader = new CborReader(bytes);
  reader.limit(itemsMax);
  const value = takeCbor(reader);
  if (!reader.finish() && reader.fault !== null) return { ok: false, fault: reader.fault };
  return { ok: true, value };
}

/** What a stranger may hand over in one piece has no more items. */
export const ITEMS_MAX: number = 2 ** 20;

/** The next item of a reader in use; null beside `reader.fault` when there is none. */
export function takeCbor(reader: CborReader, depth = 0): CborValue {
  if (depth > DEPTH_MAX) {
    reader.fail("depth");
    return null;
  }
  reader.item();
  switch (reader.peek()) {
    case MAJOR.uint:
    case MAJOR.negative:
      return reader.wideInt();
    case MAJOR.bytes:
      return reader.bytes();
    case MAJOR.text:
      return reader.text();
    case MAJOR.array:
      return takeList(reader, depth);
    case MAJOR.map:
      return takeMap(reader, depth);
    case MAJOR.tag: {
      const tag = reader.tag();
      return { tag, value: takeCbor(reader, depth + 1) };
    }
    default:
      return reader.isNull() ? null : reader.bool();
  }
}

const DEPTH_MAX = 16;

function takeList(reader: CborReader, depth: number): CborValue {
  const length = reader.array();
  const list: CborValue[] = [];
  for (let i = 0; i < length && !reader.failed(); i += 1) {
    list.push(takeCbor(reader, depth + 1));
  }
  return list;
}

function takeMap(reader: CborReader, depth: number): CborMap {
  const pairs = reader.map();
  const map = new Map<CborKey, CborValue>();
  let before = -1;
  for (let i = 0; i < pairs && !reader.failed(); i += 1) {
    const start = reader.at;
    reader.item();
    const key = reader.peek() === MAJOR.text ? reader.text() : reader.int();
    if (before >= 0 && !reader.failed()) reader.keyFollows(before, start);
    before = start;
    map.set(key, takeCbor(reader, depth + 1));
  }
  return map;
}
