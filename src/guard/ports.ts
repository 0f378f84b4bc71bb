import type { SignedAttest } from "../codec/tpm2/attest.js";
import type { Entry } from "../kernel/record/entry.js";
import type { SouthWrite } from "../kernel/command/request.js";
import type { WriteResult } from "../kernel/step/input.js";
import type { Us } from "../kernel/units.js";

export type { SouthWrite, Us, WriteResult };

/** Monotonic kernel time and wall time. `nowUs` never goes back; wall time may. */
export type Clock = {
  readonly nowUs: () => Us;
  readonly utcUs: () => number;
  /** 0 unset, 1 free-running, 2 synchronised, 3 authenticated. */
  readonly quality: () => 0 | 1 | 2 | 3;
  /** Calls back once, not before `atUs`; the returned function cancels. Time-scaled where the clock is. */
  readonly at: (atUs: Us, run: () => void) => () => void;
};

/**
 * The log. Promises: entries reach the disk in the order given; `onDurable(seq)` is called only after
 * fdatasync of everything up to `seq` returned; after the first failed write or sync `onFailed` is called
 * once and nothing is ever called durable again on that file. Never blocks the caller's loop.
 */
export type EvidenceStore = {
  readonly append: (entry: Entry) => void;
  readonly checkpoint: (why: string) => void;
  /** Seq of the newest entry, root and size of the newest durable commit. */
  readonly head: () => EvidenceHead;
  readonly onDurable: (run: (seq: number) => void) => void;
  readonly onFailed: (run: (why: string) => void) => void;
  /** Called for every checkpoint of this run that is on stable storage, and for every one that could not be signed. */
  readonly onSigning: (run: (event: SigningEvent) => void) => void;
  /** Flushes, signs a last checkpoint, closes. */
  readonly close: () => Promise<void>;
};

export type SigningEvent = { readonly kind: "signed" } | ({ readonly kind: "failed" } & NotOurs);

/**
 * Why a key cannot be used, in a line. `foreign`: what answers in its place is not the one that was provisioned. `behind`:
 * it is, and it has signed more than the log holds.
 */
export type NotOurs = {
  readonly foreign: boolean;
  readonly behind?: boolean;
  readonly says: string;
};

export type EvidenceHead = {
  readonly nextSeq: number;
  readonly durableSeq: number;
  readonly root: Uint8Array;
  readonly size: number;
};

/** ES256 over exact bytes. A file key says `software`. May take as long as it likes: nothing waits for it. */
export type Signer = {
  readonly kind: "tpm" | "tpm-software" | "file";
  readonly spki: Uint8Array;
  /** SHA-256 of `spki`. */
  readonly kid: Uint8Array;
  /**
   * Whether the key is there and is the one that `spki` names; to be asked, until it is, before anything is raised or signed
   * in a run. None where the key needs no asking. Never rejects.
   */
  readonly open?: () => Promise<
    { readonly ok: true; readonly anchors: AnchorKey } | ({ readonly ok: false } & NotOurs)
  >;
  /**
   * Raises the TPM's counter for one checkpoint and gives its value, above every one given before; null where there is
   * none. A value may be skipped, never given twice.
   */
  readonly raise: (() => Promise<number>) | null;
  /** 64 bytes r || s. */
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>;
  /** The key that signed before this one, by the same TPM, and that the newest checkpoint may be of; null: none did. */
  readonly before?: KeyId | null;
  /** What is to become of the key in this run (ADR 0020); null: it stays. */
  readonly handover?: Handover | null;
};

export type KeyId = Pick<Signer, "spki" | "kid">;

export type Handover = {
  /**
   * The key that takes over once a checkpoint of the one at hand covers the entry that names it; null: this one has taken
   * over already, from a key that was given up (`before`), and nobody vouches for it.
   */
  readonly to: Signer | null;
  /**
   * That it has taken over is written down, durably, before the first signature of the new key. To be called when that
   * entry is under a checkpoint on stable storage; rejects with one line, and may be called again.
   */
  readonly done: () => Promise<void>;
};

/** Fresh Ed25519 keys that sign commits, each from one checkpoint to the next (ADR 0021). They live in this process alone. */
export type CommitKeys = { readonly make: () => Promise<CommitKey> };

export type CommitKey = {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes; made off the loop. Rejects once dropped. */
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>;
  /** The same on the loop: tens of microseconds. Throws once dropped. */
  readonly signNow: (bytes: Uint8Array) => Uint8Array;
  /** Forgets the private key for good. */
  readonly drop: () => void;
};

/** Where files wait for somebody to carry them away. `put` rejects with one line; what it has put is whole and on the disk. */
export type WitnessFolder = {
  readonly put: (name: string, bytes: Uint8Array) => Promise<void>;
};

/** The TPM's attestation key and flash counter, for anchors and for holding the log against it. Calls take as long as they take and reject with one line; nothing may wait for them. */
export type AnchorKey = {
  /** Of the attestation key. */
  readonly spki: Uint8Array;
  readonly found: TpmFound;
  /** A value of the flash counter above `above`; raised once, and not at all where it stands above already. */
  readonly raise: (above: number) => Promise<number>;
  /** TPM2_NV_Certify of the flash counter by the attestation key. `qualifying`: 32 bytes. */
  readonly certify: (qualifying: Uint8Array) => Promise<SignedAttest>;
};

