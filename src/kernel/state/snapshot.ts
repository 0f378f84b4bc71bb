import type { CompiledProfile } from "../profile/compiled.js";
import { MODES } from "../record/look.js";
import { KERNEL_SEMANTICS } from "../semantics.js";
import { sameDigest } from "./fold-boot.js";
import {
  NotRestorable,
  type Plain,
  readBoolean,
  readBytes,
  readChoice,
  readInteger,
  readList,
  readNullable,
  readText,
  readTuple,
} from "./plain.js";
import type {
  Charge,
  ControllerState,
  DeviceState,
  FoldedState,
  Latched,
  OpenPermit,
  OutputState,
} from "./state.js";

export type { Plain } from "./plain.js";

/** Kernel state as plain data, in one fixed order: equal states give equal data. */
export function snapshotState(state: FoldedState): Plain {
  return [
    KERNEL_SEMANTICS,
    state.nextSeq,
    state.lastUs,
    state.boot,
    MODES.indexOf(state.mode),
    state.outputs.map(snapshotOutput),
    state.controllers.map(snapshotController),
    state.devices.map(({ condition, open }) => [CONDITIONS.indexOf(condition), open]),
    state.latched.map(({ trip, id, seq, firedUs }) => [trip, id, seq, firedUs]),
    state.open.map(snapshotPermit),
    state.unsettled.map(snapshotPermit),
    state.evidenceWritable,
    state.profileValid,
    MODES.indexOf(state.standing),
  ];
}

export type Restored =
  | { readonly ok: true; readonly state: FoldedState }
  | { readonly ok: false; readonly fault: string };

/**
 * The exact inverse. `fault` says what does not fit: data of another kernel semantics, of a profile with
 * other tags, or no such data at all. That it belongs to this very profile the snapshot entry's digest tells.
 */
export function restoreState(profile: CompiledProfile, plain: Plain): Restored {
  try {
    return { ok: true, state: readState(profile, plain) };
  } catch (error) {
    if (error instanceof NotRestorable) return { ok: false, fault: error.message };
    throw error;
  }
}

/** Whether a snapshot entry is for this profile and these rules of folding. */
export function isSnapshotFor(
  profile: CompiledProfile,
  entry: { readonly semantics: number; readonly profile: Uint8Array },
): boolean {
  return entry.semantics === KERNEL_SEMANTICS && sameDigest(entry.profile, profile.model.digest);
}

const CONDITIONS: readonly DeviceState["condition"][] = [
  "unread",
  "up",
  "down",
  "identity-changed",
  "program-stopped",
];

function snapshotOutput(output: OutputState): Plain {
  return [
    output.proven === null ? null : [output.proven.raw, output.proven.atUs],
    output.logged,
    output.planned.map(({ seq, raw, atUs }) => [seq, raw, atUs]),
    snapshotCharges(output.permits),
    snapshotCharges(output.starts),
    output.held.map(({ fromUs, raw }) => [fromUs, raw]),
  ];
}

function snapshotController(controller: ControllerState): Plain {
  const { lease } = controller;
  return [
    lease === null ? null : [lease.gainSeq, lease.beatUs],
    controller.suspendedUntilUs,
    snapshotCharges(controller.permits),
    snapshotCharges(controller.clamps),
    controller.denials.map(({ atUs, count }) => [atUs, count]),
  ];
}

function snapshotCharges(charges: readonly Charge[]): Plain {
  return charges.map(({ seq, atUs }) => [seq, atUs]);
}

function snapshotPermit(permit: OpenPermit): Plain {
  const writes = permit.writes.map(({ output, raw }) => [output, raw]);
  return [permit.seq, permit.id, permit.controller, writes, permit.atUs];
}

