import type { CompiledProfile } from "../kernel/profile/compiled.js";
import type { DecisionBody, Entry, EntryBody } from "../kernel/record/entry.js";
import { REASONS, type Reason } from "../kernel/record/reason.js";

/** One entry as people follow it live; plain data, so that it goes as JSON. Values in engineering units. */
export type EntryView =
  | {
      readonly type: "decision";
      readonly seq: number;
      readonly who: string;
      readonly verdict: string;
      /** "pump1.speed = 45 Hz", with what was given instead where that differs. */
      readonly what: string;
      readonly codes: readonly string[];
      /** In plain words, each with its rule and the nearest permitted value where there is one. */
      readonly why: string;
    }
  | {
      readonly type: "outcome" | "mode" | "trip" | "lease" | "device" | "flood" | "safe-step";
      readonly seq: number;
      readonly text: string;
    };

/** Null: nothing that people follow live. */
export function viewEntry(profile: CompiledProfile, { seq, body }: Entry): EntryView | null {
  if (body.type === "decision") return viewDecision(profile, seq, body);
  const text = textOf(profile, body);
  return text === null ? null : { type: text.type, seq, text: text.says };
}

type Told = { readonly type: Exclude<EntryView["type"], "decision">; readonly says: string };

function textOf(profile: CompiledProfile, body: EntryBody): Told | null {
  if (body.type === "outcome") return { type: body.type, says: body.outcome };
  if (body.type === "mode") {
    return { type: body.type, says: `${body.from} -> ${body.to}: ${body.why}` };
  }
  if (body.type === "trip") return { type: body.type, says: `${body.rule} ${body.event}` };
  if (body.type === "lease") return { type: body.type, says: `${body.controller} ${body.event}` };
  if (body.type === "device") {
    return { type: body.type, says: `${body.device} ${body.event}${detail(body.detail)}` };
  }
  if (body.type === "flood") {
    const rules = body.rules.join(", ");
    return {
      type: body.type,
      says: `${body.controller}: ${body.count} more denials alike (${rules})`,
    };
  }
  if (body.type !== "safe-step") return null;
  const name = profile.model.outputs[body.output]?.name ?? `output ${body.output}`;
  return { type: body.type, says: `${name} = ${body.given}, ${body.state}` };
}

function viewDecision(profile: CompiledProfile, seq: number, body: DecisionBody): EntryView {
  const who = body.source.kind === "controller" ? body.source.controller : "holdpoint";
  return {
    type: "decision",
    seq,
    who,
    verdict: body.verdict,
    what: describeWrites(profile, body),
    codes: body.reasons.map(({ code }) => code),
    why: body.reasons.map((reason) => describeReason(profile, reason)).join("; "),
  };
}

function describeWrites(profile: CompiledProfile, body: DecisionBody): string {
  if (body.writes instanceof Uint8Array) {
    return `function ${body.bytes[0] ?? 0}`;
  }
  return body.writes
    .map(({ output, asked, given }) => {
      const name = profile.model.outputs[output]?.name ?? `output ${output}`;
      const instead =
        given === null || given === asked ? "" : `, given ${valueOf(profile, output, given)}`;
      return `${name} = ${valueOf(profile, output, asked)}${instead}`;
    })
    .join(", ");
}

function valueOf(profile: CompiledProfile, output: number, raw: number): string {
  const tag = profile.model.outputs[output];
  const value = profile.outputs[output]?.quantity.valueOf(raw) ?? raw;
  if (tag?.kind === "bool") return value === 1 ? "TRUE" : "FALSE";
  const unit = tag === undefined || tag.unit === "" ? "" : ` ${tag.unit}`;
  return `${Number(value.toPrecision(6))}${unit}`;
}

function describeReason(profile: CompiledProfile, { code, rule, output, limit }: Reason): string {
  const says = REASONS.find((known) => known.code === code)?.says ?? code;
  const unit = profile.model.outputs[output ?? -1]?.unit ?? "";
  const nearest =
    limit === null ? "" : `, nearest ${Number(limit.toPrecision(6))} ${unit}`.trimEnd();
  const why = rule === null ? "" : ` (${rule}${ruleWhy(profile, rule)})`;
  return `${says}${why}${nearest}`;
}

function ruleWhy(profile: CompiledProfile, id: string): string {
  const { permissives, always, trips } = profile.model;
  const rule = [...permissives, ...always, ...trips].find((known) => known.id === id);
  return rule === undefined || rule.why === "" ? "" : `: ${rule.why}`;
}

function detail(text: string | null): string {
  return text === null ? "" : `: ${text}`;
}
