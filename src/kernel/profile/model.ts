import type { Formula } from "../condition/term.js";
import type { Raw, Us } from "../units.js";

/**
 * What a profile may let a device's answer, or a proof, take at most. So whoever checks a log knows when a permit without an
 * outcome is one that lost it, and not one that waits.
 */
export const PROOF_LONGEST_US: Us = 600_000_000;

/**
 * A safety profile after every check, before indexes and closures: plain data, names resolved to
 * positions. Tags are recorded in evidence by these positions, so their order is the file's order.
 */
export type ProfileModel = {
  readonly name: string;
  readonly schema: number;
  readonly revision: number;
  /** SHA-256 of the exact bytes of the file. */
  readonly digest: Uint8Array;
  readonly valid: {
    readonly fromUtcUs: number;
    readonly untilUtcUs: number;
    readonly atExpiry: "alarm" | "holding" | "safe-state";
  };
  readonly devices: readonly Device[];
  readonly plantModes: PlantModes | null;
  readonly inputs: readonly Input[];
  readonly outputs: readonly Output[];
  readonly groups: readonly Group[];
  /** Named sub-expressions, for people: rules already hold them inlined. */
  readonly signals: readonly { readonly name: string; readonly is: Formula }[];
  readonly permissives: readonly Permissive[];
  readonly always: readonly Always[];
  readonly exclusive: readonly Exclusive[];
  /** The profile's own trips first, in file order; then the built-in ones (see {@link Trip}). */
  readonly trips: readonly Trip[];
  readonly confirms: readonly Confirm[];
  readonly safeState: SafeState;
  readonly restart: "hold" | "safe-state";
  readonly controllers: readonly Controller[];
  readonly approvals: readonly Approval[];
  readonly readable: readonly ReadableRange[];
  readonly hazards: readonly Hazard[];
};

export type Table = "co" | "di" | "ir" | "hr";
export type RawFormat = "bit" | "u16" | "i16" | "u32" | "i32" | "f32";
/** Order of the four bytes of a 32-bit value on the wire. */
export type ByteOrder = "ABCD" | "CDAB" | "BADC" | "DCBA";

/** Zero-based, as in the PDU. `bit` is the bit of a register (0 least significant), null for a whole one or a coil. */
export type Address = {
  readonly device: number;
  readonly table: Table;
  readonly register: number;
  readonly bit: number | null;
  readonly format: RawFormat;
  readonly order: ByteOrder;
};

/** Straight line through two points; null in a tag means the decoded number is the engineering value. */
export type Scaling = {
  readonly rawLow: number;
  readonly rawHigh: number;
  readonly euLow: number;
  readonly euHigh: number;
};
export type Span = { readonly low: number; readonly high: number };
export type Window = { readonly count: number; readonly windowUs: Us };
export type ValueKind = "bool" | "number" | "state";

export type Device = {
  readonly name: string;
  readonly pollUs: Us;
  readonly timeoutUs: Us;
  readonly inFlight: number;
  /** How long after a timed-out request its effect may still reach the device. */
  readonly lateWindowUs: Us;
  readonly read: { readonly maxWords: number; readonly holes: "never" | number };
  readonly alive: { readonly at: Address; readonly changesWithinUs: Us } | null;
  readonly identity: { readonly at: Address; readonly is: Raw } | null;
  readonly commsLoss: CommsLoss;
  readonly lost: { readonly afterUs: Us; readonly action: "safe-state" | "holding" | "alarm" };
};

/** What the device itself does when the gateway falls silent, and where that can be read back. */
export type CommsLoss =
  | {
      readonly by: "block";
      readonly heartbeat: Address;
      readonly state: Address;
      readonly age: Address;
      readonly leaseUs: Us;
    }
  | { readonly by: "device-timer" | "relay" | "none" };

export type PlantModes = {
  readonly input: number;
  /** Raw number of the mode that an unknown one is taken for. */
  readonly unknownMeans: number;
};

export type Input = {
  readonly name: string;
  readonly at: Address;
  readonly kind: ValueKind;
  /** Names of an enumeration, by raw number; a number without a name is undecodable. */
  readonly states: ReadonlyMap<number, string>;
  readonly scaling: Scaling | null;
  /** Values outside are BAD (`span`). */
  readonly span: Span | null;
  readonly plausible: Span | null;
  readonly unit: string;
  readonly maxAgeUs: Us;
  readonly accuracy: number;
  readonly maxRatePerS: number | null;
  readonly frozen: { readonly afterUs: Us; readonly unless: Formula | null } | null;
  readonly measures: string | null;
};

