import { decodeCbor } from "../codec/cbor/decode.js";
import { encodeCbor } from "../codec/cbor/encode.js";
import { isCborList, type CborValue } from "../codec/cbor/value.js";
import { splitParts } from "../evidence/parts.js";
import { linkNotice, segmentOpening, type SegmentLink } from "../evidence/segment.js";
import type { CompiledProfile } from "../kernel/profile/compiled.js";
import type { BootBody, Entry, EntryBody } from "../kernel/record/entry.js";
import { KERNEL_SEMANTICS } from "../kernel/semantics.js";
import { foldEntry } from "../kernel/state/fold.js";
import { logLostNotice } from "../kernel/state/notices.js";
import { snapshotState } from "../kernel/state/snapshot.js";
import type { FoldedState } from "../kernel/state/state.js";
import type { Us } from "../kernel/units.js";
import type { Recovered } from "./evidence/open.js";
import { sha256 } from "./evidence/sha256.js";
import type { Clock } from "./ports.js";

/** What the boot entry says of this run beside what was recovered. */
export type BootFacts = {
  readonly software: Uint8Array;
  readonly site: Uint8Array;
  readonly key: BootBody["key"];
  /** Public key that signs this run's checkpoints; empty: nobody knows which does, and none is named. */
  readonly spki: Uint8Array;
  /** The key that is to take over from it in this run; null or absent: none is. */
  readonly next?: Uint8Array | null;
  /** The key that was given up for this one, which nobody vouches for; null or absent: none was. */
  readonly givenUp?: Uint8Array | null;
  readonly splitEnforced: boolean;
  /** What the TPM's flash counter stands at; null: no TPM was asked. */
  readonly nv: number | null;
  /** Why the log cannot be all that was written, by the TPM's counters; null: nothing says so. */
  readonly lost: string | null;
  /** Exact bytes of the profile: the log holds them once. */
  readonly profileBytes: Uint8Array;
  /** Of this boot of the machine; null where it cannot be told. */
  readonly machineBoot: Uint8Array | null;
  /** How much faster kernel time runs than real time, where it does: in a demo. */
  readonly scale?: number;
};

export type Boot = { readonly state: FoldedState; readonly entries: readonly Entry[] };

/**
 * The first entries of a run, in order: after damage a new segment's link and snapshot; the boot entry; the
 * profile's bytes where the log does not hold them; who vouches for it all (nobody: UNSIGNED); and, where the
 * profile is another one than before, the state that a replay goes on from.
 */
export function beginBoot(
  profile: CompiledProfile,
  before: Recollected & { readonly recovered: Recovered },
  facts: BootFacts,
  clock: Pick<Clock, "nowUs">,
): Boot {
  const atUs = clock.nowUs();
  const log = new Appending(profile, { ...before.state, nextSeq: before.recovered.nextSeq }, atUs);
  const { recovered } = before;
  if (recovered.link !== null) log.add(...segmentBodies(profile, log.state, recovered.link, atUs));
  log.add({
    type: "boot",
    boot: recovered.boot,
    software: facts.software,
    profile: profile.model.digest,
    site: facts.site,
    recovery: {
      found: recovered.found,
      fromSeq: recovered.fromSeq,
      cutBytes: recovered.cutBytes,
      cutHash: recovered.cutHash,
    },
    semantics: KERNEL_SEMANTICS,
    key: facts.key,
    splitEnforced: facts.splitEnforced,
    nv: facts.nv,
    parachute: null,
  });
  if (facts.lost !== null) log.add(logLostNotice(facts.lost));
  if (!recovered.profiles.some((digest) => equal(digest, profile.model.digest))) {
    log.add(...profileBodies(profile, facts.profileBytes));
  }
  log.add(...keyBodies(before.keys, facts));
  log.add(
    notice("unsigned", [["why", "people's keys and profile signing do not exist yet"]]),
    machineNotice(facts.machineBoot),
  );
  const { scale = 1 } = facts;
  if (scale !== 1) log.add(notice("time-scale", [["factor", `${scale}`]]));
  if (before.isNew) log.add(...snapshotBodies(profile, log.state));
  return { state: log.state, entries: log.entries };
}

export type SegmentFacts = {
  /** Of this boot of the machine; null where it cannot be told. */
  readonly machineBoot: Uint8Array | null;
  /** A key that waits to take over still; null or absent: none does. */
  readonly nextKey?: Uint8Array | null;
};

/**
 * What opens the next segment while the guard runs, to be recorded in this order at once and at this very time: the state
 * in it is of a time too, and a replay compares them.
 */
