import { isCborList, type CborValue } from "../codec/cbor/value.js";
import { hex } from "../evidence/hex.js";
import { equalBytes } from "../evidence/merkle-proof.js";
import type { CompiledProfile } from "../kernel/profile/compiled.js";
import type { Entry } from "../kernel/record/entry.js";
import { MODES, type Mode } from "../kernel/record/look.js";
import { foldEntry } from "../kernel/state/fold.js";
import { initialState } from "../kernel/state/initial.js";
import { isSnapshotFor, restoreState, type Plain } from "../kernel/state/snapshot.js";
import type { FoldedState, Latched, OpenPermit } from "../kernel/state/state.js";
import type { Us } from "../kernel/units.js";
import { MACHINE_NOTICE, readPlain, type Recollected } from "./boot.js";
import type { RecoveryVisitor } from "./evidence/recover.js";

/** Positions in a snapshot, the same in every profile's. */
const LATCHED_AT = 8;
const OPEN_AT = 9;
const STANDING_AT = 13;

/**
 * Rebuilds the kernel's state from the log. Entries under another profile cannot be folded under this one:
 * of such a past only the standing mode, the latched trips and the debt of an outcome to every permit are kept,
 * nothing is believed of its budgets (they start used up), and the gateway holds until a person releases it.
 */
export class Recollection {
  readonly #profile: CompiledProfile;
  #state: FoldedState | null = null;
  #started = false;
  #standing: Mode = "starting";
  #lastUs: Us = 0;
  #machineBoot: Uint8Array | null = null;
  readonly #keys: Uint8Array[] = [];
  readonly #open = new Map<string, OpenPermit>();
  readonly #latched = new Map<string, Latched>();
  readonly visitor: RecoveryVisitor = {
    snapshot: (snapshot) => {
      this.#snapshot(snapshot, snapshot.state);
    },
    entry: (entry) => {
      this.#entry(entry);
    },
  };

  constructor(profile: CompiledProfile) {
    this.#profile = profile;
  }

