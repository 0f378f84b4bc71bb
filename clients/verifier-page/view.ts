import { describeBody } from "../../src/cli/evidence-words.js";
import { commitKeyId } from "../../src/evidence/commit-key.js";
import type { ReadEntry } from "../../src/evidence/decode-entry.js";
import { hex } from "../../src/evidence/hex.js";
import {
  countLines,
  ENTRIES_KEPT,
  type BundleChecked,
  type Line,
  type LogChecked,
} from "./checking.js";
import { make, type Child } from "./element.js";
import { NO_NAMES, readNames } from "./names.js";
import { sha256 } from "./signature.js";
import { tellEntry, utcText, type Told } from "./story.js";

/** What was found about one bundle: the counts, what it says in plain words, who signed, every check. */
export function showBundle(checked: BundleChecked): readonly HTMLElement[] {
  const { report, name, lines } = checked;
  return [
    showSummary(name, lines),
    ...(report.entries.length === 0 ? [] : [showStory(checked)]),
    ...(report.claim === null && report.key === null ? [] : [showSigner(checked)]),
    showChecks(lines),
    showCommands("BUNDLE", name),
  ];
}

export function showLog(checked: LogChecked): readonly HTMLElement[] {
  const { report, names, lines } = checked;
  const name = names.length === 1 ? (names[0] ?? "") : `${names.length} segments`;
  return [
    showSummary(name, lines, report.entries === 0 ? "No entry can be read in it." : null),
    showLogSigner(checked),
    showChecks(lines),
    showNewest(checked),
    showCommands("FOLDER", name),
  ];
}

export function showRefused(why: string): readonly HTMLElement[] {
  return [make("p", "refused", make("strong", "", "Not checked. "), why)];
}

/** In words; also what is read aloud. Never one verdict for all. */
export function summarise(name: string, lines: readonly Line[]): string {
  const counts = STATUSES.map((status) => `${countLines(lines, status)} ${status}`);
  return `${name}: ${counts.join(", ")}.`;
}

const STATUSES = ["FAIL", "PASS", "NOT PRESENT"] as const;
const CLASS = { PASS: "pass", FAIL: "fail", "NOT PRESENT": "none" } as const;
/** Told in full; of more entries a line each, of very many the first and the last. */
const TOLD_MAX = 12;
const LISTED_MAX = 200;
const PROFILE_SHOWN_MAX = 262_144;

function showSummary(
  name: string,
  lines: readonly Line[],
  also: string | null = null,
): HTMLElement {
  const bad = lines.find(({ status }) => status === "FAIL");
  const wrong = bad !== undefined || also !== null;
  const says = wrong
    ? "Do not rely on this evidence."
    : "Nothing that was checked is wrong. What is NOT PRESENT was not checked.";
  const first =
    bad === undefined
      ? null
      : make("p", "first", make("strong", "", "First fault: "), bad.label, ". ", bad.why ?? "");
  const tiles = STATUSES.map((status) =>
    make(
      "li",
      countLines(lines, status) === 0 ? "tile zero" : "tile",
      make("span", "count", String(countLines(lines, status))),
      " ",
      make("span", `chip ${CLASS[status]}`, status),
    ),
  );
  return make(
    "section",
    `summary ${wrong ? "wrong" : "unbroken"}`,
    make("h2", "file", name),
    make("ul", "tiles", ...tiles),
    make("p", "says", says),
    also === null ? null : make("p", "first", also),
    first,
  );
}

function showChecks(lines: readonly Line[]): HTMLElement {
  const rows = STATUSES.flatMap((status) => lines.filter((line) => line.status === status));
  return section("Every check", make("ul", "checks", ...rows.map(showLine)));
}

function showLine({ id, label, status, looked, faults, why, note, advice }: Line): HTMLElement {
  const counted = looked === 0 ? "" : ` (${looked})`;
  return make(
    "li",
    {
      class: `check ${CLASS[status]}`,
      "data-check": id,
      "data-status": status,
      "data-looked": String(looked),
      "data-faults": String(faults),
    },
    make("span", `chip ${CLASS[status]}`, status),
    make(
      "div",
      "",
      make("p", "label", `${label}${counted}`),
      why === null ? null : make("p", "why", why),
      note === null ? null : make("p", "note", note),
      advice === null ? null : make("p", "advice", advice),
    ),
  );
}

