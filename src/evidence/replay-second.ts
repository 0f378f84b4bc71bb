import type { Ask } from "../kernel/command/request.js";
import { decide, type Decision } from "../kernel/decide/decide.js";
import type { CompiledProfile } from "../kernel/profile/compiled.js";
import type { DecisionBody, OutcomeBody } from "../kernel/record/entry.js";
import type { Look } from "../kernel/record/look.js";
import type { Us } from "../kernel/units.js";
import { compareFacts, compareLooks, compareReasons } from "./replay-compare.js";

/** A permit under way: what its second look is held against. */
export type First = {
  readonly ask: Ask;
  readonly look: Look;
  readonly verdict: DecisionBody["verdict"];
  readonly seq: number;
  /** Kernel time from which on its command is too old to be sent: its second look is no later. */
  readonly untilUs: Us;
};

/** What deciding anew by the second look gave. */
export type SecondVerdict = {
  readonly seq: number;
  readonly verdict: DecisionBody["verdict"];
  /** It gave the permit's own verdict again. */
  readonly isSame: boolean;
  readonly reasons: Decision["reasons"];
};

export function firstOf(
  profile: CompiledProfile,
  ask: Ask,
  { look, verdict }: DecisionBody,
  seq: number,
): First {
  const maxAgeUs = profile.model.controllers[ask.controller]?.commandMaxAgeUs ?? 0;
  return { ask, look, verdict, seq, untilUs: look.monoUs + maxAgeUs };
}

/** `look`: the whole second look. */
export function decideSecond(profile: CompiledProfile, first: First, look: Look): SecondVerdict {
  const { verdict, reasons } = decide(profile, first.ask, look);
  return { seq: first.seq, verdict, isSame: verdict === first.verdict, reasons };
}

/** What was sent must have passed its second look; what was withdrawn must have failed it, for its reasons. */
export function judgeSecond(second: SecondVerdict, body: OutcomeBody): string | null {
  const { seq, isSame, verdict } = second;
  if (body.outcome !== "withdrawn") {
    if (isSame) return null;
    const why = compareReasons([], second.reasons) ?? "";
    return `permit ${seq} was sent though its second look gives ${verdict}: ${why}`;
  }
  const recorded = (body.reasons ?? []).filter(({ code }) => code !== "withdrawn");
  // It passed, and yet did not leave: that the line failed is a reading, and stands as recorded.
  if (isSame && recorded.length === 1 && recorded[0]?.code === "device-down") return null;
  const differs = compareReasons(recorded, isSame ? [] : second.reasons);
  return differs === null ? null : `permit ${seq} was withdrawn: ${differs}`;
}

/** A second look comes back in groups: where their order is another one, its facts are compared by kind and place. */
export function compareSecond(recorded: Look, replayed: Look): string | null {
  if (compareLooks(recorded, replayed) === null) return null;
  const rest = compareLooks({ ...recorded, kernel: [] }, { ...replayed, kernel: [] });
  return rest ?? compareFacts(sortFacts(recorded), sortFacts(replayed));
}

/** A second look as an outcome keeps it, told once more by a later outcome: with its readings it must be the same. */
export function compareAgain(before: Look | null, again: Look): string | null {
  if (before === null) return "the outcome before tells of none";
  const differs = compareLooks(before, again);
  if (differs !== null) return `not that of the outcome before: ${differs}`;
  const isSame = before.tags.every((was, i) => {
    const is = again.tags[i];
    return was.raw === is?.raw && was.quality === is.quality && was.ageUs === is.ageUs;
  });
  return isSame ? null : "not that of the outcome before: other readings";
}

function sortFacts(look: Look): Look["kernel"] {
  return [...look.kernel].sort((a, b) =>
    a.kind === b.kind ? a.index - b.index : a.kind < b.kind ? -1 : 1,
  );
}
