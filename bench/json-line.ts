/** One line of JSON that a program of this bench printed. */
export type JsonLine = Readonly<Record<string, unknown>>;

/** Throws when the line is not a JSON object. */
export function readJsonLine(line: string): JsonLine {
  const value: unknown = JSON.parse(line);
  if (typeof value !== "object" || value === null) throw new Error(`not a JSON object: ${line}`);
  return { ...value };
}

/** Throws when the field is missing or not a finite number: a missing figure is never a zero. */
export function numberAt(from: JsonLine, key: string): number {
  const value = from[key];
  if (typeof value !== "number" || !Number.isFinite(value)) throw new Error(`no number at ${key}`);
  return value;
}

/** The number fields of an object at `key`; none when there is no such object. */
export function numbersAt(from: JsonLine, key: string): Readonly<Record<string, number>> {
  const value = from[key];
  if (typeof value !== "object" || value === null) return {};
  const numbers = Object.entries(value).filter(
    (field): field is [string, number] => typeof field[1] === "number",
  );
  return Object.fromEntries(numbers);
}
