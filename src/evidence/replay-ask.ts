import { parseRequest } from "../codec/modbus/pdu-request.js";
import type { Ask } from "../kernel/command/request.js";
import { resolveWrite } from "../kernel/command/resolve.js";
import { decide } from "../kernel/decide/decide.js";
import type { CompiledProfile } from "../kernel/profile/compiled.js";
import type { DecisionBody } from "../kernel/record/entry.js";
import type { Reason, ReasonCode } from "../kernel/record/reason.js";
import type { FoldedState } from "../kernel/state/state.js";
import { settledWord } from "../kernel/state/words.js";
import { reasonText } from "./replay-compare.js";
import { writeOf } from "./write-of.js";

const NOBODY = -1;

/**
 * The ask a recorded decision was about. Where the request mapped to no outputs, the reasons for that are
 * those recorded ones that do not follow from the look alone.
 */
export function askOf(profile: CompiledProfile, body: DecisionBody): Ask {
  const { source } = body;
  const controller =
    source.kind === "controller"
      ? (profile.controllerByName.get(source.controller) ?? NOBODY)
      : NOBODY;
  if (!(body.writes instanceof Uint8Array)) {
    const writes = body.writes.map(({ output, asked }) => ({ output, raw: asked }));
    return { controller, writes, reasons: [] };
  }
  return { controller, writes: [], reasons: mappingReasons(profile, controller, body) };
}

/**
 * Whether the bytes as received mean the writes on record, in the state before the decision. Null: they do,
 * or it cannot be told here: another door than Modbus, only a hash kept, refused before it was resolved.
 */
export function checkResolution(
  profile: CompiledProfile,
  state: FoldedState,
  body: DecisionBody,
): string | null {
  const { source } = body;
  if (source.kind !== "controller" || !source.door.startsWith("modbus")) return null;
  if (body.bytesHash !== null) return null;
  const controller = profile.controllerByName.get(source.controller);
  if (controller === undefined || body.reasons.some(({ code }) => BEFORE.has(code))) return null;
  const parsed = parseRequest(body.bytes);
  if (!parsed.ok) {
    return body.writes instanceof Uint8Array ? null : "its bytes are no request, yet it has writes";
  }
  for (const device of devicesOf(profile, body)) {
    const request = writeOf(parsed.request, device);
    if (request === null) return "its bytes are no write";
    const ask = resolveWrite(profile, controller, request, (at, register) =>
      settledWord(profile, state, at, register),
    );
    if (matches(ask, body)) return null;
  }
  return "its bytes do not mean the writes on record";
}

/** Given by the door or the guard before the request was resolved: as recorded. */
const BEFORE: ReadonlySet<ReasonCode> = new Set([
  "stale",
  "unit",
  "busy",
  "function",
  "malformed",
  "tag-unknown",
  "size",
  "withdrawn",
]);

function mappingReasons(
  profile: CompiledProfile,
  controller: number,
  body: DecisionBody,
): readonly Reason[] {
  const bare: Ask = { controller, writes: [], reasons: [] };
  const standing = decide(profile, bare, body.look).reasons;
  const known = standing.filter(({ code }) => code !== "malformed").map(reasonText);
  const own = body.reasons.filter((reason) => !takeOut(known, reasonText(reason)));
  // Nobody's request: the mapping's only reason is one that the look gives as well.
  return own.length > 0 ? own : body.reasons.slice(0, 1);
}

function takeOut(texts: string[], text: string): boolean {
  const at = texts.indexOf(text);
  if (at >= 0) texts.splice(at, 1);
  return at >= 0;
}

function devicesOf(profile: CompiledProfile, body: DecisionBody): readonly number[] {
  if (!(body.writes instanceof Uint8Array)) {
    const device = profile.model.outputs[body.writes[0]?.output ?? -1]?.at.device;
    return device === undefined ? [] : [device];
  }
  return profile.model.devices.map((_, device) => device);
}

function matches(ask: Ask, body: DecisionBody): boolean {
  const { writes } = body;
  if (writes instanceof Uint8Array) {
    const recorded = new Set(body.reasons.map(reasonText));
    return ask.writes.length === 0 && ask.reasons.every((one) => recorded.has(reasonText(one)));
  }
  return (
    ask.writes.length === writes.length &&
    ask.writes.every(({ output, raw }, i) => {
      const write = writes[i];
      return write?.output === output && write.asked === raw;
    })
  );
}
