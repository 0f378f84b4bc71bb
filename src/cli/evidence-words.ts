import type { DecisionBody, EntryBody, OutcomeBody } from "../kernel/record/entry.js";
import type { Reason } from "../kernel/record/reason.js";
import { hex } from "../evidence/hex.js";

/** What an entry says, on one line, without needing the profile: outputs by their number. */
export function describeBody(body: EntryBody): string {
  return isStanding(body) ? describeStanding(body) : describeOperation(body);
}

type Operation = Exclude<EntryBody, Standing>;

function describeOperation(body: Operation): string {
  switch (body.type) {
    case "decision":
      return describeDecision(body);
    case "outcome":
      return describeOutcome(body);
    case "boot":
      return `run ${body.boot} begins, log ${body.recovery.found}, key ${body.key}`;
    case "mode":
      return `${body.from} -> ${body.to}: ${body.why}`;
    case "trip":
      return `${body.rule} ${body.event}, first out ${body.firstOut}`;
    case "safe-step":
      return `step ${body.step}: output ${body.output} = ${body.given} ${body.state}`;
    case "lease":
      return `${body.controller} ${body.event}${body.then === null ? "" : `, then ${body.then}`}`;
    case "flood":
      return `${body.controller}: ${body.count} more denials alike (${body.rules.join(", ")})`;
    case "device":
      return `${body.device} ${body.event}${body.detail === null ? "" : `: ${body.detail}`}`;
  }
}

const STANDING = [
  "operator-act",
  "profile",
  "site",
  "key",
  "anchor",
  "clock",
  "snapshot",
  "notice",
] as const;
/** What changes the gateway rather than the plant. */
export type Standing = Extract<EntryBody, { readonly type: (typeof STANDING)[number] }>;

export function isStanding(body: EntryBody): body is Standing {
  return STANDING.some((type) => type === body.type);
}

function describeStanding(body: Standing): string {
  switch (body.type) {
    case "operator-act": {
      const signed = body.signature === null ? ", UNSIGNED" : "";
      return `${body.act} by ${body.person}${signed}: ${body.why}`;
    }
    case "profile":
      return `${body.event} ${short(body.digest)}${body.why === null ? "" : `: ${body.why}`}`;
    case "site":
      return `${body.event} ${short(body.digest)}`;
    case "key":
      return body.event;
    case "anchor":
      return `${body.kind} over ${body.size} entries`;
    case "clock":
      return `wall time moved by ${body.stepUs} us, quality ${body.quality}`;
    case "snapshot":
      return `kernel state up to ${body.foldedTo}`;
    case "notice":
      return `${body.what}${describeDetails(body.details)}`;
  }
}

function describeDecision(body: DecisionBody): string {
  const who = body.source.kind === "controller" ? body.source.controller : body.source.kind;
  const what =
    body.writes instanceof Uint8Array
      ? `request ${hex(body.writes)}`
      : body.writes
          .map(({ output, asked, given }) => {
            const changed = given === null || given === asked ? "" : ` (given ${given})`;
            return `output ${output} = ${asked}${changed}`;
          })
          .join(", ");
  return `${body.verdict.toUpperCase()} ${who}: ${what}${describeReasons(body.reasons)}`;
}

function describeOutcome(body: OutcomeBody): string {
  const read = (body.readBack ?? []).map(
    ({ output, raw }) => `output ${output} reads ${raw ?? "?"}`,
  );
  return `${body.outcome}${read.length === 0 ? "" : `: ${read.join(", ")}`}${describeReasons(body.reasons ?? [])}`;
}

function describeReasons(reasons: readonly Reason[]): string {
  if (reasons.length === 0) return "";
  return ` [${reasons.map(({ code, rule }) => (rule === null ? code : `${code} ${rule}`)).join(", ")}]`;
}

function describeDetails(
  details: ReadonlyMap<string, number | string | Uint8Array | boolean | null> | null,
): string {
  if (details === null || details.size === 0) return "";
  const texts = [...details].map(([key, value]) => {
    const text = value instanceof Uint8Array ? hex(value.slice(0, 8)) : String(value);
    return `${key} ${text}`;
  });
  return ` (${texts.join(", ")})`;
}

function short(digest: Uint8Array): string {
  return hex(digest).slice(0, 12);
}
