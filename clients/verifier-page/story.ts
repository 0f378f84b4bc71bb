import { describeBody } from "../../src/cli/evidence-words.js";
import type { ReadEntry } from "../../src/evidence/decode-entry.js";
import { hex } from "../../src/evidence/hex.js";
import { describeTime } from "../../src/kernel/record/explain.js";
import type {
  DecisionBody,
  DoorKind,
  OutcomeBody,
  OutcomeKind,
  Auth,
  Source,
  Verdict,
  WriteRecord,
} from "../../src/kernel/record/entry.js";
import type { KernelFactKind, Look } from "../../src/kernel/record/look.js";
import { REASONS, type Reason } from "../../src/kernel/record/reason.js";
import { nameThing, type Names } from "./names.js";

/** One entry in plain words. */
export type Told = {
  readonly seq: number;
  readonly type: string;
  /** UTC as the gateway's clock had it. */
  readonly when: string;
  readonly headline: string;
  /** Of a decision: what became of the command. */
  readonly verdict: Verdict | null;
  readonly facts: readonly (readonly [name: string, says: string])[];
  readonly values: readonly ReadValue[];
};

/** One value that the verdict read. */
export type ReadValue = {
  readonly what: string;
  readonly value: string;
  readonly quality: string;
  readonly age: string;
};

/** `names`: of the profile that was in force. */
export function tellEntry({ entry, stamp }: ReadEntry, names: Names): Told {
  const { seq, body } = entry;
  const told = { seq, type: body.type, when: utcText(stamp.utcUs / 1000) };
  const quality = CLOCK[stamp.quality];
  const led: Told["facts"] = [
    ...(entry.cause === null ? [] : [["led to by", `entry ${entry.cause}`] as const]),
    ["the gateway's clock", `${quality}; order is proved by number, not by time`],
  ];
  if (body.type === "decision") return { ...told, ...tellDecision(body, led, names) };
  if (body.type === "outcome") return { ...told, ...tellOutcome(body, led, names) };
  return { ...told, headline: describeBody(body), verdict: null, facts: led, values: [] };
}

/** ISO 8601 of milliseconds; a time beyond all calendars is shown as its number. */
export function utcText(utcMs: number): string {
  const date = new Date(utcMs);
  return Number.isNaN(date.getTime()) ? `${utcMs} ms` : date.toISOString();
}

type Content = Pick<Told, "headline" | "verdict" | "facts" | "values">;

const CLOCK = ["not set", "running free", "synchronised", "authenticated"] as const;

const VERDICT: Readonly<Record<Verdict, string>> = {
  permit: "was permitted",
  clamp: "was changed to the nearest permitted value",
  deny: "was refused: nothing was sent to the plant",
  hold: "was held for people's approval: nothing was sent to the plant",
};

const OUTCOME: Readonly<Record<OutcomeKind, string>> = {
  done: "It was done, and read back from the plant.",
  acknowledged: "The device acknowledged it; it was not proven by reading back.",
  exception: "The device refused it.",
  unknown: "It is not known whether it was done.",
  withdrawn: "It was withdrawn at the second look: nothing was sent to the plant.",
  "no-change": "The output stood there already: nothing was sent to the plant.",
  "crash-unknown": "The gateway stopped in between: it is not known whether it was done.",
  "resolved-done": "It was in doubt, and was found to be done.",
  "resolved-not-done": "It was in doubt, and was found not to be done.",
  "dry-run": "A dry run: nothing was sent to the plant.",
};

const DOOR: Readonly<Record<DoorKind, string>> = {
  "modbus-tcp": "Modbus TCP",
  "modbus-rtu": "Modbus RTU",
  "modbus-tls": "Modbus over TLS",
  mqtt: "MQTT",
  http: "HTTP",
  mcp: "MCP",
};

const AUTH: Readonly<Record<Auth, string>> = {
  address: "its network address alone",
  certificate: "its certificate",
  credential: "its password",
  signature: "its signature",
  token: "its token",
};

const KERNEL_FACT: Readonly<Record<KernelFactKind, readonly [says: string, of: keyof Names]>> = {
  "window-count": ["permits in the window of", "outputs"],
  "window-oldest": ["oldest of those, of", "outputs"],
  proven: ["last value read back of", "outputs"],
  planned: ["released and not yet proven value of", "outputs"],
  dwell: ["value held, and for how long, of", "outputs"],
  "last-permit": ["last permit of", "outputs"],
  "drift-base": ["value when the window opened, of", "outputs"],
  starts: ["starts in the window of", "outputs"],
  clamps: ["clamps of", "controllers"],
  "controller-total": ["permits in all of", "controllers"],
  denials: ["denials of", "controllers"],
  device: ["state of", "devices"],
  suspended: ["time left of the suspension of", "controllers"],
  holder: ["holder of the lease of", "outputs"],
  gateway: ["state of the gateway", "devices"],
  "in-flight": ["permits without an outcome of", "devices"],
};

function tellDecision(body: DecisionBody, led: Told["facts"], names: Names): Content {
  const { verdict, look, reasons } = body;
  const facts: Told["facts"] = [
    ["who asked", tellSource(body.source)],
    ["what was asked", tellAsked(body.writes, names)],
    ["verdict", `${verdict.toUpperCase()}: the command ${VERDICT[verdict]}`],
    ...reasons.map((reason) => ["reason", tellReason(reason, names)] as const),
    ...(reasons.length === 0
      ? [["reason", "none was needed: no rule was against it"] as const]
      : []),
    ...tellLook(look),
    ["judged within", tellShort(body.sinceArrivalUs)],
    ["by profile", `SHA-256 ${hex(body.profile)}`],
    [
      "received bytes",
      body.bytesHash === null ? hex(body.bytes) : `too long; SHA-256 ${hex(body.bytesHash)}`,
    ],
    ...led,
  ];
  const headline = `${tellWho(body.source)} asked for ${tellAsked(body.writes, names)}. The command ${VERDICT[verdict]}.`;
  return { headline, verdict, facts, values: tellValues(look, names) };
}

