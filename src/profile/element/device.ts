import * as z from "zod";
import type { Address, CommsLoss, Device } from "../../kernel/profile/model.js";
import type { Path } from "../document/tree.js";
import { readAddress, readDuration, readPeriod, readProofTime } from "../notation.js";
import { count, deviceAddress, duration } from "../schema-parts.js";
import { complain, settle, takeElement, warn } from "../source.js";
import type { Source } from "../source.js";

const schema = z.strictObject({
  protocol: z.literal("modbus").describe("How the device is spoken to."),
  poll: duration.describe("Period of the scan."),
  timeout: duration.describe("How long a reply may take."),
  in_flight: count(1).describe("Requests on the wire at a time: 1 in this release."),
  late_window: duration
    .optional()
    .describe(
      "How long after a timeout a request may still take effect; default twice the timeout.",
    ),
  read: z.strictObject({ max: count(125), holes: z.union([z.literal("never"), count(124)]) }),
  alive: z
    .union([z.literal("none"), z.strictObject({ at: deviceAddress, changes_within: duration })])
    .describe("What shows that the device's program runs; none must be written out."),
  identity: z
    .union([z.literal("none"), z.strictObject({ at: deviceAddress, is: z.int() })])
    .describe("What tells this device from another; none must be written out."),
  comms_loss: z
    .discriminatedUnion("by", [
      z.strictObject({
        by: z.literal("block"),
        heartbeat: deviceAddress,
        state: deviceAddress,
        age: deviceAddress,
        lease: duration,
      }),
      z.strictObject({ by: z.literal("device-timer") }),
      z.strictObject({ by: z.literal("relay") }),
      z.strictObject({ by: z.literal("none") }),
    ])
    .describe("What the device itself does when the gateway falls silent."),
  lost: z.strictObject({ after: duration, do: z.enum(["safe_state", "holding", "alarm"]) }),
});

export const deviceSchema: z.ZodType = schema;
type DeviceFile = z.infer<typeof schema>;

/** A device by its position; null: something of it was complained about. */
export function readDevice(
  source: Source,
  path: Path,
  name: string,
  position: number,
): Device | null {
  const file = takeElement(source, path, schema);
  if (file === null) return null;
  const pollUs = settle(source, [...path, "poll"], readPeriod(file.poll));
  const timeoutUs = settle(source, [...path, "timeout"], readProofTime(file.timeout));
  const lateWindowUs =
    file.late_window === undefined
      ? (timeoutUs ?? 0) * 2
      : settle(source, [...path, "late_window"], readDuration(file.late_window));
  const lostAfterUs = settle(source, [...path, "lost", "after"], readPeriod(file.lost.after));
  if (pollUs === null || timeoutUs === null || lateWindowUs === null || lostAfterUs === null)
    return null;
  if (lateWindowUs < timeoutUs) {
    const hint = "a request that timed out may still take effect; default is twice the timeout";
    complain(source, [...path, "late_window"], { message: "shorter than timeout:", hint });
  }
  if (lostAfterUs < pollUs + timeoutUs) {
    const hint = "one poll that takes its whole timeout must not count as lost";
    complain(source, [...path, "lost", "after"], {
      message: "shorter than poll: and timeout: together",
      hint,
    });
  }
  return {
    name,
    pollUs,
    timeoutUs,
    inFlight: file.in_flight,
    lateWindowUs,
    read: { maxWords: file.read.max, holes: file.read.holes },
    alive: readAlive(source, [...path, "alive"], file.alive, { position, pollUs }),
    identity: readIdentity(source, [...path, "identity"], file.identity, position),
    commsLoss: readCommsLoss(source, [...path, "comms_loss"], file.comms_loss, position),
    lost: {
      afterUs: lostAfterUs,
      action: file.lost.do === "safe_state" ? "safe-state" : file.lost.do,
    },
  };
}

function readAlive(
  source: Source,
  path: Path,
  file: DeviceFile["alive"],
  { position, pollUs }: { position: number; pollUs: number },
): Device["alive"] {
  if (file === "none") return null;
  const at = readWord(source, [...path, "at"], file.at, position);
  const changesWithinUs = settle(
    source,
    [...path, "changes_within"],
    readPeriod(file.changes_within),
  );
  if (at === null || changesWithinUs === null) return null;
  if (changesWithinUs <= pollUs) {
    const hint = "a counter can only be seen to change from one poll to the next";
    complain(source, [...path, "changes_within"], { message: "not longer than poll:", hint });
  }
  return { at, changesWithinUs };
}

function readIdentity(
  source: Source,
  path: Path,
  file: DeviceFile["identity"],
  position: number,
): Device["identity"] {
  if (file === "none") return null;
  const at = readWord(source, [...path, "at"], file.at, position);
  if (at === null) return null;
  if (file.is < 0 || file.is > (at.format === "u16" ? 0xffff : 0xffff_ffff)) {
    complain(source, [...path, "is"], { message: `does not fit a ${at.format}`, hint: null });
  }
  return { at, is: file.is };
}

/** A register that carries an unsigned number. */
function readWord(source: Source, path: Path, text: string, position: number): Address | null {
  const at = settle(source, path, readAddress(text, position));
  if (at === null || at.format === "u16" || at.format === "u32") return at;
  complain(source, path, {
    message: "this must be an unsigned register",
    hint: "write it like  ir 99 u16",
  });
  return null;
}

function readCommsLoss(
  source: Source,
  path: Path,
  file: DeviceFile["comms_loss"],
  position: number,
): CommsLoss {
  if (file.by !== "block") {
    if (file.by === "device-timer") {
      const hint = "set it on the device and check it there";
      const message = "this release neither arms nor reads back a device's own timer";
      warn(source, [...path, "by"], { message, hint });
    }
    return { by: file.by };
  }
  const heartbeat = readPlainRegister(source, [...path, "heartbeat"], file.heartbeat, position);
  const state = readPlainRegister(source, [...path, "state"], file.state, position);
  const age = readPlainRegister(source, [...path, "age"], file.age, position);
  const leaseUs = settle(source, [...path, "lease"], readPeriod(file.lease));
  if (heartbeat !== null && heartbeat.table !== "hr") {
    complain(source, [...path, "heartbeat"], {
      message: "a heartbeat is written, so it needs an hr",
      hint: null,
    });
  }
  const message =
    "this release does not beat the heartbeat: the device's block must not be armed yet";
  warn(source, [...path, "heartbeat"], {
    message,
    hint: "armed, it would take the plant over after its lease",
  });
  if (heartbeat === null || state === null || age === null || leaseUs === null)
    return { by: "none" };
  return { by: "block", heartbeat, state, age, leaseUs };
}

/** Registers of the block are single words; their format need not be said. */
function readPlainRegister(
  source: Source,
  path: Path,
  text: string,
  position: number,
): Address | null {
  const bare = /^(ir|hr) \d+$/.test(text);
  const at = settle(source, path, readAddress(bare ? `${text} u16` : text, position));
  if (at === null || at.format === "u16") return at;
  complain(source, path, {
    message: "a register of the block is one word",
    hint: "write it like  hr 200",
  });
  return null;
}
