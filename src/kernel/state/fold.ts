import type { CompiledProfile } from "../profile/compiled.js";
import type {
  DeviceBody,
  Entry,
  EntryBody,
  FloodBody,
  LeaseBody,
  ProfileBody,
  SafeStepBody,
  TripBody,
} from "../record/entry.js";
import { exhaust, foldBoot, sameDigest } from "./fold-boot.js";
import {
  addDenials,
  foldDecision,
  foldOutcome,
  isPlanned,
  withController,
} from "./fold-command.js";
import { readNotice, type StateNotice } from "./notices.js";
import { keepPlanned, plan, prove, withOutput } from "./output-state.js";
import { draftState, type FoldedState } from "./state.js";

export { initialState } from "./initial.js";

/**
 * The state after one more entry of the log, and the only way it ever changes: running and replaying
 * alike. Pure and total; times come from the entry alone. What is not changed is shared with the old
 * state. An entry that names what the profile does not have changes nothing but the count.
 */
export function foldEntry(profile: CompiledProfile, state: FoldedState, entry: Entry): FoldedState {
  const next = draftState(foldBody(profile, state, entry));
  next.nextSeq = entry.seq + 1;
  next.lastUs = entry.monoUs;
  return next;
}

function foldBody(profile: CompiledProfile, state: FoldedState, entry: Entry): FoldedState {
  const { body } = entry;
  if (isForRecordOnly(body)) return state;
  switch (body.type) {
    case "decision":
      return foldDecision(profile, state, entry, body);
    case "outcome":
      return foldOutcome(profile, state, entry, body);
    case "boot":
      return foldBoot(profile, state, entry, body);
    case "mode":
      return {
        ...state,
        mode: body.to,
        standing: body.to === "starting" ? state.standing : body.to,
      };
    case "trip":
      return foldTrip(profile, state, entry, body);
    case "safe-step":
      return foldSafeStep(profile, state, entry, body);
    case "lease":
      return foldLease(profile, state, entry, body);
    case "profile":
      return foldProfile(profile, state, body);
    case "flood":
      return foldFlood(profile, state, entry, body);
    case "device":
      return foldDevice(profile, state, body);
    case "notice":
      return foldNotice(profile, state, entry, readNotice(body));
  }
}

/** Entries that tell people something and change no state; an act's consequences are entries of their own. */
type RecordOnly = Extract<
  EntryBody,
  { readonly type: "operator-act" | "site" | "key" | "anchor" | "clock" | "snapshot" }
>;

const RECORD_ONLY: ReadonlySet<EntryBody["type"]> = new Set<RecordOnly["type"]>([
  "operator-act",
  "site",
  "key",
  "anchor",
  "clock",
  "snapshot",
]);

function isForRecordOnly(body: EntryBody): body is RecordOnly {
  return RECORD_ONLY.has(body.type);
}

function foldFlood(
  profile: CompiledProfile,
  state: FoldedState,
  entry: Entry,
  body: FloodBody,
): FoldedState {
  const controller = profile.controllerByName.get(body.controller) ?? null;
  return withController(state, controller, (known) =>
    addDenials(profile, known, { controller, count: body.count, atUs: entry.monoUs }),
  );
}

function foldTrip(
  profile: CompiledProfile,
  state: FoldedState,
  entry: Entry,
  body: TripBody,
): FoldedState {
  switch (body.event) {
    case "fired-true":
    case "fired-unknown": {
      if (state.latched.some(({ id }) => id === body.rule)) return state;
      // A trip this profile does not have stands as -1: `decide` refuses everything under it.
      const trip = profile.tripById.get(body.rule) ?? -1;
      const latched = { trip, id: body.rule, seq: entry.seq, firedUs: entry.monoUs };
      return { ...state, latched: [...state.latched, latched] };
    }
    case "reset":
      return { ...state, latched: state.latched.filter(({ id }) => id !== body.rule) };
    case "reset-refused":
      return state;
  }
}

