import type { CompiledProfile } from "../profile/compiled.js";
import type { BootBody, Entry } from "../record/entry.js";
import type { Us } from "../units.js";
import type { Charge, ControllerState, FoldedState, OutputState } from "./state.js";

/**
 * A new run. Its clock may start anywhere, so every remembered time is moved along: what was some age at
 * the last entry before has the same age now. Time away counts as zero for windows, budgets and dwell.
 * Leases are void. Values the log knew are not believed until they are read back, and the devices not
 * until they are read. Latched trips stay latched. A damaged log starts locked out, with every budget used up.
 */
export function foldBoot(
  profile: CompiledProfile,
  state: FoldedState,
  entry: Entry,
  body: BootBody,
): FoldedState {
  const byUs = entry.monoUs - state.lastUs;
  const outputs = state.outputs.map((known) => moveOutput(known, byUs));
  const controllers = state.controllers.map((known) => moveController(known, byUs));
  const moved: FoldedState = {
    ...state,
    boot: body.boot,
    mode: "starting",
    outputs,
    controllers,
    devices: state.devices.map((known) => ({ ...known, condition: "unread" })),
    latched: state.latched.map((known) => ({ ...known, firedUs: known.firedUs + byUs })),
    open: state.open.map((known) => ({ ...known, atUs: known.atUs + byUs })),
    unsettled: state.unsettled.map((known) => ({ ...known, atUs: known.atUs + byUs })),
    evidenceWritable: true,
    profileValid: sameDigest(body.profile, profile.model.digest),
  };
  return body.recovery.found === "damaged" ? exhaust(profile, moved, entry) : moved;
}

function moveOutput(known: OutputState, byUs: Us): OutputState {
  return {
    proven: null,
    logged: known.proven?.raw ?? known.logged,
    planned: known.planned.map((one) => ({ ...one, atUs: one.atUs + byUs })),
    permits: moveCharges(known.permits, byUs),
    starts: moveCharges(known.starts, byUs),
    held: known.held.map((one) => ({ ...one, fromUs: one.fromUs + byUs })),
  };
}

function moveController(known: ControllerState, byUs: Us): ControllerState {
  const until = known.suspendedUntilUs;
  return {
    lease: null,
    suspendedUntilUs: until === null ? null : until + byUs,
    permits: moveCharges(known.permits, byUs),
    clamps: moveCharges(known.clamps, byUs),
    denials: known.denials.map((one) => ({ ...one, atUs: one.atUs + byUs })),
  };
}

function moveCharges(charges: readonly Charge[], byUs: Us): readonly Charge[] {
  return charges.map((one) => ({ seq: one.seq, atUs: one.atUs + byUs }));
}

/** A log that is not whole. Charged to the brim by this entry itself: the next permit has to wait a whole window. */
export function exhaust(profile: CompiledProfile, state: FoldedState, entry: Entry): FoldedState {
  const full = (count: number | undefined): readonly Charge[] =>
    Array.from({ length: count ?? 0 }, () => ({ seq: entry.seq, atUs: entry.monoUs }));
  return {
    ...state,
    // A log that is not whole is not ours to go on from: an engineer accepts it on record, or nothing moves.
    standing: "locked-out",
    outputs: state.outputs.map((known, output) => {
      const rules = profile.model.outputs[output];
      return {
        ...known,
        permits: full(rules?.budget?.count ?? 1),
        starts: full(rules?.starts?.count),
      };
    }),
    controllers: state.controllers.map((known, controller) => {
      const rules = profile.model.controllers[controller];
      return { ...known, permits: full(rules?.budget?.count), clamps: full(rules?.clamps?.count) };
    }),
  };
}

export function sameDigest(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, place) => byte === b[place]);
}