function showSigner({ report, bundle }: BundleChecked): HTMLElement {
  const { claim, key } = report;
  const facts: Fact[] = [];
  if (claim !== null) {
    facts.push(["says it is", `gateway ${claim.gateway}, log ${claim.log}`]);
    facts.push(["signed over", `${claim.size} entries, run ${claim.boot} of the gateway`]);
    facts.push([
      "says it signed at",
      `${utcText(claim.issuedUtcS * 1000)} (its own clock; not proved)`,
    ]);
    if (claim.counter !== null) facts.push(["counter of its TPM", String(claim.counter)]);
    if (claim.commitKey !== null) {
      const id = hex(commitKeyId(claim.commitKey, sha256));
      facts.push(["commits after it are signed by key", id]);
    }
    if (claim.token != null)
      facts.push(["time stamp", `names ${hex(claim.token)} as made before it`]);
  }
  if (key !== null) facts.push(["key (SHA-256)", key]);
  if (report.checks.some(({ id, status }) => id === "trust" && status === "NOT PRESENT")) {
    facts.push(["whose key it is", "not checked: it is the one that came with the bundle"]);
  }
  const kind = report.software
    ? SOFTWARE
    : bundle?.key.attestation == null
      ? ["Kind of key: not shown.", "Nothing in the bundle says that it is in a TPM."]
      : [
          "Kind of key: it says it is in a TPM; not shown here.",
          "That hangs on a certificate, and this page reads none: see the command below.",
        ];
  return section("Who signed", showKind(kind), showFacts(facts));
}

const SOFTWARE = [
  "Key: software, not hardware.",
  "Whoever had the file of this key could sign anything.",
];

function showLogSigner({ report }: LogChecked): HTMLElement {
  const facts: Fact[] = [
    ["entries", `${report.entries}, number ${report.firstSeq ?? "-"} to ${report.lastSeq ?? "-"}`],
    ["segments", `${report.segments}, ${report.bytes} bytes`],
    ["runs of the gateway", String(report.runs)],
    [
      "not signed over yet",
      report.uncovered === 0 ? "none" : `the newest ${report.uncovered} entries`,
    ],
    ...report.keys.map((key): Fact => ["key (SHA-256)", key]),
  ];
  const isSoftware = report.keyKinds.some((kind) => kind !== "tpm");
  const said = report.keyKinds.join(", ");
  const title =
    said === ""
      ? "Kind of key not known here: no run begins in what was given."
      : `Kind of key, by the log's own word: ${said}.`;
  const kind = isSoftware ? SOFTWARE : [title, "A key bundle and its certificate show it."];
  return section("Who signed", showKind(kind), showFacts(facts));
}

function showStory({ report, profile }: BundleChecked): HTMLElement {
  const { entries } = report;
  const text = profile === null ? null : new TextDecoder().decode(profile);
  const names = text === null ? NO_NAMES : readNames(text);
  const lead = make("p", "note", names.outputs.length === 0 ? NUMBERS : NAMES);
  const shown =
    entries.length <= TOLD_MAX
      ? entries.map((read) => showTold(tellEntry(read, names)))
      : [showList(entries)];
  return section(
    report.ok ? "What the log says" : "What it says: not proved, see the faults",
    lead,
    ...shown,
    text === null ? null : showProfile(text),
  );
}

const NAMES =
  "Names come from the profile that the decisions name; values are raw, as on the wire.";
const NUMBERS =
  "Inputs and outputs go by their numbers in the profile, from 0; values are raw, as on the wire.";

