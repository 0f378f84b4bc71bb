import type { Raw, Us } from "../units.js";
import type { Look, Mode } from "./look.js";
import type { Reason } from "./reason.js";

/**
 * What the kernel puts on record: one entry of the log without what only the writer knows (hash of the
 * predecessor, wall clock, boot id). `seq` is given inside step(), `monoUs` is the kernel's own time.
 * Shapes follow evidence.cddl section 2; `evidence/` turns them to bytes and back.
 */
export type Entry = {
  readonly seq: number;
  readonly monoUs: Us;
  /** Evidence number of the entry that led to this one. */
  readonly cause: number | null;
  readonly body: EntryBody;
};

/** Position is the number in evidence. */
export const ENTRY_TYPES = [
  "decision",
  "outcome",
  "boot",
  "mode",
  "trip",
  "safe-step",
  "lease",
  "approval",
  "bypass",
  "operator-act",
  "profile",
  "site",
  "key",
  "anchor",
  "flood",
  "device",
  "clock",
  "snapshot",
  "notice",
] as const;
export type EntryType = (typeof ENTRY_TYPES)[number];

export type EntryBody =
  | DecisionBody
  | OutcomeBody
  | BootBody
  | ModeBody
  | TripBody
  | SafeStepBody
  | LeaseBody
  | OperatorActBody
  | ProfileBody
  | SiteBody
  | KeyBody
  | AnchorBody
  | FloodBody
  | DeviceBody
  | ClockBody
  | SnapshotBody
  | NoticeBody;

/** Position is the number in evidence. */
export const VERDICTS = ["permit", "clamp", "deny", "hold"] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Why the gateway itself wrote; position is the number in evidence. */
export const OWN_CAUSES = ["trip", "safe", "revert", "lapse", "heartbeat", "reset"] as const;
export type OwnCause = (typeof OWN_CAUSES)[number];

/** Kinds of door; position is the number in evidence. */
export const DOORS = ["modbus-tcp", "modbus-rtu", "modbus-tls", "mqtt", "http", "mcp"] as const;
export type DoorKind = (typeof DOORS)[number];

/** How a controller proved who it is; position is the number in evidence. */
export const AUTHS = ["address", "certificate", "credential", "signature", "token"] as const;
export type Auth = (typeof AUTHS)[number];

export type Source =
  | {
      readonly kind: "controller";
      readonly door: DoorKind;
      readonly controller: string;
      readonly auth: Auth;
      readonly kid: Uint8Array | null;
    }
  | { readonly kind: "person"; readonly person: string; readonly signature: Uint8Array }
  | { readonly kind: "own"; readonly cause: OwnCause };

export type WriteRecord = {
  readonly output: number;
  readonly asked: Raw;
  /** What would be or was sent; null when nothing is. */
  readonly given: Raw | null;
  /** Newest value known before: read back, else planned; null: unknown. */
  readonly was: Raw | null;
  readonly wasProven: boolean;
};

export type DecisionBody = {
  readonly type: "decision";
  /** 16 bytes, unique in the log. */
  readonly id: Uint8Array;
  readonly source: Source;
  /** As received when at most 512 bytes; longer: empty, with `bytesHash`. */
  readonly bytes: Uint8Array;
  readonly bytesHash: Uint8Array | null;
  /** What it writes; or, where the request maps to no output, the request's own address bytes. */
  readonly writes: readonly WriteRecord[] | Uint8Array;
  readonly verdict: Verdict;
  readonly reasons: readonly Reason[];
  readonly profile: Uint8Array;
  readonly look: Look;
  /** Microseconds from arrival to the verdict. */
  readonly sinceArrivalUs: Us;
};

/** Position is the number in evidence. */
export const OUTCOMES = [
  "done",
  "acknowledged",
  "exception",
  "unknown",
  "withdrawn",
  "no-change",
  "crash-unknown",
  "resolved-done",
  "resolved-not-done",
  "dry-run",
] as const;
export type OutcomeKind = (typeof OUTCOMES)[number];

export type OutcomeBody = {
  readonly type: "outcome";
  readonly id: Uint8Array;
  readonly outcome: OutcomeKind;
  /** Reply PDU of the device, where there was one. */
  readonly reply: Uint8Array | null;
  /** Microseconds from the permit to this outcome. */
  readonly sincePermitUs: Us | null;
  readonly readBack: readonly { readonly output: number; readonly raw: Raw | null }[] | null;
  readonly reasons: readonly Reason[] | null;
  /** There whenever the second look was reached; `tags` and `kernel` hold only facts that differ from the first look. */
  readonly look: Look | null;
};

export type BootBody = {
  readonly type: "boot";
  readonly boot: number;
  readonly software: Uint8Array;
  readonly profile: Uint8Array;
  readonly site: Uint8Array;
  readonly recovery: {
    readonly found: "clean" | "torn" | "zero-tail" | "damaged";
    readonly fromSeq: number;
    readonly cutBytes: number;
    readonly cutHash: Uint8Array | null;
  };
  /** Kernel semantics number. */
  readonly semantics: number;
  readonly key: "tpm" | "tpm-software" | "file";
  readonly splitEnforced: boolean;
  /** What the TPM's flash counter stood at; null: no TPM was asked. */
  readonly nv: number | null;
  /** What the parachute reported, when it drove. */
  readonly parachute: Uint8Array | null;
};

