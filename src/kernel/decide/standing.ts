import type { Ask } from "../command/request.js";
import { IN_FLIGHT_PER_DEVICE } from "../bounds.js";
import type { CompiledProfile } from "../profile/compiled.js";
import type { Controller, Trip } from "../profile/model.js";
import { because } from "../record/because.js";
import type { Look, Mode } from "../record/look.js";
import type { Reason, ReasonCode } from "../record/reason.js";
import type { Write } from "../command/request.js";
import { usedUp } from "./charges.js";
import type { Facts, WriteFacts } from "./facts.js";

/**
 * Whether any command could go out now: profile, evidence, mode, device, lease, suspension, the
 * controller's own budget. `moving` false: nothing will be sent, so nothing is charged.
 */
export function judgeStanding(
  profile: CompiledProfile,
  ask: Ask,
  facts: Facts,
  standing: { readonly moving: boolean; readonly reasons: Reason[] },
): void {
  const { moving, reasons } = standing;
  if (!facts.profileValid) reasons.push(because("profile"));
  if (!facts.evidence) reasons.push(because("evidence"));
  const mode = MODE_REASONS[facts.look.mode];
  if (mode !== null) reasons.push(because(mode));
  if (facts.writes.length > 0) judgeDevice(facts, moving, reasons);
  const controller = profile.model.controllers[ask.controller];
  if (controller === undefined) {
    reasons.push(because("identity"));
    return;
  }
  if (facts.suspendedUs !== 0) reasons.push(because("suspended", { freeUs: facts.suspendedUs }));
  if (controller.lease !== null && !isLive(facts.look)) reasons.push(because("lease"));
  const budget = moving ? usedUp(controller.budget, facts.total) : null;
  if (budget !== null) reasons.push(because("budget", { freeUs: budget.freeUs }));
  for (const write of facts.writes) {
    if (!controller.outputs.has(write.write.output)) {
      reasons.push(because("not-writable", { output: write.write.output }));
    }
    if (isHeldAgainst(profile, ask.controller, controller, write)) {
      reasons.push(because("lease", { output: write.write.output }));
    }
  }
  judgeTrips(profile, facts, reasons);
}

/** Only `enforcing` releases; null: it does. */
const MODE_REASONS: Readonly<Record<Mode, ReasonCode | null>> = {
  starting: "mode",
  observe: "mode",
  enforcing: null,
  holding: "mode",
  "safe-state": "safe-state",
  "locked-out": "mode",
};

function judgeDevice(facts: Facts, moving: boolean, reasons: Reason[]): void {
  const [first] = facts.writes;
  const device = first?.rules.at.device;
  // 1 is "up": everything else, and not being told, is not.
  if (facts.device !== 1) reasons.push(because("device-down"));
  if (moving && !(facts.inFlight < IN_FLIGHT_PER_DEVICE)) reasons.push(because("busy"));
  for (const write of facts.writes) {
    if (write.rules.at.device !== device) {
      reasons.push(because("partial-write", { output: write.write.output }));
    }
  }
}

function isLive(look: Look): boolean {
  return look.lease !== null && look.lease.leftUs > 0;
}

/** A controller without a lease of its own in the profile goes before holders of lower rank only. */
function isHeldAgainst(
  profile: CompiledProfile,
  asking: number,
  controller: Controller,
  write: WriteFacts,
): boolean {
  const { holder } = write;
  if (holder === undefined) return true;
  if (holder === null || holder === asking) return false;
  const other = profile.model.controllers[holder];
  return other === undefined || controller.lease !== null || other.priority <= controller.priority;
}

/** While a trip is latched only the value it sets passes. */
function judgeTrips(profile: CompiledProfile, facts: Facts, reasons: Reason[]): void {
  for (const id of facts.look.latched) {
    const trip = profile.model.trips[profile.tripById.get(id) ?? -1];
    for (const { write } of facts.writes) {
      if (trip === undefined || !passesTrip(profile, trip, write)) {
        reasons.push(because("tripped", { rule: id, output: write.output }));
      }
    }
  }
}

function passesTrip(profile: CompiledProfile, trip: Trip, write: Write): boolean {
  switch (trip.action.kind) {
    case "drive":
      return trip.action.writes.every(
        (drive) => drive.output !== write.output || drive.raw === write.raw,
      );
    case "safe-state": {
      const safe = profile.model.outputs[write.output]?.safe;
      return (
        profile.model.safeState.order.includes(write.output) &&
        safe?.kind === "value" &&
        safe.raw === write.raw
      );
    }
  }
}
