/**
 * One complaint about a file. `from` and `to` are offsets into the text (UTF-16 units, `to` exclusive);
 * `path` names the place inside the document, such as `trips.T-02.when`. A file with an error is never
 * loaded; a warning says what a reader might not expect.
 */
export type Diagnostic = {
  readonly severity: "error" | "warning";
  readonly message: string;
  /** What to do about it; null where the message says it. */
  readonly hint: string | null;
  readonly from: number;
  readonly to: number;
  readonly path: string;
};

/** More complaints than this are counted, not shown: a person mends the first ones and runs it again. */
export const MOST_DIAGNOSTICS = 50;

const WIDEST_LINE = 140;
const WIDEST_CARET = 80;
const LEFT_OF_CARET = 60;

/**
 * The complaint as people read it: what, where as file:line:column (from 1), the line, a caret, a hint.
 * No trailing newline. Lines that are too long to read are cut around the caret.
 */
export function renderDiagnostic(text: string, file: string, diagnostic: Diagnostic): string {
  const { line, column } = positionOf(text, diagnostic.from);
  const shown = cutLine(text, diagnostic);
  const margin = " ".repeat(String(line).length);
  const where = diagnostic.path === "" ? "" : ` (${diagnostic.path})`;
  const rows = [
    `${diagnostic.severity}: ${printable(diagnostic.message)}`,
    `${margin}--> ${file}:${line}:${column}${printable(where)}`,
    `${margin} |`,
    `${line} | ${shown.line}`,
    `${margin} | ${" ".repeat(shown.indent)}${"^".repeat(shown.carets)}`,
  ];
  if (diagnostic.hint !== null) rows.push(`${margin} = hint: ${printable(diagnostic.hint)}`);
  return rows.join("\n");
}

/** Line and column of an offset, both from 1. */
export function positionOf(text: string, offset: number): { line: number; column: number } {
  const at = Math.min(Math.max(offset, 0), text.length);
  let line = 1;
  let start = 0;
  for (let next = text.indexOf("\n"); next >= 0 && next < at; next = text.indexOf("\n", start)) {
    line++;
    start = next + 1;
  }
  return { line, column: at - start + 1 };
}

/** In the order of the file, errors before warnings at one place, no complaint twice, at most {@link MOST_DIAGNOSTICS}. */
export function orderDiagnostics(all: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  const ordered = all
    .filter((d) => {
      const key = JSON.stringify([d.severity, d.from, d.to, d.message]);
      return !seen.has(key) && seen.add(key).size > 0;
    })
    .sort(inOrder);
  if (ordered.length <= MOST_DIAGNOSTICS) return ordered;
  const more = ordered.length - MOST_DIAGNOSTICS;
  const kept = ordered.slice(0, MOST_DIAGNOSTICS);
  const last = kept.at(-1);
  if (last === undefined) return kept;
  return [...kept.slice(0, -1), { ...last, hint: `${last.hint ?? ""} (and ${more} more)`.trim() }];
}

function inOrder(a: Diagnostic, b: Diagnostic): number {
  const keys = (d: Diagnostic): readonly number[] => [rank(d), d.from, d.to];
  const other = keys(b);
  return keys(a).reduce(
    (order, key, index) => (order !== 0 ? order : key - (other[index] ?? 0)),
    0,
  );
}

const rank = (diagnostic: Diagnostic): number => (diagnostic.severity === "error" ? 0 : 1);

function cutLine(
  text: string,
  { from, to }: Diagnostic,
): { line: string; indent: number; carets: number } {
  const at = Math.min(from, text.length);
  const start = at === 0 ? 0 : text.lastIndexOf("\n", at - 1) + 1;
  const newline = text.indexOf("\n", at);
  const end = newline < 0 ? text.length : newline;
  const cut = Math.max(0, at - start > 90 ? at - start - LEFT_OF_CARET : 0);
  const whole = text.slice(start + cut, end).replace(/\r$/, "");
  const room = WIDEST_LINE - (cut > 0 ? 1 : 0);
  const line = whole.length > room ? `${whole.slice(0, room - 1)}…` : whole;
  const carets = Math.max(1, Math.min(to, end) - at);
  return {
    line: printable((cut > 0 ? "…" : "") + line),
    indent: at - start - cut + (cut > 0 ? 1 : 0),
    carets: Math.min(carets, WIDEST_CARET),
  };
}

/** A file is a stranger's: nothing of it may steer the terminal it is shown on. One column stays one column. */
function printable(text: string): string {
  // By code point: a pattern with such characters in it could itself not be read.
  return Array.from(text, (char) => (isPrintable(char.codePointAt(0) ?? 0) ? char : "?")).join("");
}

function isPrintable(code: number): boolean {
  const control = code < 0x20 || (code >= 0x7f && code <= 0x9f);
  const steering =
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069) ||
    code === 0xfeff;
  return !control && !steering;
}
