import type { CompiledProfile } from "../profile/compiled.js";
import type { DecisionBody, Entry, OutcomeBody, OutcomeKind } from "../record/entry.js";
import type { Raw, Us } from "../units.js";
import {
  addPlanned,
  changeAt,
  charge,
  keepPlanned,
  plan,
  prove,
  uncharge,
  withOutput,
} from "./output-state.js";
import {
  draftOutput,
  draftState,
  type ControllerState,
  type FoldedState,
  type OpenPermit,
  type OutputState,
  type Planned,
} from "./state.js";

/**
 * A permit plans its values and is charged, at once; a denial counts against its controller. A permit that sends
 * nothing (within the deadband) plans nothing and is not charged, but owes its outcome as any other: a crash may
 * come between the two. A clamp is charged as a clamp all the same.
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
  const permit = findPermit(state, entry.cause, body.id);
  if (permit === undefined) return state;
  const settling: Settling = { profile, permit, body, nowUs: entry.monoUs };
  const closed = closePermit(profile, state, permit);
  return EFFECTS[body.outcome](closed, settling);
}

/** By number first: comparing ids is the exception, and there may be a hundred permits. */
function findPermit(
  { open, unsettled }: FoldedState,
  seq: number | null,
  id: Uint8Array,
): OpenPermit | undefined {
  for (const permits of [open, unsettled]) {
    for (const permit of permits) if (permit.seq === seq) return permit;
  }
  for (const permits of [open, unsettled]) {
    for (const permit of permits) if (sameBytes(permit.id, id)) return permit;
  }
  return undefined;
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
  const controllers = changeAt(state.controllers, controller ?? -1, change);
  return controllers === state.controllers ? state : { ...state, controllers };
}

type Permit = {
  readonly entry: Entry;
  readonly body: DecisionBody;
  readonly controller: number | null;
};

function foldPermit(profile: CompiledProfile, state: FoldedState, permit: Permit): FoldedState {
  const { entry, body, controller } = permit;
  const given = givenWrites(body);
  const controllers = changeAt(state.controllers, controller ?? -1, (known) =>
    chargeController(profile, known, permit, given.length > 0),
  );
  let { outputs } = state;
  for (const { output, raw } of given) {
    const added = { seq: entry.seq, raw, atUs: entry.monoUs };
    outputs = changeAt(outputs, output, (known) =>
      // What the gateway does by itself is no permit of anybody's.
      controller === null
        ? plan(profile, known, added, output)
        : chargeOutput(profile, known, added, output),
    );
  }
  const opened = { seq: entry.seq, id: body.id, controller, writes: given, atUs: entry.monoUs };
  const open = [...state.open, opened];
  const next = draftState(state);
  next.controllers = controllers;
  next.outputs = outputs;
  next.open = open;
  next.devices = countOpen(profile, state.devices, opened, 1);
  return next;
}

function chargeController(
  profile: CompiledProfile,
  known: ControllerState,
  permit: Permit,
  sends: boolean,
): ControllerState {
  const { entry, body, controller } = permit;
  const rules = profile.model.controllers[controller ?? -1];
  const added = { seq: entry.seq, atUs: entry.monoUs };
  const isClamp = body.verdict === "clamp";
  if (!isClamp && !sends) return known;
  const clamps = isClamp
    ? charge(known.clamps, added, rules?.clamps?.windowUs ?? null)
    : known.clamps;
  const permits = sends
    ? charge(known.permits, added, rules?.budget?.windowUs ?? null)
    : known.permits;
  return { ...known, clamps, permits };
}

function chargeOutput(
  profile: CompiledProfile,
  known: OutputState,
  added: Planned,
  output: number,
): OutputState {
  const rules = profile.model.outputs[output];
  const charged = { seq: added.seq, atUs: added.atUs };
  const planned = addPlanned(profile, known.planned, added, output);
  const permits = charge(known.permits, charged, rules?.budget?.windowUs ?? null);
  const starts =
    rules?.starts == null || !isStart(profile, known, output, added.raw)
      ? known.starts
      : charge(known.starts, charged, rules.starts.windowUs);
  const next = draftOutput(known);
  next.planned = planned;
  next.permits = permits;
  next.starts = starts;
  return next;
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
  // Nothing was charged that could be given back, but a clamp, which it was.
  "no-change": (state) => state,
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
  const place = state.open.indexOf(permit);
  if (place < 0) {
    return { ...state, unsettled: state.unsettled.filter((one) => one !== permit) };
  }
  const next = draftState(state);
  next.open = state.open.toSpliced(place, 1);
  next.devices = countOpen(profile, state.devices, permit, -1);
  return next;
}

function countOpen(
  profile: CompiledProfile,
  devices: FoldedState["devices"],
  permit: OpenPermit,
  change: 1 | -1,
): FoldedState["devices"] {
  const device = profile.model.outputs[permit.writes[0]?.output ?? -1]?.at.device ?? -1;
  return changeAt(devices, device, ({ condition, open }) => ({
    condition,
    open: Math.max(0, open + change),
  }));
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let place = 0; place < a.length; place += 1) if (a[place] !== b[place]) return false;
  return true;
}
