import * as z from "zod";
import type { Drive, Output, Trip } from "../../kernel/profile/model.js";
import type { Draft } from "../draft.js";
import { readAssignment, readCondition } from "../draft.js";
import type { Path } from "../document/tree.js";
import { readDuration, readPeriod } from "../notation.js";
import { assignment, condition, duration, RESET, ruleId, shaped, text } from "../schema-parts.js";
import { complain, membersAt, settle, takeElement } from "../source.js";
import type { Source } from "../source.js";

const schema = z.strictObject({
  id: ruleId,
  when: condition.describe("Asked every scan."),
  for: duration.describe("TRUE for so long fires it."),
  blind_for: duration.describe("UNKNOWN for so long fires it."),
  do: z.union([z.literal("safe_state"), z.array(assignment).min(1).max(64)]),
  unknown_bits: z
    .array(assignment)
    .min(1)
    .max(15)
    .optional()
    .describe("What the other bits of a whole word become where nobody knows them."),
  reset: shaped(RESET, "a reset", "manual  or  auto after 15 min"),
  why: text,
});

export const tripSchema: z.ZodType = schema;
type TripFile = z.infer<typeof schema>;

/** The profile's own trips, in file order; null where something was complained about. */
export function readTrips(draft: Draft, outputs: readonly (Output | null)[]): (Trip | null)[] {
  return membersAt(draft.source, ["trips"]).map((path) => readTrip(draft, path, outputs));
}

function readTrip(draft: Draft, path: Path, outputs: readonly (Output | null)[]): Trip | null {
  const { source } = draft;
  const when = readCondition(draft, [...path, "when"]);
  const file = takeElement(source, path, schema);
  if (file === null) return null;
  const forUs = settle(source, [...path, "for"], readDuration(file.for));
  const blindForUs = settle(source, [...path, "blind_for"], readDuration(file.blind_for));
  const reset = readReset(source, [...path, "reset"], file.reset);
  const action = readAction(draft, path, file, outputs);
  const unknownBits = readUnknownBits(draft, path, { file, action, outputs });
  if (when === null || forUs === null || blindForUs === null || reset === null || action === null)
    return null;
  return { id: file.id, when, forUs, blindForUs, action, reset, unknownBits, why: file.why };
}

function readReset(source: Source, path: Path, written: string): Trip["reset"] | null {
  if (written === "manual") return { kind: "manual" };
  const afterUs = settle(source, path, readPeriod(written.slice("auto after ".length)));
  return afterUs === null ? null : { kind: "auto", afterUs };
}

function readAction(
  draft: Draft,
  path: Path,
  file: TripFile,
  outputs: readonly (Output | null)[],
): Trip["action"] | null {
  if (file.do === "safe_state") return { kind: "safe-state" };
  const writes = readWrites(draft, [...path, "do"], file.do);
  for (const [index, write] of writes.entries()) {
    const output = outputs[write.output];
    if (output === null || output === undefined || output.drive.kind === "level") continue;
    const hint = "a trip writes until read back, so the value must be absolute";
    const message = `${output.name} is a ${output.drive.kind}: a trip cannot hold it at a value`;
    complain(draft.source, [...path, "do", index], { message, hint });
  }
  return writes.length < file.do.length ? null : { kind: "drive", writes };
}

/** A list of writes, no output twice; those that could not be read are left out, and that has been said. */
function readWrites(draft: Draft, path: Path, list: readonly string[]): Drive[] {
  const seen = new Set<number>();
  return list.flatMap((written, index) => {
    const write = readAssignment(draft, [...path, index], written);
    if (write === null) return [];
    if (seen.has(write.output)) {
      complain(draft.source, [...path, index], {
        message: "this output is written twice",
        hint: "keep one",
      });
    }
    seen.add(write.output);
    return [write];
  });
}

type BitsContext = {
  readonly file: TripFile;
  readonly action: Trip["action"] | null;
  readonly outputs: readonly (Output | null)[];
};

/**
 * A whole word is written even where only some of its bits are meant; what the others become when neither
 * read-back nor plan is known must be said beforehand (definitions.md, co-written bits).
 */
function readUnknownBits(
  draft: Draft,
  path: Path,
  { file, action, outputs }: BitsContext,
): number | null {
  const { source } = draft;
  const at = [...path, "unknown_bits"];
  const said = file.unknown_bits === undefined ? [] : readWrites(draft, at, file.unknown_bits);
  if (action?.kind !== "drive") {
    if (file.unknown_bits !== undefined && action !== null) {
      const hint = "leave it out: the safe state is an order of its own";
      complain(source, at, { message: "unknown_bits: is for trips that write bits", hint });
    }
    return null;
  }
  const missing = findCoWritten(action.writes, outputs);
  if (missing.length === 0 && file.unknown_bits === undefined) return null;
  if (said.length === (file.unknown_bits?.length ?? 0)) {
    const where = file.unknown_bits === undefined ? [...path, "do"] : at;
    refuseOpenBits(
      draft,
      where,
      missing.filter((output) => !said.some((write) => write.output === output)),
    );
  }
  for (const [index, write] of said.entries()) {
    if (missing.includes(write.output)) continue;
    const message = action.writes.some((driven) => driven.output === write.output)
      ? "this trip writes the output itself"
      : "this trip does not rewrite that word";
    complain(source, [...at, index], { message, hint: "leave it out" });
  }
  return joinBits(draft, path, said, outputs);
}

function refuseOpenBits(draft: Draft, path: Path, open: readonly number[]): void {
  const names = open.map((output) => draft.outputNames[output] ?? "");
  if (names.length === 0) return;
  const message = `the trip rewrites the word of ${names.join(", ")} as well`;
  const writes = names.map((name) => `${name} = FALSE`).join(", ");
  const hint = `say what it becomes where nobody knows it: unknown_bits: [${writes}]`;
  complain(draft.source, path, { message, hint });
}

/** Outputs that share a whole word with a written one and are not written themselves. */
function findCoWritten(writes: readonly Drive[], outputs: readonly (Output | null)[]): number[] {
  const written = new Set(writes.map((write) => write.output));
  const words = new Set([...written].flatMap((output) => wordOf(outputs[output])));
  return outputs.flatMap((output, position) =>
    !written.has(position) && wordOf(output).some((word) => words.has(word)) ? [position] : [],
  );
}

function wordOf(output: Output | null | undefined): string[] {
  if (output?.bits !== "whole") return [];
  return [`${output.at.device}:${output.at.table}:${output.at.register}`];
}

function joinBits(
  draft: Draft,
  path: Path,
  said: readonly Drive[],
  outputs: readonly (Output | null)[],
): number | null {
  let bits = 0;
  const words = new Set<string>();
  for (const write of said) {
    const output = outputs[write.output];
    for (const word of wordOf(output)) words.add(word);
    bits += write.raw * 2 ** (output?.at.bit ?? 0);
  }
  if (words.size > 1) {
    const hint = "split the trip, or write all bits of the words";
    complain(draft.source, [...path, "unknown_bits"], {
      message: "bits of more than one word",
      hint,
    });
  }
  return said.length === 0 ? null : bits;
}