function readState(profile: CompiledProfile, plain: Plain): FoldedState {
  const fields = readTuple(plain, 14, "state");
  const { model } = profile;
  if (fields[0] !== KERNEL_SEMANTICS) {
    throw new NotRestorable(
      `made by kernel semantics ${String(fields[0])}, not ${KERNEL_SEMANTICS}`,
    );
  }
  return {
    nextSeq: readInteger(fields[1], "next evidence number"),
    lastUs: readInteger(fields[2], "time"),
    boot: readInteger(fields[3], "boot"),
    mode: readChoice(fields[4], MODES, "mode"),
    outputs: readTuple(fields[5], model.outputs.length, "outputs").map(readOutput),
    controllers: readTuple(fields[6], model.controllers.length, "controllers").map(readController),
    devices: readTuple(fields[7], model.devices.length, "devices").map(readDevice),
    latched: readList(fields[8], "latched trips").map(readLatched),
    open: readList(fields[9], "open permits").map(readPermit),
    unsettled: readList(fields[10], "unsettled permits").map(readPermit),
    evidenceWritable: readBoolean(fields[11], "evidence"),
    profileValid: readBoolean(fields[12], "profile"),
    standing: readChoice(fields[13], MODES, "standing mode"),
  };
}

function readOutput(plain: Plain): OutputState {
  const fields = readTuple(plain, 6, "output");
  return {
    proven: readNullable(fields[0], (proven) => {
      const [raw, atUs] = readTuple(proven, 2, "proven value");
      return { raw: readInteger(raw, "proven value"), atUs: readInteger(atUs, "time of proof") };
    }),
    logged: readNullable(fields[1], (raw) => readInteger(raw, "logged value")),
    planned: readList(fields[2], "planned values").map((planned) => {
      const [seq, raw, atUs] = readTuple(planned, 3, "planned value");
      return {
        seq: readInteger(seq, "planned seq"),
        raw: readInteger(raw, "planned value"),
        atUs: readInteger(atUs, "time of plan"),
      };
    }),
    permits: readCharges(fields[3], "permits"),
    starts: readCharges(fields[4], "starts"),
    held: readList(fields[5], "held values").map((held) => {
      const [fromUs, raw] = readTuple(held, 2, "held value");
      return { fromUs: readInteger(fromUs, "held from"), raw: readInteger(raw, "held value") };
    }),
  };
}

function readController(plain: Plain): ControllerState {
  const fields = readTuple(plain, 5, "controller");
  return {
    lease: readNullable(fields[0], (lease) => {
      const [gainSeq, beatUs] = readTuple(lease, 2, "lease");
      return { gainSeq: readInteger(gainSeq, "lease"), beatUs: readInteger(beatUs, "beat") };
    }),
    suspendedUntilUs: readNullable(fields[1], (until) => readInteger(until, "suspension")),
    permits: readCharges(fields[2], "controller permits"),
    clamps: readCharges(fields[3], "clamps"),
    denials: readList(fields[4], "denials").map((denial) => {
      const [atUs, count] = readTuple(denial, 2, "denial");
      return { atUs: readInteger(atUs, "denial"), count: readInteger(count, "denials") };
    }),
  };
}

function readDevice(plain: Plain): DeviceState {
  const [condition, open] = readTuple(plain, 2, "device");
  return {
    condition: readChoice(condition, CONDITIONS, "device condition"),
    open: readInteger(open, "open permits of a device"),
  };
}

function readLatched(plain: Plain): Latched {
  const [trip, id, seq, firedUs] = readTuple(plain, 4, "latched trip");
  return {
    trip: readInteger(trip, "trip"),
    id: readText(id, "trip id"),
    seq: readInteger(seq, "trip entry"),
    firedUs: readInteger(firedUs, "trip time"),
  };
}

function readPermit(plain: Plain): OpenPermit {
  const [seq, id, controller, writes, atUs] = readTuple(plain, 5, "permit");
  return {
    seq: readInteger(seq, "permit"),
    id: readBytes(id, "permit id"),
    controller: readNullable(controller, (index) => readInteger(index, "controller")),
    writes: readList(writes, "writes").map((write) => {
      const [output, raw] = readTuple(write, 2, "write");
      return { output: readInteger(output, "output"), raw: readInteger(raw, "value") };
    }),
    atUs: readInteger(atUs, "permit time"),
  };
}

function readCharges(plain: Plain | undefined, what: string): readonly Charge[] {
  return readList(plain, what).map((charge) => {
    const [seq, atUs] = readTuple(charge, 2, what);
    return { seq: readInteger(seq, what), atUs: readInteger(atUs, what) };
  });
}