  finish(machineBoot: Uint8Array | null): Recollected {
    const isSameBoot =
      machineBoot !== null &&
      this.#machineBoot !== null &&
      equalBytes(machineBoot, this.#machineBoot);
    const lastUs = isSameBoot ? this.#lastUs : null;
    const keys = this.#keys;
    if (this.#state !== null) return { state: this.#state, isNew: false, lastUs, keys };
    const fresh = initialState(this.#profile);
    if (!this.#started) return { state: fresh, isNew: true, lastUs, keys };
    const state = burden(this.#profile, fresh, {
      standing: this.#carried(),
      atUs: this.#lastUs,
      open: [...this.#open.values()],
      latched: [...this.#latched.values()],
    });
    return { state, isNew: true, lastUs, keys };
  }

  /** Whatever was worse than holding stays. */
  #carried(): Mode {
    const worse = this.#standing === "safe-state" || this.#standing === "locked-out";
    return worse ? this.#standing : "holding";
  }

  #snapshot(
    entry: { readonly semantics: number; readonly profile: Uint8Array },
    bytes: Uint8Array,
  ): void {
    this.#started = true;
    const plain = readPlain(bytes);
    if (this.#state !== null) return;
    this.#standing = standingOf(plain);
    this.#owe(plain);
    if (plain === null || !isSnapshotFor(this.#profile, entry)) return;
    const restored = restoreState(this.#profile, toPlain(plain));
    if (restored.ok) this.#state = restored.state;
  }

  #entry(entry: Entry): void {
    const { body } = entry;
    this.#lastUs = entry.monoUs;
    if (body.type === "boot") this.#boot(body.profile, entry.seq);
    if (body.type === "key" && body.event !== "lost") this.#keys.push(body.spki);
    if (body.type === "mode" && body.to !== "starting") this.#standing = body.to;
    if (body.type === "notice" && body.what === MACHINE_NOTICE) {
      const id = body.details?.get("id");
      this.#machineBoot = id instanceof Uint8Array ? id : null;
    }
    this.#started = true;
    this.#note(entry);
    if (this.#state !== null) this.#state = foldEntry(this.#profile, this.#state, entry);
  }

  /** What has to be kept whatever profile wrote it. */
  #note({ body, seq, monoUs }: Entry): void {
    if (body.type === "decision") {
      // Also one that sends nothing owes its outcome.
      if (body.verdict !== "permit" && body.verdict !== "clamp") return;
      this.#open.set(hex(body.id), openPermit(seq, body.id, monoUs));
    } else if (body.type === "outcome") this.#open.delete(hex(body.id));
    else if (body.type === "trip" && body.event === "reset") this.#latched.delete(body.rule);
    else if (body.type === "trip" && body.event !== "reset-refused") {
      if (this.#latched.has(body.rule)) return;
      this.#latched.set(body.rule, { trip: -1, id: body.rule, seq, firedUs: monoUs });
    }
  }

  /** The same from a snapshot of any profile. */
  #owe(plain: CborValue | null): void {
    this.#open.clear();
    this.#latched.clear();
    for (const [seq, id, , , atUs] of tuplesAt(plain, OPEN_AT)) {
      if (typeof seq !== "number" || !(id instanceof Uint8Array) || typeof atUs !== "number")
        continue;
      this.#open.set(hex(id), openPermit(seq, id, atUs));
    }
    for (const [, id, seq, firedUs] of tuplesAt(plain, LATCHED_AT)) {
      if (typeof id !== "string" || typeof seq !== "number" || typeof firedUs !== "number")
        continue;
      this.#latched.set(id, { trip: -1, id, seq, firedUs });
    }
  }

  #boot(digest: Uint8Array, seq: number): void {
    const isOurs = equalBytes(digest, this.#profile.model.digest);
    if (!isOurs) this.#state = null;
    else if (seq === 0) this.#state = initialState(this.#profile);
  }
}

type Past = {
  readonly standing: Mode;
  readonly atUs: Us;
  readonly open: readonly OpenPermit[];
  readonly latched: readonly Latched[];
};

/** Charged to the brim at the newest moment the log knows of: every window has to pass once. */
function burden(profile: CompiledProfile, state: FoldedState, past: Past): FoldedState {
  const { standing, atUs } = past;
  const full = (count: number | undefined): readonly { seq: number; atUs: Us }[] =>
    Array.from({ length: count ?? 0 }, () => ({ seq: 0, atUs }));
  return {
    ...state,
    standing,
    lastUs: atUs,
    open: past.open,
    // One that this profile does not have stays latched as -1: under it everything is refused.
    latched: past.latched.map((one) => ({ ...one, trip: profile.tripById.get(one.id) ?? -1 })),
    outputs: state.outputs.map((known, output) => ({
      ...known,
      permits: full(profile.model.outputs[output]?.budget?.count ?? 1),
      starts: full(profile.model.outputs[output]?.starts?.count),
    })),
    controllers: state.controllers.map((known, controller) => ({
      ...known,
      permits: full(profile.model.controllers[controller]?.budget?.count),
      clamps: full(profile.model.controllers[controller]?.clamps?.count),
    })),
  };
}

/** Which outputs it wrote means nothing under another profile; that it is owed an outcome does. */
function openPermit(seq: number, id: Uint8Array, atUs: Us): OpenPermit {
  return { seq, id, controller: null, writes: [], atUs };
}

function tuplesAt(plain: CborValue | null, at: number): readonly (readonly CborValue[])[] {
  const list = plain !== null && isCborList(plain) ? plain[at] : undefined;
  if (list === undefined || !isCborList(list)) return [];
  return list.filter(isCborList);
}

/** What cannot be read is taken for the worst that a person can still reset. */
function standingOf(plain: CborValue | null): Mode {
  const at = plain !== null && isCborList(plain) ? plain[STANDING_AT] : undefined;
  return (typeof at === "number" ? MODES[at] : undefined) ?? "safe-state";
}

/** Bigger integers and tags do not stand in a snapshot; what is none of its kinds restores to nothing. */
function toPlain(value: CborValue): Plain {
  if (isCborList(value)) return value.map(toPlain);
  if (value === null || typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value === "string" || value instanceof Uint8Array) return value;
  return null;
}
