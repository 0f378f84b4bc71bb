import { suggestName } from "../profile/suggestion.js";
import {
  ENTRY_TYPES,
  OUTCOMES,
  VERDICTS,
  type OutcomeKind,
  type Verdict,
} from "../kernel/record/entry.js";
import { REASONS, type ReasonCode } from "../kernel/record/reason.js";
import { Refusal } from "./output.js";

/** What a person wrote after each option; names apart by commas. */
export type WrittenFilter = {
  readonly type?: string;
  readonly verdict?: string;
  readonly outcome?: string;
  readonly reason?: string;
  readonly rule?: string;
  readonly controller?: string;
  readonly output?: string;
  readonly from?: string;
  readonly to?: string;
};

/** An entry must satisfy every one that is not null; of several names in one, any will do. */
export type QueryFilter = {
  readonly types: ReadonlySet<(typeof ENTRY_TYPES)[number]> | null;
  readonly verdicts: ReadonlySet<Verdict> | null;
  readonly outcomes: ReadonlySet<OutcomeKind> | null;
  readonly reasons: ReadonlySet<ReasonCode> | null;
  readonly rules: ReadonlySet<string> | null;
  readonly controllers: ReadonlySet<string> | null;
  /** Names of the profile's, or numbers as evidence has them. */
  readonly outputs: ReadonlySet<string> | null;
  /** Wall time, microseconds since 1970: at or after. */
  readonly fromUs: number | null;
  /** Before. */
  readonly toUs: number | null;
};

/** Throws a Refusal that lists what is known, for any word that belongs to none of the closed lists. */
export function readFilter(written: WrittenFilter): QueryFilter {
  const fromUs = written.from === undefined ? null : readTime("--from", written.from);
  const toUs = written.to === undefined ? null : readTime("--to", written.to);
  if (fromUs !== null && toUs !== null && fromUs >= toUs) {
    throw new Refusal("--from must be before --to: nothing can be between them", 2);
  }
  return {
    types: chooseOf("--type", written.type, ENTRY_TYPES),
    verdicts: chooseOf("--verdict", written.verdict, VERDICTS),
    outcomes: chooseOf("--outcome", written.outcome, OUTCOMES),
    reasons: chooseOf(
      "--reason",
      written.reason,
      REASONS.map(({ code }) => code),
    ),
    rules: splitNames("--rule", written.rule),
    controllers: splitNames("--controller", written.controller),
    outputs: splitNames("--output", written.output),
    fromUs,
    toUs,
  };
}

/** For people: what is known instead of `name`, and what may have been meant. */
export function refuseName(option: string, name: string, known: readonly string[]): Refusal {
  const near = suggestName(name, known);
  const hint = near?.startsWith("did you mean") === true ? ` ${near}` : "";
  return new Refusal(`${option} ${name}: unknown;${hint} known: ${known.join(", ")}`, 2);
}

function chooseOf<Name extends string>(
  option: string,
  written: string | undefined,
  known: readonly Name[],
): ReadonlySet<Name> | null {
  const names = splitNames(option, written);
  if (names === null) return null;
  return new Set(
    [...names].map((name) => {
      const found = known.find((one) => one === name);
      if (found === undefined) throw refuseName(option, name, known);
      return found;
    }),
  );
}

function splitNames(option: string, written: string | undefined): ReadonlySet<string> | null {
  if (written === undefined) return null;
  const names = written.split(",").map((name) => name.trim());
  if (names.includes("")) throw new Refusal(`${option}: a name is empty`, 2);
  return new Set(names);
}

const TIME = /^(\d{4}-\d\d-\d\d)(?:(T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/;

/** ISO 8601. Without a zone it is UTC, as everything in evidence, and not the time of this machine. */
function readTime(option: string, text: string): number {
  const [, day = "", time = "T00:00", zone = "Z"] = TIME.exec(text) ?? [];
  const midnight = new Date(`${day}T00:00Z`);
  const ms = Date.parse(`${day}${time}${zone}`);
  // A day that the month does not have would count as one of the next.
  if (Number.isNaN(ms) || !midnight.toISOString().startsWith(day)) {
    const example = "2026-03-31, 2026-03-31T14:05Z or 2026-03-31T14:05:09.250+02:00";
    throw new Refusal(`${option} ${text}: no time; write it as ${example}`, 2);
  }
  return ms * 1000;
}