export type ModeBody = {
  readonly type: "mode";
  readonly from: Mode;
  readonly to: Mode;
  readonly why: string;
  readonly look: Look | null;
};

/** Position is the number in evidence. */
export const TRIP_EVENTS = ["fired-true", "fired-unknown", "reset", "reset-refused"] as const;
export type TripEvent = (typeof TRIP_EVENTS)[number];

export type TripBody = {
  readonly type: "trip";
  readonly rule: string;
  readonly event: TripEvent;
  readonly look: Look;
  /** How long the condition had stood. */
  readonly sinceUs: Us;
  /** Id of the trip that fired first while any is latched. */
  readonly firstOut: string;
};

/** Position is the number in evidence. */
export const SAFE_STEP_STATES = ["sent", "proven", "failed", "late"] as const;
export type SafeStepState = (typeof SAFE_STEP_STATES)[number];

export type SafeStepBody = {
  readonly type: "safe-step";
  readonly step: number;
  readonly output: number;
  readonly given: Raw;
  readonly state: SafeStepState;
  readonly readBack: Raw | null;
  readonly attempt: number;
  readonly sinceCauseUs: Us;
};

/** Position is the number in evidence. */
export const LEASE_EVENTS = ["gained", "sampled", "lapsed", "revoked", "suspended"] as const;
export type LeaseEvent = (typeof LEASE_EVENTS)[number];

export type LeaseBody = {
  readonly type: "lease";
  readonly controller: string;
  readonly event: LeaseEvent;
  /** Gained, sampled: time left. Suspended: how long. Else time since the last beat. */
  readonly us: Us;
  readonly then: string | null;
};

export type OperatorActBody = {
  readonly type: "operator-act";
  readonly act: string;
  readonly person: string;
  /** Null until people's keys exist: the act is UNSIGNED. */
  readonly signature: Uint8Array | null;
  readonly why: string;
  readonly details: Uint8Array | null;
};

export type Part = {
  readonly part: number;
  readonly of: number;
  readonly whole: Uint8Array;
  readonly bytes: Uint8Array;
};

/** Position is the number in evidence. */
export const PROFILE_EVENTS = ["loaded", "refused", "activated", "rolled-back", "expired"] as const;

export type ProfileBody = {
  readonly type: "profile";
  readonly digest: Uint8Array;
  readonly bytes: Uint8Array | Part | null;
  readonly signatures: readonly { readonly kid: Uint8Array; readonly signature: Uint8Array }[];
  readonly event: (typeof PROFILE_EVENTS)[number];
  readonly previous: Uint8Array | null;
  readonly proof: Uint8Array | null;
  readonly why: string | null;
};

export type SiteBody = {
  readonly type: "site";
  readonly digest: Uint8Array;
  readonly event: "seen" | "new" | "accepted";
};

export type KeyBody = {
  readonly type: "key";
  readonly event: "made" | "rotated" | "lost" | "back";
  readonly spki: Uint8Array;
};

/** Outside evidence over a checkpoint: TPM certification, time token, witness. */
export type AnchorBody = {
  readonly type: "anchor";
  readonly kind: "nv-certify" | "rfc3161" | "witness" | "scitt";
  readonly token: Uint8Array;
  readonly size: number;
  readonly signature: Uint8Array | null;
};

/** Denials alike (controller, output, rule set) beyond the first 16 a minute, counted together. */
export type FloodBody = {
  readonly type: "flood";
  readonly controller: string;
  readonly output: number | null;
  /** Rule ids, or reason codes where no rule is behind them. */
  readonly rules: readonly string[];
  readonly count: number;
  readonly firstUs: Us;
  readonly lastUs: Us;
  readonly least: number | null;
  readonly most: number | null;
  readonly digest: Uint8Array;
};

/** Position is the number in evidence. */
export const DEVICE_EVENTS = [
  "up",
  "down",
  "slow",
  "identity-changed",
  "program-stopped",
  "comms-loss-read",
] as const;
export type DeviceEvent = (typeof DEVICE_EVENTS)[number];

export type DeviceBody = {
  readonly type: "device";
  readonly device: string;
  readonly event: DeviceEvent;
  readonly detail: string | null;
};

export type ClockBody = {
  readonly type: "clock";
  readonly stepUs: number;
  readonly quality: 0 | 1 | 2 | 3;
};

export type SnapshotBody = {
  readonly type: "snapshot";
  readonly semantics: number;
  readonly profile: Uint8Array;
  readonly state: Uint8Array | Part;
  readonly foldedTo: number;
};

export type NoticeValue = number | string | Uint8Array | boolean | null;
export type NoticeBody = {
  readonly type: "notice";
  readonly what: string;
  readonly details: ReadonlyMap<string, NoticeValue> | null;
};