/** What the TPM said when it was opened, before this run raised anything. */
export type TpmFound = {
  readonly checkpoint: number;
  readonly anchor: number;
  /** How often the TPM was reset. */
  readonly resets: number;
  /** How far the counter of checkpoints may jump at a loss of power. */
  readonly jump: number;
  /** What the counters stood at when they were made. */
  readonly firsts: { readonly checkpoint: number; readonly anchor: number };
};

/** Keys and counters that provisioning made in a TPM, as people are told of them. No secret is among it. */
export type TpmKeyReport = {
  /** `tpm` is the chip's own word: only its endorsement key's certificate would prove it. */
  readonly kind: "tpm" | "tpm-software";
  /** As it is written on a command line. */
  readonly place: string;
  readonly chip: string;
  /** The record that provisioning wrote. */
  readonly file: string;
  /** Name of the storage root. */
  readonly root: Uint8Array;
  readonly kid: Uint8Array;
  readonly spki: Uint8Array;
  /** SPKI of the attestation key. */
  readonly attester: Uint8Array;
  readonly handles: Readonly<Record<"root" | "evidence" | "attestation", number>>;
  readonly counters: Readonly<Record<"checkpoint" | "anchor", TpmCounterReport>>;
  /** What `key rotate` has begun; or the key that the last rotation left behind; null: neither. */
  readonly rotation: TpmRotationReport | null;
  /** Null: every key and counter is the recorded one and serves. */
  readonly trouble: TpmTrouble | null;
};

/** `waits`: for a gateway to start, which has it take over. `done`: it signed before, and its value is forgotten. */
export type TpmRotationReport = {
  readonly step: "waits" | "done";
  readonly kid: Uint8Array;
  readonly spki: Uint8Array;
  readonly handle: number;
  /** The key that signs now was given up: nobody will vouch for the new one. */
  readonly givenUp: boolean;
};

/** Why the keys cannot be used, in a line. `answers`: the TPM does, and what it holds is not what was recorded. */
export type TpmTrouble = { readonly answers: boolean; readonly says: string };

/** `first`: what it stood at when it was made. `value` is null while the TPM does not tell. */
export type TpmCounterReport = {
  readonly index: number;
  readonly first: number;
  readonly value: bigint | null;
};

/**
 * One device. Promises: at most one request on the wire at a time; a reply that does not match exactly is
 * an `unknown` and closes the connection; nothing is ever sent twice; every call settles exactly once, within
 * the device's timeout, and may settle before the call returns ("not-sent", "closed"). A call made while the
 * link is not idle settles at once as "not-sent" / "closed": the queue is the caller's. `sentUs` is when the
 * request was handed to the socket. `settled` and the listeners run on the loop and must not throw.
 */
export type PlcLink = {
  readonly write: (write: SouthWrite, settled: (result: WriteResult) => void) => void;
  readonly read: (read: SouthRead, settled: (result: ReadResult) => void) => void;
  /** True while connected and idle: a write made now goes on the wire at once, a read within this turn of the loop. */
  readonly idle: () => boolean;
  readonly onLink: (run: (up: boolean, why: string) => void) => void;
  readonly onIdle: (run: () => void) => void;
  readonly close: () => void;
};

export type SouthRead = {
  readonly table: "co" | "di" | "ir" | "hr";
  readonly address: number;
  readonly quantity: number;
};

export type ReadResult =
  | { readonly kind: "read"; readonly sentUs: Us; readonly words: readonly number[] }
  | { readonly kind: "exception"; readonly code: number }
  | { readonly kind: "failed"; readonly why: "timeout" | "closed" | "malformed" };

/**
 * The directory of the log, held by this process alone until `release`. Names are file names without a
 * path. Nothing is promised to survive a crash but what a `sync` that returned covers: content by the file's
 * `sync`, names by `syncNames`. Calls reject with the system's error (`code` "ENOSPC", "EIO", ...).
 */
export type EvidenceDisk = {
  readonly list: () => Promise<readonly string[]>;
  /** Whole content; rejects when it is longer than `bytesMax`. */
  readonly read: (name: string, bytesMax: number) => Promise<Uint8Array>;
  /** Opens for appending; makes the file when there is none. */
  readonly append: (name: string) => Promise<EvidenceFile>;
  readonly rename: (from: string, to: string) => Promise<void>;
  readonly remove: (name: string) => Promise<void>;
  readonly syncNames: () => Promise<void>;
  readonly release: () => Promise<void>;
};

/** What can be asked of the disk under the log. May take as long as the disk does: nothing of a command waits for it. */
export type EvidenceSpace = {
  readonly room: () => Promise<DiskRoom>;
  /** Null: there is no such file. */
  readonly measure: (name: string) => Promise<FileMeasure | null>;
  /** The first bytes of a file, at most so many. */
  readonly readStart: (name: string, bytesMax: number) => Promise<Uint8Array>;
};

/** `freeBytes`: what this process may still write. Used and free together may be less than the disk has. */
export type DiskRoom = { readonly usedBytes: number; readonly freeBytes: number };

export type FileMeasure = { readonly bytes: number; readonly changedUtcUs: number };

export type EvidenceFile = {
  /** How many of the bytes were taken: at least one, and maybe not all. */
  readonly write: (bytes: Uint8Array) => Promise<number>;
  /** Returns when the content is on stable storage. */
  readonly sync: () => Promise<void>;
  readonly truncate: (length: number) => Promise<void>;
  readonly close: () => Promise<void>;
};
