import type { Ask, Write } from "../command/request.js";
import type { CompiledProfile } from "../profile/compiled.js";
import { because, inCatalogueOrder } from "../record/because.js";
import type { Verdict, WriteRecord } from "../record/entry.js";
import type { Look } from "../record/look.js";
import type { Reason } from "../record/reason.js";
import type { Raw } from "../units.js";
import { judgeCharges, usedUp } from "./charges.js";
import { judgeConditions } from "./conditions.js";
import { clampAsk } from "./clamp.js";
import { isWithinDeadband, judgeEnvelope } from "./envelope.js";
import { type Facts, readFacts, type WriteFacts } from "./facts.js";
import { judgeStanding } from "./standing.js";

export type Decision = {
  readonly verdict: Verdict;
  /** Every reason, in the catalogue's order; empty for a permit and only then. */
  readonly reasons: readonly Reason[];
  readonly writes: readonly WriteRecord[];
  /** Permitted, and within the deadband: nothing is to be sent, and no write is charged. */
  readonly noChange: boolean;
};

/**
 * The verdict on one command, from nothing but the arguments: same arguments, same verdict. Never throws.
 * All rules are judged and all reasons given. Whatever the look does not tell, or tells as unknown, refuses.
 *
 * permit: as asked. clamp: permitted after the value was moved to the nearest limit of its range.
 * hold: nothing objects, but people must approve first. deny: anything else.
 */
export function decide(profile: CompiledProfile, ask: Ask, look: Look): Decision {
  const facts = readFacts(profile, ask, look);
  if (facts === null) return refuse([because("internal")], []);
  if (ask.reasons.length > 0 || ask.writes.length === 0) return refuseUnmapped(profile, ask, facts);
  const judged = judge(profile, ask, facts);
  if (judged.reasons.length === 0) {
    return {
      verdict: "permit",
      reasons: judged.reasons,
      writes: recordWrites(facts.writes, judged.noChange ? null : ask.writes),
      noChange: judged.noChange,
    };
  }
  if (judged.reasons.every((reason) => reason.code === "approval")) {
    return { ...refuse(judged.reasons, facts.writes), verdict: "hold" };
  }
  const needsPeople = judged.reasons.some((reason) => reason.code === "approval");
  const clamped = needsPeople ? null : clampAsk(profile, ask);
  return clamped === null
    ? refuse(judged.reasons, facts.writes)
    : decideClamped(profile, { ask, clamped, facts, reasons: judged.reasons });
}

/**
 * Whether a single write would be permitted with every value from `from` up (or down) to the one asked:
 * conditions must hold for all of them together; limits on the value are intervals, so its ends do.
 */
export function permitsBetween(profile: CompiledProfile, ask: Ask, look: Look, from: Raw): boolean {
  const facts = readFacts(profile, ask, look);
  const [write] = facts?.writes ?? [];
  if (facts === null || write === undefined) return false;
  const other = write.compiled.quantity.valueOf(from);
  write.lo = Math.min(write.lo, other);
  write.hi = Math.max(write.hi, other);
  return judge(profile, ask, facts).reasons.length === 0;
}

type Judged = { readonly reasons: readonly Reason[]; readonly noChange: boolean };

function judge(profile: CompiledProfile, ask: Ask, facts: Facts): Judged {
  const noChange = facts.writes.every(isWithinDeadband);
  const moving = !noChange;
  const reasons: Reason[] = [];
  judgeStanding(profile, ask, facts, { moving, reasons });
  facts.writes.forEach((write, place) => {
    for (const reason of judgeEnvelope(write, moving)) reasons.push(reason);
    if (moving) judgeCharges(write, reasons);
    if (isWrittenBefore(facts.writes, place)) {
      reasons.push(because("partial-write", { output: write.write.output }));
    }
  });
  judgeConditions(profile, ask, facts, reasons);
  return { reasons: inCatalogueOrder(reasons), noChange };
}

function isWrittenBefore(writes: readonly WriteFacts[], place: number): boolean {
  const output = writes[place]?.write.output;
  for (let before = 0; before < place; before += 1) {
    if (writes[before]?.write.output === output) return true;
  }
  return false;
}

type Clamping = {
  readonly ask: Ask;
  readonly clamped: Ask;
  readonly facts: Facts;
  readonly reasons: readonly Reason[];
};

/** The whole changed command is judged anew; any objection to it refuses the one that was asked. */
function decideClamped(profile: CompiledProfile, clamping: Clamping): Decision {
  const { ask, clamped, facts, reasons } = clamping;
  const [write] = clamped.writes;
  const anew = write === undefined ? null : readFacts(profile, clamped, facts.look);
  if (write === undefined || anew === null) return refuse(reasons, facts.writes);
  const judged = judge(profile, clamped, anew);
  const limit = profile.outputs[write.output]?.quantity.valueOf(write.raw) ?? null;
  const objections = [...judged.reasons];
  const clamps = usedUp(profile.model.controllers[ask.controller]?.clamps ?? null, facts.clamps);
  if (clamps !== null) {
    objections.push(
      because("budget", { rule: CLAMPS, output: write.output, freeUs: clamps.freeUs }),
    );
  }
  if (objections.length > 0)
    return refuse(inCatalogueOrder(joinReasons(reasons, objections)), facts.writes);
  const about = { output: write.output, limit };
  return {
    verdict: "clamp",
    reasons: [because("range", about), because("clamped", about)],
    writes: recordWrites(facts.writes, judged.noChange ? null : clamped.writes),
    noChange: judged.noChange,
  };
}

/** Stands as the rule where the controller's clamp budget is used up. */
export const CLAMPS = "clamps";

function joinReasons(asked: readonly Reason[], anew: readonly Reason[]): readonly Reason[] {
  const added = anew.filter(
    (reason) =>
      !asked.some(
        (known) =>
          known.code === reason.code &&
          known.rule === reason.rule &&
          known.output === reason.output,
      ),
  );
  return [...asked, ...added];
}

/** The request maps to no outputs: what stands in the way of any command is still said. */
function refuseUnmapped(profile: CompiledProfile, ask: Ask, facts: Facts): Decision {
  const mapping = ask.reasons.length === 0 ? [because("malformed")] : ask.reasons;
  const reasons: Reason[] = [];
  judgeStanding(profile, ask, facts, { moving: true, reasons });
  return refuse(inCatalogueOrder(joinReasons(mapping, reasons)), facts.writes);
}

function refuse(reasons: readonly Reason[], writes: readonly WriteFacts[]): Decision {
  return { verdict: "deny", reasons, writes: recordWrites(writes, null), noChange: false };
}

/** `given` null: nothing is sent. */
function recordWrites(
  writes: readonly WriteFacts[],
  given: readonly Write[] | null,
): readonly WriteRecord[] {
  return writes.map((facts, place) => ({
    output: facts.write.output,
    asked: facts.write.raw,
    given: given?.[place]?.raw ?? null,
    was: facts.proven ?? facts.reachable[facts.reachable.length - 1] ?? null,
    wasProven: facts.proven !== null,
  }));
}