function tellOutcome(body: OutcomeBody, led: Told["facts"], names: Names): Content {
  const { readBack, reasons, look, reply, sincePermitUs } = body;
  const facts: Told["facts"] = [
    ["outcome", `${body.outcome}: ${OUTCOME[body.outcome]}`],
    ...(readBack ?? []).map(
      ({ output, raw }) =>
        ["read back", `${nameThing(names, "outputs", output)} reads ${tellRaw(raw)}`] as const,
    ),
    ...(reasons ?? []).map((reason) => ["reason", tellReason(reason, names)] as const),
    ...(sincePermitUs === null ? [] : [["after the permit", describeTime(sincePermitUs)] as const]),
    ...(reply === null ? [] : [["the device's reply", hex(reply)] as const]),
    ...(look === null ? [] : [["second look", "taken just before sending"] as const]),
    ...(look === null ? [] : tellLook(look)),
    ...led,
  ];
  const values = look === null ? [] : tellValues(look, names);
  return { headline: OUTCOME[body.outcome], verdict: null, facts, values };
}

function tellWho(source: Source): string {
  switch (source.kind) {
    case "controller":
      return `Controller ${source.controller}`;
    case "person":
      return source.person;
    case "own":
      return `The gateway itself (${source.cause})`;
  }
}

function tellSource(source: Source): string {
  if (source.kind !== "controller") return tellWho(source);
  const { door, auth } = source;
  return `controller ${source.controller}, over ${DOOR[door]}, known by ${AUTH[auth]}`;
}

function tellAsked(writes: readonly WriteRecord[] | Uint8Array, names: Names): string {
  if (writes instanceof Uint8Array) return `what is no output of the profile (${hex(writes)})`;
  return writes.map((write) => tellWrite(write, names)).join("; ");
}

function tellWrite({ output, asked, given, was, wasProven }: WriteRecord, names: Names): string {
  const changed = given === null || given === asked ? "" : `, given raw ${given}`;
  const stood = was === null ? "not known before" : `raw ${was} before`;
  const doubt = was === null || wasProven ? "" : ", not yet read back";
  return `${nameThing(names, "outputs", output)} = raw ${asked}${changed} (${stood}${doubt})`;
}

function tellReason({ code, rule, output, limit, freeUs }: Reason, names: Names): string {
  const says = REASONS.find((reason) => reason.code === code)?.says ?? code;
  const parts = [
    ...(output === null ? [] : [nameThing(names, "outputs", output)]),
    ...(rule === null ? [] : [`rule ${rule}`]),
    ...(limit === null ? [] : [`nearest permitted ${limit}`]),
    ...(freeUs === null ? [] : [`free in ${describeTime(freeUs)}`]),
  ];
  return `${code}: ${says}${parts.length === 0 ? "" : ` (${parts.join(", ")})`}`;
}

function tellLook({ mode, latched, lease, bypasses }: Look): Told["facts"] {
  return [
    ["mode of the gateway", mode],
    ...(latched.length === 0 ? [] : [["trips latched", latched.join(", ")] as const]),
    ...(bypasses.length === 0 ? [] : [["bypasses in force", bypasses.join(", ")] as const]),
    [
      "lease",
      lease === null
        ? "none"
        : `gained with entry ${lease.gainSeq}, ${describeTime(lease.leftUs)} left`,
    ],
  ];
}

function tellValues({ tags, kernel }: Look, names: Names): readonly ReadValue[] {
  return [
    ...tags.map(({ tag, raw, quality, ageUs }) => ({
      what: nameThing(names, "inputs", tag),
      value: tellRaw(raw),
      quality: quality === "good" ? "good" : `BAD: ${quality}`,
      age: describeTime(ageUs),
    })),
    ...kernel.map(({ kind, index, value, ageUs }) => ({
      what: tellKernelFact(kind, index, names),
      value: tellKernelValue(kind, value, names),
      quality: "the gateway's own",
      age: ageUs === undefined ? "" : describeTime(ageUs),
    })),
  ];
}

function tellKernelFact(kind: KernelFactKind, index: number, names: Names): string {
  if (kind === "gateway")
    return index === 0 ? "evidence can be written" : "the profile is in force";
  const [says, sort] = KERNEL_FACT[kind];
  return `${says} ${nameThing(names, sort, index)}`;
}

function tellKernelValue(kind: KernelFactKind, value: number | null, names: Names): string {
  if (kind === "window-oldest") return "";
  if (value === null) return kind === "holder" ? "nobody" : "unknown";
  if (kind === "holder") return nameThing(names, "controllers", value);
  if (kind === "suspended") return value === 0 ? "not suspended" : describeTime(value);
  if (kind === "last-permit") return value === 0 ? "none yet" : "permitted";
  if (kind === "gateway") return value === 1 ? "yes" : "no";
  if (kind === "device") return DEVICE[value] ?? String(value);
  return COUNTED.has(kind) ? String(value) : `raw ${value}`;
}

const DEVICE = ["down", "up", "identity changed", "program stopped", "not read completely yet"];
/** The others are values of an output. */
const COUNTED: ReadonlySet<KernelFactKind> = new Set([
  "window-count",
  "starts",
  "clamps",
  "controller-total",
  "denials",
  "in-flight",
]);

/** A verdict takes less than a millisecond. */
function tellShort(us: number): string {
  return us < 1000 ? `${us} us` : describeTime(us);
}

function tellRaw(raw: number | null): string {
  return raw === null ? "unknown" : `raw ${raw}`;
}
