import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  ANCHOR_KINDS,
  KEY_EVENTS,
  KEY_KINDS,
  RECOVERIES,
  SITE_EVENTS,
} from "../../src/evidence/numbers.js";
import { transit, type ModeEvent } from "../../src/kernel/mode/table.js";
import {
  AUTHS,
  DEVICE_EVENTS,
  DOORS,
  ENTRY_TYPES,
  LEASE_EVENTS,
  OUTCOMES,
  OWN_CAUSES,
  PROFILE_EVENTS,
  SAFE_STEP_STATES,
  TRIP_EVENTS,
  VERDICTS,
} from "../../src/kernel/record/entry.js";
import { KERNEL_FACTS, MODES, QUALITIES } from "../../src/kernel/record/look.js";
import {
  ALARM_WORDS,
  FACT_WORDS,
  MODE_WORDS,
  OUTCOME_WORDS,
  QUALITY_WORDS,
  VERDICT_WORDS,
} from "./catalogue-words.js";
import { readSourceTree, readText, ROOT } from "./source-tree.js";

const DOC = "docs/CATALOGUE.md";
const EVENTS: readonly ModeEvent[] = ["ready", "hold", "drive-safe", "release", "lock", "accept"];

/** Lists whose words say enough. */
const PLAIN: readonly (readonly [string, readonly string[]])[] = [
  ["Kinds of entry", ENTRY_TYPES],
  ["Doors", DOORS],
  ["How a controller proved who it is", AUTHS],
  ["Why the gateway itself wrote", OWN_CAUSES],
  ["What became of a trip", TRIP_EVENTS],
  ["What became of a step of the safe state", SAFE_STEP_STATES],
  ["What became of a lease", LEASE_EVENTS],
  ["What became of a profile", PROFILE_EVENTS],
  ["What became of a device", DEVICE_EVENTS],
  ["What a start found at the end of the log", RECOVERIES],
  ["Where the checkpoint key is kept", KEY_KINDS],
  ["What became of a key", KEY_EVENTS],
  ["What became of a site file", SITE_EVENTS],
  ["Outside evidence over a checkpoint", ANCHOR_KINDS],
];

describe(DOC, () => {
  it("is what the code says; HOLDPOINT_UPDATE_DOCS=1 writes it anew", () => {
    const doc = writeCatalogue();
    if (process.env["HOLDPOINT_UPDATE_DOCS"] === "1") writeFileSync(join(ROOT, DOC), doc);
    expect(readText(DOC)).toBe(doc);
  });

  it("names no word of a list twice: its position is its number in evidence", () => {
    for (const [title, words] of [
      ...PLAIN,
      ["modes", MODES] as const,
      ["facts", KERNEL_FACTS] as const,
    ]) {
      expect(new Set(words).size, title).toBe(words.length);
    }
  });

  it("tells of every alarm that the kernel raises, and of no other", () => {
    expect(alarmIdsIn(kernelText())).toEqual(ALARM_WORDS.map(({ id }) => id).sort());
    const planted = 'raiseAlarm(turn, "planted", "text");';
    expect(alarmIdsIn(planted)).toEqual(["planted"]);
  });
});

function kernelText(): string {
  return readSourceTree()
    .filter(({ path }) => path.startsWith("src/kernel/"))
    .map(({ text }) => text)
    .join("\n");
}

/** Ids as written where an alarm is raised, each once and sorted; what is filled in stands as `<name>`. */
function alarmIdsIn(text: string): readonly string[] {
  const raised = [
    ...text.matchAll(/raiseAlarm\(\s*turn,\s*["`]([^"`]+)["`]/g),
    ...text.matchAll(/kind: "alarm",\s*id: ["`]([^"`]+)["`],\s*raised: true/g),
    ...text.matchAll(/const id = ["`]([^"`]+)["`];(?=[^}]*?(?:\}[^}]*?)*?raiseAlarm\(turn, id,)/g),
  ];
  const ids = raised.map(([, id = ""]) =>
    id
      .replace("${device.name}", "<device>")
      .replace("${trip.id}", "<trip>")
      .replace("${name}", "<output>"),
  );
  return [...new Set(ids)].sort();
}

function writeCatalogue(): string {
  const sections = [
    section("Modes", MODES, MODE_WORDS),
    writeTransitions(),
    section("Verdicts", VERDICTS, VERDICT_WORDS),
    section("Outcomes of a permit", OUTCOMES, OUTCOME_WORDS),
    section("Quality of a reading", QUALITIES, QUALITY_WORDS),
    section("Facts that the kernel made", KERNEL_FACTS, FACT_WORDS),
    writeAlarms(),
    writePlain(),
  ];
  return `# Catalogue

Written from \`src/kernel/record/\`, \`src/kernel/mode/table.ts\` and \`src/evidence/numbers.ts\` by a test; not by hand.
Reasons have a page of their own: [REASONS.md](REASONS.md).

The number of a word is its position in its list. It stands in evidence and in the registers of the gateway's own unit, and is
never used again for another word.

${sections.join("\n\n")}
`;
}

function section<Word extends string>(
  title: string,
  words: readonly Word[],
  says: Readonly<Record<Word, string>>,
): string {
  const rows = words.map((word, number) => `| ${number} | \`${word}\` | ${says[word]} |`);
  return `## ${title}\n\n| number | word | meaning |\n| --- | --- | --- |\n${rows.join("\n")}`;
}

/** `*`: the safe state is driven as well. */
function writeTransitions(): string {
  const rows = MODES.map((mode) => {
    const cells = EVENTS.map((event) => {
      const { to, drivesSafe } = transit(mode, event);
      return drivesSafe ? `${to} *` : to === mode ? "" : to;
    });
    return `| \`${mode}\` | ${cells.join(" | ")} |`;
  });
  return `### From mode to mode

Empty: it stays. \`*\`: the safe state is driven. \`ready\`: profile, evidence, devices and outputs are all there. \`hold\`: permits are
withheld. \`drive-safe\`: a cause of the safe state. \`release\`: a person gives the plant back, the causes being gone. \`lock\`: a
damaged log. \`accept\`: a person takes such a log over.

| mode | ${EVENTS.join(" | ")} |
| --- |${" --- |".repeat(EVENTS.length)}
${rows.join("\n")}`;
}

function writeAlarms(): string {
  const rows = ALARM_WORDS.map(({ id, says, ends }) => `| \`${id}\` | ${says} | ${ends} |`);
  return `## Alarms

An alarm informs; it decides nothing. It is raised once until it is over.

| id | means | over when |
| --- | --- | --- |
${rows.join("\n")}`;
}

function writePlain(): string {
  const lists = PLAIN.map(
    ([title, words]) =>
      `* **${title}**: ${words.map((word, number) => `${number} \`${word}\``).join(", ")}`,
  );
  return `## Other words, with their numbers\n\n${lists.join("\n")}`;
}
