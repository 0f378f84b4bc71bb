import type { CompiledProfile, Condition } from "../profile/compiled.js";
import type { Input, Output } from "../profile/model.js";
import type { Raw, Us } from "../units.js";
import type { Verdict, WriteRecord } from "./entry.js";
import type { Look, TagFact } from "./look.js";
import { REASONS, type Reason } from "./reason.js";

/**
 * One reason in plain words, with the rule, the values it read, and what would help: for people, never
 * to be parsed. Without a final stop.
 */
export function explainReason(
  profile: CompiledProfile,
  reason: Reason,
  look: Look,
  writes: readonly WriteRecord[],
): string {
  const says = REASONS.find(({ code }) => code === reason.code)?.says ?? reason.code;
  const rule = reason.rule === null ? null : findRule(profile, reason.rule);
  const why = rule === null || rule.why === "" || rule.why === reason.rule ? "" : `: ${rule.why}`;
  const read = rule?.condition == null ? [] : describeReads(profile, rule.condition, look);
  const named = [
    ...(reason.rule === null ? [] : [reason.rule]),
    ...read,
    ...describeWas(profile, reason, writes),
  ];
  const about = describeAbout(profile, reason, writes);
  const brackets = named.length === 0 ? "" : ` (${named.join("; ")})`;
  return `${about}${says}${why}${brackets}${describeHelp(profile, reason)}`;
}

/** A whole decision on one line: verdict, what was asked, and every reason. */
export function explainDecision(
  profile: CompiledProfile,
  decision: {
    readonly verdict: Verdict;
    readonly reasons: readonly Reason[];
    readonly writes: readonly WriteRecord[] | Uint8Array;
    readonly look: Look;
  },
): string {
  const writes = decision.writes instanceof Uint8Array ? [] : decision.writes;
  const asked =
    writes.length === 0
      ? "a request that is no output"
      : writes
          .map(
            (write) =>
              `${outputName(profile, write.output)} = ${outputValue(profile, write.output, write.asked)}`,
          )
          .join(", ");
  const reasons = decision.reasons.map((reason) =>
    explainReason(profile, reason, decision.look, writes),
  );
  return [`${VERDICT_WORDS[decision.verdict]}: ${asked}`, ...reasons].join("; ");
}

/** A time for people: 350 ms, 12.5 s, 4 min. */
export function describeTime(us: Us): string {
  if (us < 1_000_000) return `${trim(us / 1000, 0)} ms`;
  if (us < 120_000_000) return `${trim(us / 1_000_000, 1)} s`;
  return us < 7_200_000_000
    ? `${trim(us / 60_000_000, 1)} min`
    : `${trim(us / 3_600_000_000, 1)} h`;
}

const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  permit: "permitted",
  clamp: "clamped",
  deny: "refused",
  hold: "held for approval",
};

/** Beyond this many values a line says no more. */
const READS_MAX = 4;

type Rule = { readonly why: string; readonly condition: Condition | null };

function findRule(profile: CompiledProfile, id: string): Rule | null {
  for (const { plans } of profile.controllers) {
    for (const { byRaw, otherwise } of plans) {
      for (const plan of [...byRaw.values(), otherwise]) {
        const permissive = plan.permissives.find(({ rule }) => rule.id === id);
        if (permissive !== undefined)
          return { why: permissive.rule.why, condition: permissive.needs };
        const always = plan.always.find(({ rule }) => rule.id === id);
        if (always !== undefined) return { why: always.rule.why, condition: always.holds };
      }
    }
  }
  const trip = profile.tripById.get(id);
  const why = trip === undefined ? undefined : profile.model.trips[trip]?.why;
  return why === undefined ? null : { why, condition: null };
}

function describeReads(profile: CompiledProfile, condition: Condition, look: Look): string[] {
  const tags = condition.inputs.flatMap((input) => {
    const fact = look.tags.find(({ tag }) => tag === input);
    const tag = profile.model.inputs[input];
    return fact === undefined || tag === undefined ? [] : [describeTag(profile, tag, fact)];
  });
  const outputs = condition.outputs.map((output) => {
    const values = look.kernel
      .filter(({ kind, index }) => (kind === "proven" || kind === "planned") && index === output)
      .map(({ value }) => (value === null ? "unknown" : outputValue(profile, output, value)));
    const distinct = [...new Set(values)];
    return `${outputName(profile, output)} = ${distinct.length === 0 ? "unknown" : distinct.join(" or ")}`;
  });
  const all = [...tags, ...outputs];
  return all.length <= READS_MAX ? all : [...all.slice(0, READS_MAX), "..."];
}

function describeTag(profile: CompiledProfile, tag: Input, fact: TagFact): string {
  if (fact.quality === "never-read") return `${tag.name} was never read`;
  const age = `${describeTime(fact.ageUs)} old`;
  const quantity = profile.inputs[fact.tag];
  const value =
    fact.raw === null || quantity === undefined
      ? "unreadable"
      : describeValue(tag, quantity.valueOf(fact.raw));
  if (fact.quality === "good") return `${tag.name} = ${value}, ${age}`;
  return `${tag.name} is BAD (${fact.quality}), last ${value}, ${age}`;
}

function describeWas(
  profile: CompiledProfile,
  reason: Reason,
  writes: readonly WriteRecord[],
): string[] {
  if (!FROM_PRESENT.has(reason.code)) return [];
  const write = writes.find(({ output }) => output === reason.output);
  if (write === undefined || reason.output === null) return [];
  return [
    write.was === null
      ? "its present value is not known"
      : `now ${outputValue(profile, reason.output, write.was)}`,
  ];
}

/** Reasons that come from where the output stands. */
const FROM_PRESENT: ReadonlySet<string> = new Set(["step", "ramp", "drift", "dwell"]);

function describeAbout(
  profile: CompiledProfile,
  reason: Reason,
  writes: readonly WriteRecord[],
): string {
  return reason.output === null || writes.length < 2
    ? ""
    : `${outputName(profile, reason.output)}: `;
}

function describeHelp(profile: CompiledProfile, reason: Reason): string {
  const tag = profile.model.outputs[reason.output ?? -1];
  const nearest =
    reason.limit === null || tag === undefined
      ? ""
      : `, nearest permitted ${describeValue(tag, reason.limit)}`;
  const free = reason.freeUs === null ? "" : `, free in ${describeTime(reason.freeUs)}`;
  return `${nearest}${free}`;
}

function outputName(profile: CompiledProfile, output: number): string {
  return profile.model.outputs[output]?.name ?? `output ${output}`;
}

function outputValue(profile: CompiledProfile, output: number, raw: Raw): string {
  const tag = profile.model.outputs[output];
  const value = profile.outputs[output]?.quantity.valueOf(raw) ?? NaN;
  return tag === undefined || Number.isNaN(value) ? `raw ${raw}` : describeValue(tag, value);
}

function describeValue(tag: Pick<Output, "kind" | "states" | "unit">, value: number): string {
  switch (tag.kind) {
    case "bool":
      return value === 1 ? "TRUE" : "FALSE";
    case "state":
      return tag.states.get(value) ?? `state ${value}`;
    case "number":
      return tag.unit === "" ? trim(value, 4) : `${trim(value, 4)} ${tag.unit}`;
  }
}

function trim(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
