import { resolveWrite, southWrite } from "../command/resolve.js";
import type { Ask } from "../command/request.js";
import { decide, type Decision } from "../decide/decide.js";
import { gatherFacts } from "../decide/gather-facts.js";
import { beatByCommand, sampleLeases } from "../lease/beat.js";
import { suspendForDenials } from "../lease/suspend.js";
import { because } from "../record/because.js";
import type { WriteRecord } from "../record/entry.js";
import type { Look } from "../record/look.js";
import type { Reason } from "../record/reason.js";
import { settledWord } from "../state/words.js";
import { admitWhole, countDenial, type DenialKind } from "./flood.js";
import type { CommandArrived } from "./input.js";
import { reply, replyServed } from "./reply.js";
import { record, viewOf, type Turn } from "./turn.js";

/** First look: judged at once, recorded; a permit then waits for the disk, a denial is answered. */
export function onCommand(turn: Turn, command: CommandArrived): void {
  // One that waited somewhere says nothing about whether its controller lives now.
  const isGone = command.refusal === "withdrawn";
  if (!isGone && turn.nowUs <= deadlineOf(turn, command)) beatByCommand(turn, command.controller);
  sampleLeases(turn);
  const ask = readAsk(turn, command);
  const look = gatherFacts(turn.profile, viewOf(turn), ask, null);
  const decision = decide(turn.profile, ask, look);
  if (decision.verdict === "permit" || decision.verdict === "clamp") {
    permit(turn, command, { ask, look, decision });
  } else {
    deny(turn, command, { ask, look, decision });
  }
}

type Judged = { readonly ask: Ask; readonly look: Look; readonly decision: Decision };

function readAsk(turn: Turn, command: CommandArrived): Ask {
  const { controller, request, refusal } = command;
  const refuse = (reason: Reason): Ask => ({ controller, writes: [], reasons: [reason] });
  if (refusal !== null) return refuse(because(refusal));
  if (request === null) return refuse(because("malformed"));
  if (turn.model.controllers[controller] === undefined) return refuse(because("identity"));
  if (turn.nowUs > deadlineOf(turn, command)) return refuse(because("stale"));
  return resolveWrite(turn.profile, controller, request, (device, register) =>
    settledWord(turn.profile, turn.folded, device, register),
  );
}

function deadlineOf(turn: Turn, command: CommandArrived): number {
  return command.arrivedUs + (turn.model.controllers[command.controller]?.commandMaxAgeUs ?? 0);
}

function permit(turn: Turn, command: CommandArrived, judged: Judged): void {
  const { ask, look, decision } = judged;
  const seq = recordDecision(turn, command, judged);
  const { ticket, id, controller } = command;
  const { verdict, reasons, noChange } = decision;
  const asked = ask.writes[0] ?? null;
  if (noChange) {
    const outcome = { type: "outcome", outcome: "no-change", id } as const;
    const nothing = { reply: null, readBack: null, reasons: null, look: null };
    record(turn, { ...outcome, ...nothing, sincePermitUs: 0 }, seq);
    replyServed(turn, { ticket, controller, verdict, reasons, asked, seq });
    return;
  }
  const writes = decision.writes.flatMap(({ output, given }) =>
    given === null ? [] : [{ output, raw: given }],
  );
  const released = {
    ticket,
    id,
    controller,
    seq,
    ask,
    verdict,
    reasons,
    writes,
    south: southWrite(turn.profile, writes),
    permitUs: turn.nowUs,
    deadlineUs: deadlineOf(turn, command),
    asked,
    gone: false,
    replied: false,
  };
  turn.live.recording.push({ permit: released, look });
}

/** The first few of a kind are stored whole, the rest is counted: a flood cannot fill the disk. */
function deny(turn: Turn, command: CommandArrived, judged: Judged): void {
  const { ask, decision } = judged;
  const kind = kindOf(command.controller, decision);
  let seq: number | null = null;
  if (admitWhole(turn.live.floods, kind, turn.nowUs)) {
    seq = recordDecision(turn, command, judged);
  } else {
    const first = ask.writes[0];
    const value =
      first === undefined ? null : turn.profile.outputs[first.output]?.quantity.valueOf(first.raw);
    const asked = { value: value ?? null, bytes: command.bytesHash ?? command.bytes };
    countDenial(turn.live.floods, kind, asked, turn.nowUs);
  }
  reply(turn, {
    ticket: command.ticket,
    verdict: decision.verdict,
    reasons: decision.reasons,
    served: false,
    asked: ask.writes[0] ?? null,
    seq,
  });
  // That a connection broke is no sign of a controller that asks for what it may not.
  if (command.refusal !== "withdrawn") suspendForDenials(turn, command.controller, seq);
}

function kindOf(controller: number, decision: Decision): DenialKind {
  const rules = new Set(decision.reasons.map(({ rule, code }) => rule ?? code));
  const output = decision.writes[0]?.output ?? null;
  return { controller, output, rules: [...rules].sort() };
}

function recordDecision(turn: Turn, command: CommandArrived, judged: Judged): number {
  const { look, decision } = judged;
  const name = turn.model.controllers[command.controller]?.name ?? `#${command.controller}`;
  const { id, door, auth, bytesHash } = command;
  return record(turn, {
    type: "decision",
    id,
    source: { kind: "controller", door, controller: name, auth, kid: null },
    bytes: bytesHash === null ? command.bytes : new Uint8Array(0),
    bytesHash,
    writes: recordedWrites(command, decision.writes),
    verdict: decision.verdict,
    reasons: decision.reasons,
    profile: turn.model.digest,
    look,
    sinceArrivalUs: Math.max(0, turn.nowUs - command.arrivedUs),
  });
}

/** What maps to no output: function, address and count (or value) as the client gave them. */
function recordedWrites(
  command: CommandArrived,
  writes: readonly WriteRecord[],
): readonly WriteRecord[] | Uint8Array {
  if (writes.length > 0) return writes;
  const { request } = command;
  if (request === null) return command.bytes.slice(0, 8);
  const { data, address } = request;
  const count =
    data.kind === "words" ? data.words.length : data.kind === "bits" ? data.bits.length : 1;
  return Uint8Array.of(
    request.function & 0xff,
    (address >>> 8) & 0xff,
    address & 0xff,
    (count >>> 8) & 0xff,
    count & 0xff,
  );
}
