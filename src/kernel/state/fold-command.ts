import type { CompiledProfile } from "../profile/compiled.js";
import type { DecisionBody, Entry, OutcomeBody, OutcomeKind } from "../record/entry.js";
import type { Raw, Us } from "../units.js";
import { charge, keepPlanned, plan, prove, uncharge, withOutput } from "./output-state.js";
import type { ControllerState, FoldedState, OpenPermit, OutputState } from "./state.js";

/**
 * A permit plans its values and is charged, at once; a denial counts against its controller. A permit
 * that sends nothing (within the deadband) changes nothing; a clamp is charged as a clamp all the same.
 */
export function foldDecision(
  profile: CompiledProfile,
  state: FoldedState,
  entry: Entry,
  body: DecisionBody,
): FoldedState {
  const controller =
    body.source.kind === "controller"
      ? (profile.controllerByName.get(body.source.controller) ?? null)
      : null;
  switch (body.verdict) {
    case "permit":
    case "clamp":
      return foldPermit(profile, state, { entry, body, controller });
    case "deny":
      return withController(state, controller, (known) =>
        addDenials(profile, known, { controller, count: 1, atUs: entry.monoUs }),
      );
    case "hold":
      return state;
  }
}

/** The permit is found by its evidence number, or by its id. An outcome of no known permit changes nothing. */
export function foldOutcome(
  profile: CompiledProfile,
  state: FoldedState,
  entry: Entry,
  body: OutcomeBody,
): FoldedState {
  const isIt = (permit: OpenPermit): boolean =>
    permit.seq === entry.cause || sameBytes(permit.id, body.id);
  const permit = state.open.find(isIt) ?? state.unsettled.find(isIt);
  if (permit === undefined) return state;
  const settling: Settling = { profile, permit, body, nowUs: entry.monoUs };
  const closed = closePermit(profile, state, permit);
  return EFFECTS[body.outcome](closed, settling);
}

/** Whether any value of this permit may still arrive. */
export function isPlanned(state: FoldedState, permit: OpenPermit): boolean {
  return permit.writes.some(
    ({ output }) => state.outputs[output]?.planned.some(({ seq }) => seq === permit.seq) ?? false,
  );
}

export type Denials = {
  readonly controller: number | null;
  readonly count: number;
  readonly atUs: Us;
};

/** Kept only as far as `suspend_after` looks: its window, and its count of entries. */
export function addDenials(
  profile: CompiledProfile,
  known: ControllerState,
  denials: Denials,
): ControllerState {
  const lease = profile.model.controllers[denials.controller ?? -1]?.lease ?? null;
  const limit = lease?.suspendAfter ?? null;
  if (limit === null) return known;
  const fresh = known.denials.filter(({ atUs }) => atUs > denials.atUs - limit.windowUs);
  const all = [...fresh, { atUs: denials.atUs, count: denials.count }];
  return { ...known, denials: all.slice(-limit.count) };
}

export function withController(
  state: FoldedState,
  controller: number | null,
  change: (known: ControllerState) => ControllerState,
): FoldedState {
  const known = state.controllers[controller ?? -1];
  if (controller === null || known === undefined) return state;
  const changed = change(known);
  return changed === known
    ? state
    : { ...state, controllers: state.controllers.with(controller, changed) };
}

type Permit = {
  readonly entry: Entry;
  readonly body: DecisionBody;
  readonly controller: number | null;
};

function foldPermit(profile: CompiledProfile, state: FoldedState, permit: Permit): FoldedState {
  const { entry, body, controller } = permit;
  const added = { seq: entry.seq, atUs: entry.monoUs };
  const clamped =
    body.verdict === "clamp"
      ? withController(state, controller, (known) => {
          const windowUs = profile.model.controllers[controller ?? -1]?.clamps?.windowUs ?? null;
          return { ...known, clamps: charge(known.clamps, added, windowUs) };
        })
      : state;
  const given = givenWrites(body);
  if (given.length === 0) return clamped;
  let next = withController(clamped, controller, (known) => {
    const windowUs = profile.model.controllers[controller ?? -1]?.budget?.windowUs ?? null;
    return { ...known, permits: charge(known.permits, added, windowUs) };
  });
  for (const { output, raw } of given) {
    next = withOutput(next, output, (known) => {
      const planned = plan(profile, known, { ...added, raw }, output);
      // What the gateway does by itself is no permit of anybody's.
      return controller === null
        ? planned
        : chargeOutput(profile, known, planned, { output, raw, added });
    });
  }
  const open = { seq: entry.seq, id: body.id, controller, writes: given, atUs: entry.monoUs };
  return countOpen(profile, { ...next, open: [...next.open, open] }, open, 1);
}

function chargeOutput(
  profile: CompiledProfile,
  before: OutputState,
  planned: OutputState,
  charged: {
    readonly output: number;
    readonly raw: Raw;
    readonly added: { readonly seq: number; readonly atUs: Us };
  },
): OutputState {
  const { output, raw, added } = charged;
  const rules = profile.model.outputs[output];
  const permits = charge(before.permits, added, rules?.budget?.windowUs ?? null);
  if (rules?.starts == null || !isStart(profile, before, output, raw))
    return { ...planned, permits };
  return { ...planned, permits, starts: charge(before.starts, added, rules.starts.windowUs) };
}

