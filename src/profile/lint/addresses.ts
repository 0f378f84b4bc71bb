import type { Address, Device, Input, Output } from "../../kernel/profile/model.js";
import type { Draft } from "../draft.js";
import { complain, warn } from "../source.js";
import { registersOf } from "../element/groups.js";

type Parts = {
  readonly devices: readonly (Device | null)[];
  readonly inputs: readonly (Input | null)[];
  readonly outputs: readonly (Output | null)[];
};

/** Outputs that would write each other's registers, the device's own ones, or bits that are not ours. */
export function lintAddresses(draft: Draft, parts: Parts): void {
  const owners = new Map<string, Output[]>();
  for (const output of parts.outputs) {
    if (output === null) continue;
    for (const place of placesOf(output.at)) {
      const others = owners.get(place) ?? [];
      refuseOverlap(draft, output, others);
      owners.set(place, [...others, output]);
    }
  }
  refuseDevicePlaces(draft, parts, owners);
  refuseForeignBits(draft, parts, owners);
  warnDoubleInputs(draft, parts.inputs);
}

const placesOf = (at: Address): string[] =>
  registersOf({ at }).map((register) => placeKey(at.device, at.table, register));

const placeKey = (device: number, table: string, register: number): string =>
  `${device} ${table} ${register}`;

function refuseOverlap(draft: Draft, output: Output, others: readonly Output[]): void {
  const path = ["outputs", output.name, "at"];
  for (const other of others) {
    const bothBits = output.at.bit !== null && other.at.bit !== null;
    if (!bothBits || output.at.bit === other.at.bit) {
      const hint = "one place, one output: limits could be passed by writing the other";
      complain(draft.source, path, { message: `${other.name} is written to the same place`, hint });
      return;
    }
    if (output.bits !== other.bits) {
      const hint = `${other.name} says bits: ${other.bits ?? "nothing"}`;
      const message = "bits of one word are either all masked or all written whole";
      complain(draft.source, ["outputs", output.name, "bits"], { message, hint });
      return;
    }
  }
}

/** The heartbeat block, the alive counter and the identity are never outputs. */
function refuseDevicePlaces(
  draft: Draft,
  parts: Parts,
  owners: ReadonlyMap<string, readonly Output[]>,
): void {
  for (const device of parts.devices) {
    if (device === null) continue;
    const { commsLoss, alive, identity } = device;
    const own: readonly (readonly [what: string, at: Address | undefined])[] = [
      [
        "the heartbeat of the comms-loss block",
        commsLoss.by === "block" ? commsLoss.heartbeat : undefined,
      ],
      ["the state of the comms-loss block", commsLoss.by === "block" ? commsLoss.state : undefined],
      ["the age of the comms-loss block", commsLoss.by === "block" ? commsLoss.age : undefined],
      ["the alive counter", alive?.at],
      ["the identity", identity?.at],
    ];
    for (const [what, at] of own) {
      for (const output of at === undefined
        ? []
        : placesOf(at).flatMap((place) => owners.get(place) ?? [])) {
        const hint = "the layer below must not be in a controller's reach";
        const message = `${output.name} would write ${what} of ${device.name}`;
        complain(draft.source, ["outputs", output.name, "at"], { message, hint });
      }
    }
  }
}

/** `bits: whole` says that every bit of the word is ours; one that is read as an input is not. */
function refuseForeignBits(
  draft: Draft,
  parts: Parts,
  owners: ReadonlyMap<string, readonly Output[]>,
): void {
  for (const input of parts.inputs) {
    if (input?.at.table !== "hr" || input.at.bit === null) continue;
    const output = placesOf(input.at)
      .flatMap((place) => owners.get(place) ?? [])
      .find((owner) => owner.bits === "whole" && owner.at.bit !== input.at.bit);
    if (output === undefined) continue;
    const hint = "write the bit alone: bits: mask";
    const message = `${input.name} is a bit of the same word and not ours to rewrite`;
    complain(draft.source, ["outputs", output.name, "bits"], { message, hint });
  }
}

function warnDoubleInputs(draft: Draft, inputs: readonly (Input | null)[]): void {
  const seen = new Map<string, string>();
  for (const input of inputs) {
    if (input === null) continue;
    const place = `${placeKey(input.at.device, input.at.table, input.at.register)} ${input.at.bit ?? ""}`;
    const other = seen.get(place);
    if (other !== undefined) {
      const hint = "two names for one reading are no second witness";
      warn(draft.source, ["inputs", input.name, "at"], {
        message: `${other} is read from the same place`,
        hint,
      });
    }
    seen.set(place, input.name);
  }
}
