import { CST, Lexer } from "yaml";
import type { Diagnostic } from "../diagnostic.js";

const LONGEST_FILE = 512 * 1024;
const DEEPEST_FLOW = 16;
const MOST_ITEMS_A_LINE = 8;

/**
 * What YAML allows and a signed, reviewed file must not use, found before the parser runs: hidden
 * characters, tabs, anchors, aliases, tags, directives, several documents, complex keys, and nesting that
 * could exhaust a parser. `stop`: the rest is not worth parsing, or not safe to.
 */
export function findForbidden(text: string): { found: Diagnostic[]; stop: boolean } {
  if (text.length > LONGEST_FILE) {
    const message = `the file is longer than ${LONGEST_FILE / 1024} KiB`;
    return { found: [complain(message, null, { from: 0, length: 1 })], stop: true };
  }
  const characters = findHiddenCharacters(text);
  if (characters.length > 0) return { found: characters, stop: true };
  return scanLexemes(text);
}

type Spot = { readonly from: number; readonly length: number };

function complain(message: string, hint: string | null, spot: Spot): Diagnostic {
  const to = spot.from + Math.max(1, spot.length);
  return { severity: "error", message, hint, from: spot.from, to, path: "" };
}

function findHiddenCharacters(text: string): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (let from = 0; from < text.length && found.length < 50; from++) {
    const code = text.charCodeAt(from);
    if (code === 0x0a || (code >= 0x20 && code < 0x7f)) continue;
    if (code === 0x0d && text.charCodeAt(from + 1) === 0x0a) continue;
    const fault = nameHidden(code);
    if (fault !== null) found.push(complain(fault.message, fault.hint, { from, length: 1 }));
  }
  return found;
}

/** Null for characters that may stand in a file. */
function nameHidden(code: number): { message: string; hint: string } | null {
  if (code === 0x09)
    return { message: "a tab character", hint: "use spaces: tabs look different to every reader" };
  if (code === 0xa0) return { message: "a no-break space", hint: "type an ordinary space" };
  const control = code < 0x20 || (code >= 0x7f && code <= 0x9f);
  const unseen =
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    code === 0xfeff ||
    code === 0xfffd;
  if (!control && !unseen) return null;
  return {
    message: `a character that cannot be seen (U+${code.toString(16).toUpperCase().padStart(4, "0")})`,
    hint: "delete it: what is signed must be what a reviewer sees",
  };
}

const REFUSED: Readonly<Partial<Record<CST.TokenType, readonly [message: string, hint: string]>>> =
  {
    anchor: [
      "anchors (&name) are not allowed here",
      "write the value out; a reviewer must see what is signed",
    ],
    alias: ["aliases (*name) are not allowed here", 'write the value out; a lone * is written "*"'],
    tag: [
      "YAML tags (!name) are not allowed here",
      "a value is what it looks like; write NOT for a negation",
    ],
    "directive-line": [
      "YAML directives (%...) are not allowed here",
      "the file is YAML 1.2; delete the line",
    ],
    "doc-end": ["a second document in the file", "one file holds one document; delete the line"],
    "explicit-key-ind": ["complex keys (? key) are not allowed here", "write  key: value"],
  };

function scanLexemes(text: string): { found: Diagnostic[]; stop: boolean } {
  const found: Diagnostic[] = [];
  let from = 0;
  let flow = 0;
  let itemsInLine = 0;
  let started = false;
  let scalarNext = false;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === CST.DOCUMENT || lexeme === CST.FLOW_END) continue;
    if (lexeme === CST.SCALAR) {
      scalarNext = true;
      continue;
    }
    const kind = scalarNext ? "scalar" : CST.tokenType(lexeme);
    scalarNext = false;
    const spot = { from, length: lexeme.trimEnd().length };
    from += lexeme.length;
    if (kind === "newline") itemsInLine = 0;
    if (kind === "seq-item-ind") itemsInLine++;
    flow += flowChange(kind);
    if (flow > DEEPEST_FLOW || itemsInLine > MOST_ITEMS_A_LINE) {
      return {
        found: [complain("nested too deeply", "no setting is that deep", spot)],
        stop: true,
      };
    }
    const refused = findRefused(kind, started);
    if (refused !== undefined) found.push(complain(refused[0], refused[1], spot));
    started ||= !BLANK.has(kind);
  }
  return { found, stop: found.length > 0 };
}

type LexemeKind = CST.TokenType | null;

const BLANK: ReadonlySet<LexemeKind> = new Set<LexemeKind>(["space", "newline", "comment"]);

function flowChange(kind: LexemeKind): number {
  if (kind === "flow-map-start" || kind === "flow-seq-start") return 1;
  return kind === "flow-map-end" || kind === "flow-seq-end" ? -1 : 0;
}

/** `---` is allowed once, before everything else. */
function findRefused(kind: LexemeKind, started: boolean): readonly [string, string] | undefined {
  if (kind === "doc-start") return started ? REFUSED["doc-end"] : undefined;
  return kind === null ? undefined : REFUSED[kind];
}
