/** `isTTY`: a person sits behind it. */
export type TextSink = { readonly write: (text: string) => void; readonly isTTY?: boolean };
export type CliStreams = { readonly out: TextSink; readonly err: TextSink };

/** Colours only for a person, who has not declined them (no-color.org) and whose terminal has some. */
export function wantsColor(sink: TextSink, environment: NodeJS.ProcessEnv = process.env): boolean {
  const declined = environment["NO_COLOR"] ?? "";
  return sink.isTTY === true && declined === "" && environment["TERM"] !== "dumb";
}

/** What a terminal obeys, and what turns or hides text: controls, formats, other line breaks. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Text of others' making without what a terminal would obey. */
export function showPlain(text: string): string {
  return text.replaceAll(UNSEEN, "?");
}

/** JSON whose texts may be of others' making: nothing in it is obeyed by a terminal, and it reads back as the same. */
export function jsonText(
  value: unknown,
  indent?: number,
  replacer?: (key: string, value: unknown) => unknown,
): string {
  return JSON.stringify(value, replacer, indent).replaceAll(UNSEEN, (unseen) =>
    unseen === "\n" ? unseen : escapeUnits(unseen),
  );
}

function escapeUnits(text: string): string {
  return Array.from({ length: text.length }, (_, i) => {
    const unit = text.charCodeAt(i).toString(16).padStart(4, "0");
    return `\\u${unit}`;
  }).join("");
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
