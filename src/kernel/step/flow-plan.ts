import type { Memory } from "../condition/evaluate.js";
import { planReads, type Block } from "../image/read-plan.js";
import type { CompiledProfile, Condition } from "../profile/compiled.js";
import type { Output, ProfileModel } from "../profile/model.js";

/** What the flow looks up again and again, made once from the profile. */
export type FlowPlan = {
  /** By device, in poll order. */
  readonly blocks: readonly (readonly Block[])[];
  /** Devices that each trip's condition reads, by position of the trip. */
  readonly tripDevices: readonly (readonly number[])[];
  /** Positions of the built-in trips, by output and by device; null where the profile has none. */
  readonly foreign: readonly (number | null)[];
  readonly proof: readonly (number | null)[];
  readonly lost: readonly (number | null)[];
  /** By position of the trip: the output that a `foreign` or `proof` trip is about. */
  readonly about: readonly (number | null)[];
  /** By output: all outputs of the same `bits: whole` word, itself included; empty for any other output. */
  readonly word: readonly (readonly number[])[];
  /** Scratch memory for conditions: filled anew for every evaluation, nothing in it outlives one. */
  readonly memory: Memory;
};

export function planFlow(profile: CompiledProfile): FlowPlan {
  const { model } = profile;
  const builtIn = (
    prefix: string,
    tags: readonly { readonly name: string }[],
  ): readonly (number | null)[] =>
    tags.map(({ name }) => profile.tripById.get(`${prefix}.${name}`) ?? null);
  const foreign = builtIn("foreign", model.outputs);
  const proof = builtIn("proof", model.outputs);
  return {
    blocks: planReads(model),
    tripDevices: profile.trips.map((trip) => (trip === null ? [] : devicesOf(model, trip))),
    foreign,
    proof,
    lost: builtIn("lost", model.devices),
    about: model.trips.map((_, position) => outputOf(foreign, proof, position)),
    word: model.outputs.map((output) => wordOf(model, output)),
    memory: {
      lo: new Float64Array(profile.slots.count).fill(NaN),
      hi: new Float64Array(profile.slots.count).fill(NaN),
    },
  };
}

function outputOf(
  foreign: readonly (number | null)[],
  proof: readonly (number | null)[],
  position: number,
): number | null {
  const output = Math.max(foreign.indexOf(position), proof.indexOf(position));
  return output < 0 ? null : output;
}

function devicesOf(model: ProfileModel, condition: Condition): readonly number[] {
  const devices = new Set<number>();
  for (const input of condition.inputs) devices.add(model.inputs[input]?.at.device ?? 0);
  for (const output of condition.outputs) devices.add(model.outputs[output]?.at.device ?? 0);
  return [...devices];
}

function wordOf(model: ProfileModel, of: Output): readonly number[] {
  if (of.bits !== "whole") return [];
  return model.outputs.flatMap(({ at }, position) =>
    at.device === of.at.device && at.table === of.at.table && at.register === of.at.register
      ? [position]
      : [],
  );
}
