/**
 * Words that appear nowhere, each with what to write instead. In pieces, so that this list does not name itself. A
 * module of Node keeps its name, and so do a keyword argument and a message of the peers that tests talk to.
 */
export const BANNED_WORDS: readonly {
  readonly word: RegExp;
  readonly instead: string;
}[] = [
  { word: join("mas", "ter"), instead: "client (of a server), controller, or main" },
  { word: join("sla", "ve"), instead: "server, unit or device" },
  { word: join("block", "chain"), instead: "append-only Merkle log" },
  { word: join("al", "ert"), instead: "alarm" },
  { word: join("white", "list"), instead: "what is listed; allowed" },
  { word: join("black", "list"), instead: "what is refused" },
  { word: join("ut", "ils?"), instead: "the noun of what is in the file" },
  { word: join("hel", "pers?"), instead: "the noun of what it does" },
];

/** Parts of a file name or of an exported name that say nothing. */
export const EMPTY_NAMES =
  /(?:^|[-_/])(?:manager|helpers?|utils?|common|misc|handle|data|stuff)(?:[-_.]|$)/i;

/** Conventional register numbers (40001 and its kin): code and docs speak of 0-based addresses. */
export const REFERENCE_NUMBERS = /(?<![\d.#x_])[34]0{2,3}[1-9]\d?(?![\d_.])/;

/** Paths and hosts of some machine. */
export const MACHINE_PLACES = new RegExp(
  ["/wor" + "k/", "/far" + "m/", "/tm" + "p/[a-z]", "registry[.][a-z]+[.]", "/ro" + "ot/"].join(
    "|",
  ),
  "i",
);

function join(...parts: readonly string[]): RegExp {
  return new RegExp(`(?<!node:)\\b${parts.join("")}s?\\b(?!=| device or server )`, "i");
}
