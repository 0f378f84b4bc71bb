import * as z from "zod";
import type { Confirm, Device, Output, SafeState, Trip } from "../../kernel/profile/model.js";
import type { Draft } from "../draft.js";
import { findOutput, readAssignment, readCondition } from "../draft.js";
import type { Path } from "../document/tree.js";
import { readPeriod } from "../notation.js";
import { assignment, condition, duration, tag } from "../schema-parts.js";
import { complain, membersAt, settle, takeElement, warn } from "../source.js";
import { suggestName } from "../suggestion.js";

const safeState = z.strictObject({
  order: z.array(tag).max(64).describe("Outputs with a safe value, in the order they are driven."),
  each_within: duration,
  on: z.array(z.enum(["profile fault", "evidence full"])),
});
const confirm = z.strictObject({
  after: assignment,
  expect: condition,
  within: duration,
  else: z
    .string()
    .min(1)
    .describe("The trip that fires when the plant does not answer, or safe_state."),
});

export const safeStateSchema: z.ZodType = safeState;
export const confirmSchema: z.ZodType = confirm;

/** Every output with a safe value stands in the order once, and no other does. */
export function readSafeState(draft: Draft, outputs: readonly (Output | null)[]): SafeState | null {
  const { source } = draft;
  const path: Path = ["safe_state"];
  const file = takeElement(source, path, safeState);
  if (file === null) return null;
  const order = file.order.flatMap((name, index) => {
    const output = findOutput(draft, [...path, "order", index], name);
    return output === null ? [] : [output];
  });
  order.forEach((position, index) => {
    const output = outputs[position];
    if (order.indexOf(position) < index) {
      complain(source, [...path, "order", index], {
        message: "stands in the order twice",
        hint: "keep one",
      });
    }
    if (output?.safe.kind === "hold") {
      const hint = `give ${output.name} a safe value, or leave it out of the order`;
      complain(source, [...path, "order", index], {
        message: "its safe value is hold: nothing would be written",
        hint,
      });
    }
  });
  refuseLeftOut(draft, outputs, order);
  const eachWithinUs = settle(source, [...path, "each_within"], readPeriod(file.each_within));
  if (order.length === 0 && file.order.length === 0) {
    const hint = "a safe state that drives nothing leaves the plant as it is";
    warn(source, [...path, "order"], { message: "the safe state writes nothing", hint });
  }
  const on = file.on.map((cause) =>
    cause === "profile fault" ? "profile-fault" : "evidence-full",
  );
  return eachWithinUs === null ? null : { order, eachWithinUs, on };
}

function refuseLeftOut(
  draft: Draft,
  outputs: readonly (Output | null)[],
  order: readonly number[],
): void {
  outputs.forEach((output, position) => {
    if (output?.safe.kind !== "value" || order.includes(position)) return;
    const hint = "add it to safe_state: order:, or write  safe: hold";
    const message = `${output.name} has a safe value that nothing would drive`;
    complain(draft.source, ["outputs", output.name, "safe"], { message, hint });
  });
}

/**
 * Adds the trips that events fire, after the profile's own: foreign.<output>, proof.<output>,
 * lost.<device>, confirm.<n>. All go to the safe state and are reset by a person.
 */
export function addBuiltInTrips(
  own: readonly Trip[],
  outputs: readonly Output[],
  devices: readonly Device[],
  confirms: readonly number[],
): Trip[] {
  return [
    ...own,
    ...outputs
      .filter((output) => output.foreign.otherwise === "trip")
      .map((output) =>
        builtIn(`foreign.${output.name}`, `${output.name} was changed by somebody else`),
      ),
    ...outputs
      .filter((output) => output.proof.kind !== "none")
      .map((output) =>
        builtIn(`proof.${output.name}`, `a write to ${output.name} was not proved in time`),
      ),
    ...devices
      .filter((device) => device.lost.action === "safe-state")
      .map((device) => builtIn(`lost.${device.name}`, `${device.name} does not answer`)),
    ...confirms.map((n) => builtIn(`confirm.${n}`, "the plant did not answer a command in time")),
  ];
}

function builtIn(id: string, why: string): Trip {
  const action = { kind: "safe-state" } as const;
  const reset = { kind: "manual" } as const;
  return { id, when: null, forUs: 0, blindForUs: 0, action, reset, unknownBits: null, why };
}

/** A confirm rule before trips have positions: `trip` is an id. */
export type DraftConfirm = Omit<Confirm, "trip"> & { readonly trip: string };

/** `else: T-04` names a trip of the profile; `else: safe_state` is the built-in trip `confirm.<n>`. */
export function readConfirms(draft: Draft, tripIds: readonly string[]): (DraftConfirm | null)[] {
  return membersAt(draft.source, ["confirm"]).map((path, position) => {
    const expect = readCondition(draft, [...path, "expect"]);
    const file = takeElement(draft.source, path, confirm);
    if (file === null) return null;
    const after = readAssignment(draft, [...path, "after"], file.after);
    const withinUs = settle(draft.source, [...path, "within"], readPeriod(file.within));
    const trip = file.else === "safe_state" ? `confirm.${position}` : file.else;
    if (file.else !== "safe_state" && !tripIds.includes(file.else)) {
      const hint = suggestName(file.else, [...tripIds, "safe_state"]);
      complain(draft.source, [...path, "else"], {
        message: `no trip is called '${file.else}'`,
        hint,
      });
      return null;
    }
    if (after === null || expect === null || withinUs === null) return null;
    return { after, expect, withinUs, trip };
  });
}