function showTold(told: Told): HTMLElement {
  const { seq, type, when, headline, verdict, facts, values } = told;
  return make(
    "article",
    "told",
    make(
      "header",
      "",
      make("span", "seq", `entry ${seq}`),
      make("span", "type", type),
      make("time", "", when),
      verdict === null ? null : make("span", `verdict ${verdict}`, verdict.toUpperCase()),
    ),
    make("p", "headline", headline),
    showFacts(facts),
    values.length === 0 ? null : showValues(values),
  );
}

function showValues(values: Told["values"]): HTMLElement {
  const heads = ["value read", "stood at", "quality", "age"];
  const rows = values.map(({ what, value, quality, age }) =>
    make("tr", "", ...[what, value, quality, age].map((cell) => make("td", "", cell))),
  );
  return make(
    "div",
    "wide",
    make(
      "table",
      "",
      make("caption", "", "What the verdict read"),
      make("thead", "", make("tr", "", ...heads.map((head) => make("th", { scope: "col" }, head)))),
      make("tbody", "", ...rows),
    ),
  );
}

function showList(entries: readonly ReadEntry[]): HTMLElement {
  const lines = entries.map(({ entry, stamp }) =>
    make(
      "li",
      "",
      `entry ${entry.seq}, ${utcText(stamp.utcUs / 1000)}, ${entry.body.type}: ${describeBody(entry.body)}`,
    ),
  );
  const leftOut = lines.length - LISTED_MAX;
  if (leftOut > 0) {
    lines.splice(
      LISTED_MAX / 2,
      leftOut,
      make("li", "note", `${leftOut} more, checked and not listed`),
    );
  }
  return make("ul", "entries", ...lines);
}

function showNewest({ newest, report }: LogChecked): HTMLElement {
  const lines = newest.map(({ seq, body }) =>
    make("li", "", `entry ${seq}, ${body.type}: ${describeBody(body)}`),
  );
  const more = report.entries > newest.length ? `The newest ${ENTRIES_KEPT} of them. ` : "";
  return section(
    report.ok ? "What the log says" : "What it says: with faults, see above",
    make("p", "note", `${more}${NUMBERS}`),
    make("ul", "entries", ...lines),
  );
}

function showProfile(text: string): HTMLElement {
  const cut = text.length > PROFILE_SHOWN_MAX ? " (its beginning)" : "";
  return make(
    "details",
    "profile",
    make("summary", "", `The safety profile that the decisions name${cut}`),
    make("pre", { tabindex: "0" }, text.slice(0, PROFILE_SHOWN_MAX)),
  );
}

function showCommands(what: "BUNDLE" | "FOLDER", name: string): HTMLElement {
  const isBundle = what === "BUNDLE";
  const command = isBundle
    ? `holdpoint evidence verify ${quote(name)} --trust ROOTS.pem`
    : "holdpoint evidence verify FOLDER --replay";
  const not = isBundle
    ? [
        "certificates: whether an authority that you trust vouches for the key, and so whether it is in a TPM",
        "whether the verdict follows from the profile and the recorded facts: evidence verify BUNDLE --replay; whether those were the facts, only the whole log tells",
        "whether the log holds anything else, and what time it really was",
      ]
    : [
        "whether each verdict follows from its profile and the recorded facts (--replay)",
        "segments that you did not drop, and whether there was more behind the last entry: hold it against a checkpoint from elsewhere",
        "whose key it is: name the one that you expect, above",
      ];
  return section(
    "What this page did not check",
    make("ul", "not", ...not.map((line) => make("li", "", line))),
    make("p", "", "The first of these is done by ", make("code", "", command), "."),
  );
}

type Fact = readonly [name: string, says: string];

function showFacts(facts: readonly Fact[]): HTMLElement {
  const rows = facts.flatMap(([name, says]) => [make("dt", "", name), make("dd", "", says)]);
  return make("dl", "facts", ...rows);
}

function showKind([title = "", more = ""]: readonly string[]): HTMLElement {
  return make("p", "kind", make("strong", "", title), " ", more);
}

function section(title: string, ...children: readonly Child[]): HTMLElement {
  return make("section", "part", make("h2", "", title), ...children);
}

function quote(name: string): string {
  return /^[\w.+-]+$/.test(name) ? name : "BUNDLE";
}