export function rotationBodies(
  profile: CompiledProfile,
  now: { readonly state: FoldedState; readonly atUs: Us },
  link: SegmentLink,
  { machineBoot, nextKey = null }: SegmentFacts,
): readonly EntryBody[] {
  const bodies = [...segmentBodies(profile, now.state, link, now.atUs), machineNotice(machineBoot)];
  // Whoever begins to read here has to see it, too.
  return nextKey === null ? bodies : [...bodies, { type: "key", event: "rotated", spki: nextKey }];
}

/** Kernel state from a snapshot's bytes; null: no such data. */
export function readPlain(bytes: Uint8Array): CborValue | null {
  const decoded = decodeCbor(bytes);
  return decoded.ok && isCborList(decoded.value) ? decoded.value : null;
}

export const MACHINE_NOTICE = "machine-boot";

/** What the log tells of the time before this run. */
export type Recollected = {
  readonly state: FoldedState;
  /** The log goes on under another profile than before, or is new: a replay needs a snapshot to go on from. */
  readonly isNew: boolean;
  /** Kernel time of the newest entry, on the clock of this boot of the machine; null: of another one, or none. */
  readonly lastUs: Us | null;
  /** Public keys the log has named, oldest first. */
  readonly keys: readonly Uint8Array[];
};

/** A key that no other vouches for is made, whatever signed before it (ADR 0020). */
function keyBodies(
  known: readonly Uint8Array[],
  { spki, next = null, givenUp = null }: BootFacts,
): readonly EntryBody[] {
  const isKnown = known.some((one) => equal(one, spki));
  const bodies: EntryBody[] = [];
  if (givenUp !== null) bodies.push({ type: "key", event: "lost", spki: givenUp });
  if (spki.length > 0 && (givenUp !== null || !isKnown)) {
    bodies.push({ type: "key", event: "made", spki });
  }
  if (next !== null) bodies.push({ type: "key", event: "rotated", spki: next });
  return bodies;
}

function segmentBodies(
  profile: CompiledProfile,
  state: FoldedState,
  link: SegmentLink,
  atUs: Us,
): readonly EntryBody[] {
  // The snapshot is of the state that the link, an entry itself, leaves behind.
  const linked = new Appending(profile, state, atUs);
  linked.add(linkNotice(link));
  return segmentOpening(link, snapshotOf(profile, linked.state), sha256);
}

function snapshotBodies(profile: CompiledProfile, state: FoldedState): readonly EntryBody[] {
  const { semantics, profile: digest, foldedTo, state: bytes } = snapshotOf(profile, state);
  return splitParts(bytes, sha256).map((part) => ({
    type: "snapshot",
    semantics,
    profile: digest,
    state: part,
    foldedTo,
  }));
}

function snapshotOf(
  profile: CompiledProfile,
  state: FoldedState,
): {
  readonly semantics: number;
  readonly profile: Uint8Array;
  readonly state: Uint8Array;
  readonly foldedTo: number;
} {
  return {
    semantics: KERNEL_SEMANTICS,
    profile: profile.model.digest,
    state: encodeCbor(snapshotState(state)),
    foldedTo: Math.max(0, state.nextSeq - 1),
  };
}

function profileBodies(profile: CompiledProfile, bytes: Uint8Array): readonly EntryBody[] {
  return splitParts(bytes, sha256).map((part) => ({
    type: "profile",
    digest: profile.model.digest,
    bytes: part,
    signatures: [],
    event: "activated",
    previous: null,
    proof: null,
    why: "UNSIGNED",
  }));
}

function machineNotice(machineBoot: Uint8Array | null): EntryBody {
  return notice(MACHINE_NOTICE, [["id", machineBoot]]);
}

function notice(
  what: string,
  details: readonly (readonly [string, string | Uint8Array | null])[],
): EntryBody {
  return { type: "notice", what, details: new Map(details) };
}

/** Entries made outside a kernel step: numbered and folded like all others. */
class Appending {
  state: FoldedState;
  readonly entries: Entry[] = [];
  readonly #profile: CompiledProfile;
  readonly #monoUs: Us;

  constructor(profile: CompiledProfile, state: FoldedState, atUs: Us) {
    this.#profile = profile;
    this.state = state;
    this.#monoUs = atUs;
  }

  add(...bodies: readonly EntryBody[]): void {
    for (const body of bodies) {
      const entry = { seq: this.state.nextSeq, monoUs: this.#monoUs, cause: null, body };
      this.state = foldEntry(this.#profile, this.state, entry);
      this.entries.push(entry);
    }
  }
}

function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
