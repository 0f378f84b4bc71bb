import { changeMode } from "../mode/change.js";
import type { Controller, Drive as DriveTo } from "../profile/model.js";
import type { LeaseEvent } from "../record/entry.js";
import type { Us } from "../units.js";
import { isForeignAdopted } from "../step/plant-mode.js";
import { startDrives } from "../step/drive.js";
import type { Drive } from "../step/kernel-state.js";
import { decideOwn } from "../step/own-decision.js";
import { trippedRaw } from "../step/safe-state.js";
import { record, type Turn } from "../step/turn.js";
import { dropLease } from "./revoke.js";

/** Why a lease ends; `us` as its entry says it. */
export type LeaseEnd = {
  readonly event: Extract<LeaseEvent, "lapsed" | "suspended" | "revoked">;
  readonly us: Us;
  readonly cause: number | null;
};

/** Ends a lease on record and does what the profile wants then: hold, revert or safe state. */
export function takeAwayFrom(turn: Turn, index: number, end: LeaseEnd): void {
  const controller = turn.model.controllers[index];
  if (controller === undefined) return;
  const then = controller.lease?.lapse.kind ?? "hold";
  const { event, us, cause } = end;
  const seq = record(turn, { type: "lease", controller: controller.name, event, us, then }, cause);
  followLapse(turn, controller, seq);
}

/** Somebody else has the plant now: the controller is kept out for a while, and nothing is moved. */
export function suspendQuietly(turn: Turn, index: number, cause: number): void {
  const controller = turn.model.controllers[index];
  if (controller === undefined || turn.folded.controllers[index]?.lease == null) return;
  dropLease(turn, index);
  const us = controller.lease?.lapsesAfterUs ?? 0;
  record(
    turn,
    { type: "lease", controller: controller.name, event: "suspended", us, then: "hold" },
    cause,
  );
}

/** What a lease's end leads to, beside the entry that says so. */
export function followLapse(turn: Turn, controller: Controller, cause: number): void {
  const lapse = controller.lease?.lapse;
  if (lapse === undefined) return;
  switch (lapse.kind) {
    case "hold":
      return;
    case "safe-state":
      changeMode(turn, "drive-safe", `lease of ${controller.name} ended`, cause);
      return;
    case "revert":
      revert(turn, lapse.to, cause);
      return;
  }
}

/**
 * Not where something stronger rules: the safe state, a latched trip's value, or people who have taken
 * the plant over.
 */
function revert(turn: Turn, to: readonly DriveTo[], cause: number): void {
  const { mode } = turn.folded;
  if (mode === "starting" || mode === "safe-state" || mode === "locked-out") return;
  const drives: Drive[] = [];
  to.forEach(({ output, raw }, step) => {
    if (trippedRaw(turn, output) !== null || isForeignAdopted(turn, output)) return;
    drives.push({
      output,
      raw,
      why: "revert",
      step,
      cause,
      causeUs: turn.nowUs,
      unknownBits: null,
      decision: decideOwn(turn, "revert", { output, raw }, cause),
      attempt: 0,
      phase: "waiting",
      tentative: false,
      acknowledged: false,
      deadlineUs: null,
      late: false,
    });
  });
  startDrives(turn, drives);
}
