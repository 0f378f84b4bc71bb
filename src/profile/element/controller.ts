import * as z from "zod";
import type { Controller, Device, Drive, Lease, Output } from "../../kernel/profile/model.js";
import type { Us } from "../../kernel/units.js";
import type { Draft } from "../draft.js";
import { findOutput, readOutputValue } from "../draft.js";
import type { Path } from "../document/tree.js";
import { readDuration, readPeriod, readWindow } from "../notation.js";
import { BEAT, count, denials, duration, perTime, shaped, tag, value } from "../schema-parts.js";
import { complain, keysAt, settle, takeElement, textAt, warn } from "../source.js";

const lease = z.strictObject({
  beat: shaped(BEAT, "a beat", "register 247:0, command, topic  or  signed").describe(
    "What keeps the lease alive.",
  ),
  every: duration.optional().describe("How often it is expected."),
  lapses_after: duration,
  then: z.enum(["hold", "revert", "safe_state"]),
  revert: z.record(tag, value).optional(),
  suspend_after: denials.optional(),
});

const schema = z.strictObject({
  outputs: z
    .union([z.literal("*"), z.array(tag).min(1)])
    .describe("What it may ask for; closed world."),
  functions: z
    .array(z.int())
    .min(1)
    .optional()
    .describe("Modbus functions it may use; default all served ones."),
  lease,
  priority: count(16).describe("1 wins; equal: the holder keeps it."),
  command_max_age: duration.optional().describe("From arrival to send; default 500 ms."),
  client_timeout: duration.optional().describe("How long its client waits for an answer."),
  answer: z.enum(["after ack", "after proof"]).optional(),
  reads_back: z
    .boolean()
    .optional()
    .describe("It reads back what it wrote, so a clamped write may succeed."),
  budget: perTime.optional().describe("Writes across all its outputs."),
  clamps: perTime.optional(),
});

export const controllerSchema: z.ZodType = schema;
type ControllerFile = z.infer<typeof schema>;
type LeaseFile = z.infer<typeof lease>;

const SERVED: readonly number[] = [1, 2, 3, 4, 5, 6, 15, 16, 22, 23];
const DEFAULT_MAX_AGE: Us = 500_000;

/** Controllers in file order; null where something was complained about. */
export function readControllers(
  draft: Draft,
  outputs: readonly (Output | null)[],
): (Controller | null)[] {
  const { source } = draft;
  const names = keysAt(source, ["controllers"]);
  if (names.length === 0) {
    warn(source, ["controllers"], { message: "no controller may write anything", hint: null });
  }
  return names.map((name) => {
    const path = ["controllers", name];
    const file = takeElement(source, path, schema);
    return file === null ? null : readController(draft, path, { name, file, outputs });
  });
}

type Context = {
  readonly name: string;
  readonly file: ControllerFile;
  readonly outputs: readonly (Output | null)[];
};

function readController(draft: Draft, path: Path, context: Context): Controller | null {
  const { source } = draft;
  const { name, file, outputs } = context;
  const mine = readOutputs(draft, [...path, "outputs"], file.outputs);
  checkFunctions(draft, path, file);
  const commandMaxAgeUs =
    file.command_max_age === undefined
      ? DEFAULT_MAX_AGE
      : settle(source, [...path, "command_max_age"], readPeriod(file.command_max_age));
  const budget =
    file.budget === undefined ? null : settle(source, [...path, "budget"], readWindow(file.budget));
  const clamps =
    file.clamps === undefined ? null : settle(source, [...path, "clamps"], readWindow(file.clamps));
  const leaseRead = readLease(draft, [...path, "lease"], file.lease, { mine, outputs });
  if (commandMaxAgeUs === null || leaseRead === null) return null;
  const answer = file.answer === "after proof" ? "after-proof" : "after-ack";
  const written = [...mine].flatMap((position) => outputs[position] ?? []);
  const needUs = slowestAnswer(draft, written, answer) + commandMaxAgeUs;
  warnUnboundedClamps(draft, path, file, written);
  return {
    name,
    outputs: mine,
    functions: file.functions === undefined ? null : new Set(file.functions),
    lease: leaseRead,
    priority: file.priority,
    commandMaxAgeUs,
    clientTimeoutUs: readClientTimeout(draft, path, file, needUs),
    answer,
    readsBack: file.reads_back ?? false,
    budget,
    clamps,
  };
}

function readOutputs(
  draft: Draft,
  path: Path,
  file: ControllerFile["outputs"],
): ReadonlySet<number> {
  if (file === "*") return new Set(draft.outputNames.keys());
  return new Set(file.flatMap((name, index) => findOutput(draft, [...path, index], name) ?? []));
}

function checkFunctions(draft: Draft, path: Path, file: ControllerFile): void {
  file.functions?.forEach((code, index) => {
    if (SERVED.includes(code)) return;
    const hint = `served are ${SERVED.join(", ")}`;
    complain(draft.source, [...path, "functions", index], {
      message: `function ${code} is not served here`,
      hint,
    });
  });
}