export type Output = {
  readonly name: string;
  readonly at: Address;
  readonly kind: ValueKind;
  readonly states: ReadonlyMap<number, string>;
  readonly scaling: Scaling | null;
  readonly unit: string;
  /** How a bit of a register is written: by FC22, or as the whole word (every declared bit is ours). Null: not such a bit. */
  readonly bits: "mask" | "whole" | null;
  readonly safe: { readonly kind: "hold" } | { readonly kind: "value"; readonly raw: Raw };
  readonly below: "block" | "device-timer" | "relay" | "none" | null;
  /** Engineering limits, inclusive. */
  readonly range: Span | null;
  readonly step: number | null;
  readonly rampPerS: number | null;
  /** Net change from the value held when the window opened. */
  readonly drift: { readonly net: number; readonly windowUs: Us } | null;
  readonly deadband: number | null;
  readonly everyUs: Us | null;
  readonly budget: Window | null;
  readonly starts: Window | null;
  readonly minOnUs: Us | null;
  readonly minOffUs: Us | null;
  readonly minHoldUs: Us | null;
  readonly outside: "clamp" | "reject";
  readonly drive:
    | { readonly kind: "level" }
    | { readonly kind: "pulse"; readonly lengthUs: Us }
    | { readonly kind: "toggle" };
  readonly proof:
    | { readonly kind: "readback"; readonly tolerance: number; readonly withinUs: Us }
    | { readonly kind: "feedback"; readonly input: number; readonly withinUs: Us }
    | { readonly kind: "none" };
  /** Plant modes (raw) in which somebody else's change is taken over; in all others it trips, unless `otherwise` adopts. */
  readonly foreign: { readonly adoptIn: readonly number[]; readonly otherwise: "trip" | "adopt" };
};

/** Members are written in one request; `together` forbids single writes. */
export type Group = {
  readonly name: string;
  readonly outputs: readonly number[];
  readonly together: boolean;
};

/** What a rule is about: every write, any write to an output, or a write of one value to it. */
export type Subject =
  | { readonly kind: "any" }
  | { readonly kind: "output"; readonly output: number }
  | { readonly kind: "value"; readonly output: number; readonly raw: Raw };

export type Permissive = {
  readonly id: string;
  readonly subject: Subject;
  /** Position of the controller it is limited to; null: everybody. */
  readonly from: number | null;
  readonly needs: Formula;
  readonly why: string;
};

export type Always = { readonly id: string; readonly holds: Formula; readonly why: string };

/** BOOL outputs of which at most one may be TRUE. */
export type Exclusive = { readonly id: string; readonly outputs: readonly number[] };

export type Drive = { readonly output: number; readonly raw: Raw };
export type TripAction =
  { readonly kind: "safe-state" } | { readonly kind: "drive"; readonly writes: readonly Drive[] };

/**
 * `when` null: a built-in trip that an event fires, never a scan. Built-in ids: `foreign.<output>`,
 * `proof.<output>`, `lost.<device>`, `confirm.<n>` (n counts `confirm` rules from 0).
 */
export type Trip = {
  readonly id: string;
  readonly when: Formula | null;
  readonly forUs: Us;
  readonly blindForUs: Us;
  readonly action: TripAction;
  readonly reset: { readonly kind: "manual" } | { readonly kind: "auto"; readonly afterUs: Us };
  /** For a trip that sets one bit of a `bits: whole` word: the other bits, where neither read-back nor plan is known. */
  readonly unknownBits: Raw | null;
  readonly why: string;
};

export type Confirm = {
  readonly after: Drive;
  readonly expect: Formula;
  readonly withinUs: Us;
  /** Position of the trip that fires when the plant does not answer. */
  readonly trip: number;
};

export type SafeState = {
  /** In this order, each to the output's own `safe` value. */
  readonly order: readonly number[];
  readonly eachWithinUs: Us;
  readonly on: readonly ("profile-fault" | "evidence-full")[];
};

export type Controller = {
  readonly name: string;
  /** Positions of the outputs it may ask for. */
  readonly outputs: ReadonlySet<number>;
  /** Modbus functions it may use; null: every one that is served. */
  readonly functions: ReadonlySet<number> | null;
  readonly lease: Lease | null;
  /** 1 wins. */
  readonly priority: number;
  readonly commandMaxAgeUs: Us;
  readonly clientTimeoutUs: Us;
  readonly answer: "after-ack" | "after-proof";
  readonly readsBack: boolean;
  readonly budget: Window | null;
  readonly clamps: Window | null;
};

export type Lease = {
  readonly beat:
    | { readonly kind: "register"; readonly unit: number; readonly register: number }
    | { readonly kind: "command" }
    | { readonly kind: "topic" }
    | { readonly kind: "signed" };
  readonly everyUs: Us | null;
  readonly lapsesAfterUs: Us;
  readonly lapse:
    | { readonly kind: "hold" }
    | { readonly kind: "revert"; readonly to: readonly Drive[] }
    | { readonly kind: "safe-state" };
  readonly suspendAfter: Window | null;
};

/** A command that n distinct people must release. Until people's keys exist it can only be held. */
export type Approval = {
  readonly id: string;
  readonly subject: Subject;
  readonly while: Formula | null;
  readonly people: number;
  readonly distinct: boolean;
  readonly expiresUs: Us;
};

export type ReadableRange = {
  readonly device: number;
  readonly table: Table;
  readonly first: number;
  readonly last: number;
};

/** For the prover and for people; the kernel does not evaluate it. */
export type Hazard = {
  readonly id: string;
  readonly never: string;
  readonly coveredBy: readonly string[];
};
