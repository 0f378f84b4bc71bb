import * as z from "zod";
import type { Group, Output, ReadableRange } from "../../kernel/profile/model.js";
import type { Draft } from "../draft.js";
import { findOutput } from "../draft.js";
import type { Path } from "../document/tree.js";
import { readRange, tag } from "../schema-parts.js";
import { complain, keysAt, takeElement } from "../source.js";
import { suggestName } from "../suggestion.js";

const group = z.strictObject({
  write: z
    .array(tag)
    .min(2, "a group has two members or more")
    .max(16, "one request touches 16 outputs at most"),
  only: z.literal("together").optional().describe("No member may be written alone."),
});
const ranges = z.array(readRange).min(1).max(64);

export const groupSchema: z.ZodType = group;
export const readableSchema: z.ZodType = ranges;

/** Groups that can be carried by one request; null where something was complained about. */
export function readGroups(draft: Draft, outputs: readonly (Output | null)[]): (Group | null)[] {
  return keysAt(draft.source, ["groups"]).map((name) => {
    const path = ["groups", name];
    const file = takeElement(draft.source, path, group);
    if (file === null) return null;
    const members = file.write.map((member, index) =>
      findOutput(draft, [...path, "write", index], member),
    );
    const known = members.flatMap((member) => (member === null ? [] : [member]));
    if (known.length < members.length) return null;
    if (new Set(known).size < known.length) {
      complain(draft.source, [...path, "write"], {
        message: "a member stands in the group twice",
        hint: null,
      });
      return null;
    }
    checkOneRequest(draft, [...path, "write"], known, outputs);
    return { name, outputs: known, together: file.only === "together" };
  });
}

/** One table of one device, no gap, and no bit of a whole word left out: its neighbours would be rewritten unasked. */
function checkOneRequest(
  draft: Draft,
  path: Path,
  members: readonly number[],
  outputs: readonly (Output | null)[],
): void {
  const tags = members.flatMap((member) => outputs[member] ?? []);
  const [first] = tags;
  if (first === undefined || tags.length < members.length) return;
  const say = (message: string, hint: string): void => {
    complain(draft.source, path, { message, hint });
  };
  const stranger = tags.find(
    (t) => t.at.device !== first.at.device || t.at.table !== first.at.table,
  );
  if (stranger !== undefined) {
    say(
      `${first.name} and ${stranger.name} cannot be in one request`,
      "a group is one table of one device",
    );
    return;
  }
  const masked = tags.find((t) => t.bits === "mask");
  if (masked !== undefined) {
    say(
      `${masked.name} is written by mask (FC22), one word at a time`,
      "use bits: whole, or leave it out",
    );
    return;
  }
  const gap = findGap(tags);
  if (gap !== null)
    say(`nothing of the group stands at ${first.at.table} ${gap}`, "a group has no gap");
  const left = findLeftOut(tags, members, outputs);
  if (left !== null) {
    say(
      `the group rewrites ${left.name} without naming it`,
      `add ${left.name}: it is a bit of the same word`,
    );
  }
}

/** The first address between the members that none of them covers. */
function findGap(tags: readonly Output[]): number | null {
  const covered = new Set(tags.flatMap(registersOf));
  const all = [...covered].sort((a, b) => a - b);
  const [first = 0] = all;
  const missing = all.findIndex((register, index) => register !== first + index);
  return missing < 0 ? null : first + missing;
}

export function registersOf(output: Pick<Output, "at">): number[] {
  const { register, format } = output.at;
  return format === "u32" || format === "i32" || format === "f32"
    ? [register, register + 1]
    : [register];
}

function findLeftOut(
  tags: readonly Output[],
  members: readonly number[],
  outputs: readonly (Output | null)[],
): Output | null {
  const words = new Set(
    tags.filter((t) => t.bits === "whole").map((t) => `${t.at.device}:${t.at.register}`),
  );
  const left = outputs.find(
    (output, position) =>
      output?.bits === "whole" &&
      words.has(`${output.at.device}:${output.at.register}`) &&
      !members.includes(position),
  );
  return left ?? null;
}

/** Further ranges that may be read through. */
export function readReadable(draft: Draft): ReadableRange[] {
  return keysAt(draft.source, ["readable"]).flatMap((deviceName) => {
    const path: Path = ["readable", deviceName];
    const file = takeElement(draft.source, path, ranges);
    const device = draft.deviceNames.indexOf(deviceName);
    if (device < 0) {
      const hint = suggestName(deviceName, draft.deviceNames);
      complain(draft.source, path, { message: `no device is called '${deviceName}'`, hint });
    }
    return (file ?? []).flatMap((written, index) => {
      const range = readOneRange(written, device);
      if (range !== null) return [range];
      const hint = "registers are numbered 0 to 65535, the lower one first";
      complain(draft.source, [...path, index], {
        message: "this is not a range of registers",
        hint,
      });
      return [];
    });
  });
}

function readOneRange(written: string, device: number): ReadableRange | null {
  const parts = /^(co|di|ir|hr) (\d+)(?:\.\.(\d+))?$/.exec(written);
  const table = (["co", "di", "ir", "hr"] as const).find((name) => name === parts?.[1]);
  const first = Number(parts?.[2]);
  const last = Number(parts?.[3] ?? parts?.[2]);
  return table !== undefined && first <= last && last <= 65_535
    ? { device, table, first, last }
    : null;
}