/** An absolute write of our own may arrive from when it is sent; its proof settles all that came before. */
function foldSafeStep(
  profile: CompiledProfile,
  state: FoldedState,
  entry: Entry,
  body: SafeStepBody,
): FoldedState {
  const { output } = body;
  switch (body.state) {
    case "sent":
      return withOutput(state, output, (known) => {
        const isPlanned = known.planned.some(({ raw }) => raw === body.given);
        const planned = { seq: entry.seq, raw: body.given, atUs: entry.monoUs };
        return isPlanned ? known : plan(profile, known, planned, output);
      });
    case "proven": {
      const reading = { raw: body.readBack ?? body.given, atUs: entry.monoUs };
      const proven = withOutput(state, output, (known) =>
        prove(
          profile,
          keepPlanned(known, () => false),
          reading,
          { output, nowUs: entry.monoUs },
        ),
      );
      return dropSettled(proven);
    }
    case "failed":
    case "late":
      return state;
  }
}

function foldLease(
  profile: CompiledProfile,
  state: FoldedState,
  entry: Entry,
  body: LeaseBody,
): FoldedState {
  const controller = profile.controllerByName.get(body.controller) ?? null;
  const lapsesAfterUs = profile.model.controllers[controller ?? -1]?.lease?.lapsesAfterUs ?? 0;
  return withController(state, controller, (known) => {
    switch (body.event) {
      case "gained":
        return { ...known, lease: { gainSeq: entry.seq, beatUs: entry.monoUs } };
      case "sampled": {
        if (known.lease === null) return known;
        // Time left tells when the newest beat was; nothing makes it later than now.
        const beatUs = Math.min(entry.monoUs, entry.monoUs + body.us - lapsesAfterUs);
        return { ...known, lease: { ...known.lease, beatUs } };
      }
      case "lapsed":
      case "revoked":
        return { ...known, lease: null };
      case "suspended":
        return { ...known, lease: null, suspendedUntilUs: entry.monoUs + body.us, denials: [] };
    }
  });
}

function foldProfile(profile: CompiledProfile, state: FoldedState, body: ProfileBody): FoldedState {
  const isOurs = sameDigest(body.digest, profile.model.digest);
  switch (body.event) {
    case "activated":
    case "rolled-back":
      return { ...state, profileValid: isOurs };
    case "expired":
      // `alarm` at expiry says so and goes on.
      return isOurs && profile.model.valid.atExpiry !== "alarm"
        ? { ...state, profileValid: false }
        : state;
    case "loaded":
    case "refused":
      return state;
  }
}

function foldDevice(profile: CompiledProfile, state: FoldedState, body: DeviceBody): FoldedState {
  const device = profile.deviceByName.get(body.device);
  const known = state.devices[device ?? -1];
  if (device === undefined || known === undefined) return state;
  switch (body.event) {
    case "up":
    case "down":
    case "identity-changed":
    case "program-stopped":
      return { ...state, devices: state.devices.with(device, { ...known, condition: body.event }) };
    case "slow":
    case "comms-loss-read":
      return state;
  }
}

function foldNotice(
  profile: CompiledProfile,
  state: FoldedState,
  entry: Entry,
  notice: StateNotice | null,
): FoldedState {
  if (notice === null) return state;
  if (notice.kind === "evidence") return { ...state, evidenceWritable: notice.writable };
  if (notice.kind === "log-lost") return exhaust(profile, state, entry);
  const { output, atUs } = notice;
  const at = { output, nowUs: entry.monoUs };
  const settles = notice.kind === "adopted" ? Infinity : (notice.settles ?? -1);
  const next = withOutput(state, output, (known) => {
    const settled = keepPlanned(known, ({ seq }) => seq > settles);
    return notice.raw === null
      ? { ...settled, proven: null }
      : prove(profile, settled, { raw: notice.raw, atUs }, at);
  });
  return dropSettled(next);
}

/** A permit none of whose values is planned any more has nothing left to settle. */
function dropSettled(state: FoldedState): FoldedState {
  const unsettled = state.unsettled.filter((permit) => isPlanned(state, permit));
  return unsettled.length === state.unsettled.length ? state : { ...state, unsettled };
}
