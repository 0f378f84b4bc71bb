/** `isTTY`: a person sits behind it. */
export type TextSink = { readonly write: (text: string) => void; readonly isTTY?: boolean };
export type CliStreams = { readonly out: TextSink; readonly err: TextSink };

/** Colours only for a person, who has not declined them (no-color.org) and whose terminal has some. */
export function wantsColor(sink: TextSink, environment: NodeJS.ProcessEnv = process.env): boolean {
  const declined = environment["NO_COLOR"] ?? "";
  return sink.isTTY === true && declined === "" && environment["TERM"] !== "dumb";
}

/** Text of others' making without what a terminal would obey. */
export function showPlain(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "?");
}

/** Aligned columns, two spaces apart; the last column is not padded. */
export function alignTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/**
 * A failure that is a person's to mend: printed as it is, without a stack, then exit with `exitCode`
 * (1: the answer is no; 2: used wrongly or could not run).
 */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly exitCode: 1 | 2;
  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
