/** What a snapshot is made of: what deterministic CBOR can hold, without floats and maps. */
export type Plain = null | boolean | number | string | Uint8Array | readonly Plain[];

/** Thrown and caught inside restoring only: names the place that did not hold what was expected. */
export class NotRestorable extends Error {}

/** Reads plain arrays strictly, field by field; anything unexpected ends the restoring. */
export function readTuple(
  plain: Plain | undefined,
  length: number,
  what: string,
): readonly Plain[] {
  const list = readList(plain, what);
  if (list.length !== length)
    throw new NotRestorable(`${what}: ${list.length} fields, not ${length}`);
  return list;
}

export function readList(plain: Plain | undefined, what: string): readonly Plain[] {
  if (!isList(plain)) throw new NotRestorable(`${what}: not a list`);
  return plain;
}

export function readInteger(plain: Plain | undefined, what: string): number {
  if (typeof plain !== "number" || !Number.isSafeInteger(plain)) {
    throw new NotRestorable(`${what}: not an integer`);
  }
  return plain;
}

export function readNullable<T>(plain: Plain | undefined, read: (plain: Plain) => T): T | null {
  return plain === null || plain === undefined ? null : read(plain);
}

export function readBoolean(plain: Plain | undefined, what: string): boolean {
  if (typeof plain !== "boolean") throw new NotRestorable(`${what}: neither true nor false`);
  return plain;
}

export function readText(plain: Plain | undefined, what: string): string {
  if (typeof plain !== "string") throw new NotRestorable(`${what}: not a text`);
  return plain;
}

export function readBytes(plain: Plain | undefined, what: string): Uint8Array {
  if (!(plain instanceof Uint8Array)) throw new NotRestorable(`${what}: not bytes`);
  return plain;
}

/** One of a closed list, kept by its place in it. */
export function readChoice<T>(plain: Plain | undefined, choices: readonly T[], what: string): T {
  const choice = choices[readInteger(plain, what)];
  if (choice === undefined) throw new NotRestorable(`${what}: no such choice`);
  return choice;
}

function isList(plain: Plain | undefined): plain is readonly Plain[] {
  return Array.isArray(plain);
}