/** A write waits for the device's line at most until it is stale; then the device answers, or the proof comes. */
function slowestAnswer(draft: Draft, outputs: readonly Output[], answer: Controller["answer"]): Us {
  const device = (output: Output): Device | null => draft.devices[output.at.device] ?? null;
  return outputs.reduce((slowest, output) => {
    const proofUs =
      answer === "after-proof" && output.proof.kind !== "none" ? output.proof.withinUs : 0;
    return Math.max(slowest, (device(output)?.timeoutUs ?? 0) + proofUs);
  }, 0);
}

function readClientTimeout(draft: Draft, path: Path, file: ControllerFile, needUs: Us): Us {
  const { source } = draft;
  const overModbus = file.lease.beat === "command" || file.lease.beat.startsWith("register ");
  if (file.client_timeout === undefined) {
    if (overModbus) {
      const hint = "how long its client waits before it gives up: client_timeout: 1 s";
      complain(source, path, { message: "'client_timeout' is missing", hint });
    }
    return needUs;
  }
  const at = [...path, "client_timeout"];
  const timeoutUs = settle(source, at, readPeriod(file.client_timeout));
  if (timeoutUs !== null && timeoutUs < needUs) {
    const hint = `command_max_age, the device's timeout and (after proof) the proof take up to ${needUs / 1000} ms`;
    complain(source, at, { message: "its client gives up before an answer must have come", hint });
  }
  return timeoutUs ?? needUs;
}

/** Clamping hides a runaway controller, so it is budgeted. */
function warnUnboundedClamps(
  draft: Draft,
  path: Path,
  file: ControllerFile,
  outputs: readonly Output[],
): void {
  const clamping = outputs.find((output) => output.outside === "clamp");
  if (clamping === undefined || file.clamps !== undefined || file.outputs === "*") return;
  const hint = "write how many are tolerated: clamps: 10 per 10 min";
  complain(draft.source, path, {
    message: `${clamping.name} clamps, and clamps: is missing`,
    hint,
  });
}

type LeaseContext = {
  readonly mine: ReadonlySet<number>;
  readonly outputs: readonly (Output | null)[];
};

function readLease(draft: Draft, path: Path, file: LeaseFile, context: LeaseContext): Lease | null {
  const { source } = draft;
  const beat = readBeat(draft, [...path, "beat"], file.beat);
  const everyUs =
    file.every === undefined ? null : settle(source, [...path, "every"], readDuration(file.every));
  const lapsesAfterUs = settle(source, [...path, "lapses_after"], readPeriod(file.lapses_after));
  if (everyUs !== null && lapsesAfterUs !== null && lapsesAfterUs < 2 * everyUs) {
    const hint = "one beat may be lost: at least twice every:";
    complain(source, [...path, "lapses_after"], {
      message: "lapses before a second beat is due",
      hint,
    });
  }
  const suspendAfter =
    file.suspend_after === undefined
      ? null
      : settle(source, [...path, "suspend_after"], readWindow(file.suspend_after));
  const lapse = readLapse(draft, path, file, context);
  if (beat === null || lapsesAfterUs === null) return null;
  return { beat, everyUs, lapsesAfterUs, lapse, suspendAfter };
}

function readBeat(draft: Draft, path: Path, written: string): Lease["beat"] | null {
  switch (written) {
    case "command":
      return { kind: "command" };
    case "topic":
    case "signed":
      warn(draft.source, path, {
        message: `this release has no way for a ${written} beat: this controller never holds a lease`,
        hint: "what it may do is kept for the release that can",
      });
      return { kind: written };
    default: {
      const [unit = NaN, register = NaN] = written.slice("register ".length).split(":").map(Number);
      if (unit >= 1 && unit <= 255 && register === 0) return { kind: "register", unit, register };
      const hint = "the gateway's own unit has one register that can be written: register 247:0";
      complain(draft.source, path, { message: "a lease cannot be beaten there", hint });
      return null;
    }
  }
}

function readLapse(
  draft: Draft,
  path: Path,
  file: LeaseFile,
  context: LeaseContext,
): Lease["lapse"] {
  const { source } = draft;
  if (file.then !== "revert") {
    if (file.revert !== undefined) {
      complain(source, [...path, "revert"], {
        message: "revert values without then: revert",
        hint: "write  then: revert",
      });
    }
    return file.then === "safe_state" ? { kind: "safe-state" } : { kind: "hold" };
  }
  if (file.revert === undefined || Object.keys(file.revert).length === 0) {
    complain(source, [...path, "then"], {
      message: "then: revert without values",
      hint: "revert: {pump1.speed: 30 Hz}",
    });
    return { kind: "hold" };
  }
  const to = Object.keys(file.revert).flatMap(
    (name) => readRevert(draft, [...path, "revert", name], name, context) ?? [],
  );
  return { kind: "revert", to };
}

function readRevert(draft: Draft, path: Path, name: string, context: LeaseContext): Drive | null {
  const position = findOutput(draft, path, name);
  const shape = position === null ? null : (draft.outputTags[position] ?? null);
  if (position === null || shape === null) return null;
  if (!context.mine.has(position)) {
    complain(draft.source, path, { message: `${name} is not among its outputs`, hint: null });
  }
  if (context.outputs[position]?.drive.kind === "toggle") {
    complain(draft.source, path, { message: "a toggle has no value to go back to", hint: null });
  }
  const raw = settle(draft.source, path, readOutputValue(shape, textAt(draft.source, path) ?? ""));
  return raw === null ? null : { output: position, raw };
}