/** As `decide` counts it: on, from anything that may be off. */
function isStart(profile: CompiledProfile, before: OutputState, output: number, raw: Raw): boolean {
  const isOn = (value: Raw): boolean => profile.outputs[output]?.quantity.valueOf(value) !== 0;
  if (!isOn(raw)) return false;
  if (before.proven === null || !isOn(before.proven.raw)) return true;
  return before.planned.some((planned) => !isOn(planned.raw));
}

function givenWrites(body: DecisionBody): OpenPermit["writes"] {
  if (body.writes instanceof Uint8Array) return [];
  return body.writes.flatMap(({ output, given }) =>
    given === null ? [] : [{ output, raw: given }],
  );
}

type Settling = {
  readonly profile: CompiledProfile;
  readonly permit: OpenPermit;
  readonly body: OutcomeBody;
  readonly nowUs: Us;
};

type Effect = (state: FoldedState, settling: Settling) => FoldedState;

const EFFECTS: Readonly<Record<OutcomeKind, Effect>> = {
  done: settleDone,
  "resolved-done": settleDone,
  acknowledged: settleAcknowledged,
  unknown: leaveOpen,
  "crash-unknown": leaveOpen,
  // The device refused, or a read-back showed it: not done. It was sent, so its charges stay.
  exception: settleNotDone,
  "resolved-not-done": settleNotDone,
  // Surely not sent.
  withdrawn: settleNotSent,
  "no-change": settleNotSent,
  "dry-run": settleNotSent,
};

/** What was read back is proven; where nothing was (proof by feedback), what was written. */
function settleDone(state: FoldedState, settling: Settling): FoldedState {
  return settleWrites(state, settling, (known, write) => {
    const read = settling.body.readBack?.find(({ output }) => output === write.output);
    return proveWrite(known, settling, { output: write.output, raw: read?.raw ?? write.raw });
  });
}

/** Where the profile asks for no proof the device's word is all there will ever be. */
function settleAcknowledged(state: FoldedState, settling: Settling): FoldedState {
  const { profile, permit } = settling;
  const next = settleWrites(state, settling, (known, write) =>
    isUnprovable(profile, write.output) ? proveWrite(known, settling, write) : known,
  );
  return permit.writes.every(({ output }) => isUnprovable(profile, output))
    ? next
    : leaveOpen(next, settling);
}

function settleNotDone(state: FoldedState, settling: Settling): FoldedState {
  return settleWrites(state, settling, (known) =>
    keepPlanned(known, ({ seq }) => seq !== settling.permit.seq),
  );
}

function settleNotSent(state: FoldedState, settling: Settling): FoldedState {
  const { seq, controller } = settling.permit;
  const next = settleWrites(state, settling, (known) => ({
    ...keepPlanned(known, (planned) => planned.seq !== seq),
    permits: uncharge(known.permits, seq),
    starts: uncharge(known.starts, seq),
  }));
  return withController(next, controller, (known) => ({
    ...known,
    permits: uncharge(known.permits, seq),
    clamps: uncharge(known.clamps, seq),
  }));
}

/** The values stay planned until a read-back settles them. */
function leaveOpen(state: FoldedState, settling: Settling): FoldedState {
  const { permit } = settling;
  return isPlanned(state, permit) ? { ...state, unsettled: [...state.unsettled, permit] } : state;
}

function settleWrites(
  state: FoldedState,
  settling: Settling,
  change: (
    known: OutputState,
    write: { readonly output: number; readonly raw: Raw },
  ) => OutputState,
): FoldedState {
  let next = state;
  for (const write of settling.permit.writes) {
    next = withOutput(next, write.output, (known) => change(known, write));
  }
  return next;
}

function proveWrite(
  known: OutputState,
  settling: Settling,
  write: { readonly output: number; readonly raw: Raw },
): OutputState {
  const { profile, permit, nowUs } = settling;
  const settled = keepPlanned(known, ({ seq }) => seq !== permit.seq);
  return prove(profile, settled, { raw: write.raw, atUs: nowUs }, { output: write.output, nowUs });
}

function isUnprovable(profile: CompiledProfile, output: number): boolean {
  return profile.model.outputs[output]?.proof.kind === "none";
}

function closePermit(
  profile: CompiledProfile,
  state: FoldedState,
  permit: OpenPermit,
): FoldedState {
  if (!state.open.includes(permit)) {
    return { ...state, unsettled: state.unsettled.filter((one) => one !== permit) };
  }
  const open = state.open.filter((one) => one !== permit);
  return countOpen(profile, { ...state, open }, permit, -1);
}

function countOpen(
  profile: CompiledProfile,
  state: FoldedState,
  permit: OpenPermit,
  change: 1 | -1,
): FoldedState {
  const device = profile.model.outputs[permit.writes[0]?.output ?? -1]?.at.device;
  const known = state.devices[device ?? -1];
  if (device === undefined || known === undefined) return state;
  const open = Math.max(0, known.open + change);
  return { ...state, devices: state.devices.with(device, { ...known, open }) };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, place) => byte === b[place]);
}
