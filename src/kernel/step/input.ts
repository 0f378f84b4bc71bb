import type { WriteRequest } from "../command/request.js";
import type { Auth, DoorKind } from "../record/entry.js";
import type { Raw, Us } from "../units.js";

/**
 * All that can happen to the kernel. Whatever fails outside becomes one of these; nothing else reaches it.
 * `ticket` is the guard's own number for one request of one door connection; the kernel only hands it back.
 */
export type Input =
  | CommandArrived
  /** The connection that asked is gone: what was not sent is withdrawn. */
  | { readonly kind: "command-gone"; readonly ticket: number }
  /** Every record up to and with `seq` is on stable storage. */
  | { readonly kind: "evidence-durable"; readonly seq: number }
  /** No record is durable, or the log may not grow, from here on until "evidence-restored". */
  | { readonly kind: "evidence-failed"; readonly why: string }
  | { readonly kind: "evidence-restored" }
  | SigningInput
  /** The device's line is free and nothing more urgent waits: the next durable permit may have its second look. */
  | { readonly kind: "line-free"; readonly device: number }
  | {
      readonly kind: "write-settled";
      readonly device: number;
      readonly seq: number;
      readonly result: WriteResult;
    }
  | {
      readonly kind: "read-back";
      readonly device: number;
      readonly seq: number;
      /** When the request left; null: the read failed or its answer was not understood. */
      readonly read: { readonly sentUs: Us; readonly words: readonly number[] } | null;
    }
  | BlockRead
  /** A planned block could not be read: its inputs keep their last sample and grow late. */
  | {
      readonly kind: "block-failed";
      readonly device: number;
      readonly block: number;
      readonly why: "timeout" | "exception" | "closed" | "malformed";
    }
  | {
      readonly kind: "device-link";
      readonly device: number;
      readonly up: boolean;
      readonly why: string;
    }
  | {
      readonly kind: "safe-write-settled";
      readonly device: number;
      readonly output: number;
      readonly attempt: number;
      readonly result: WriteResult;
    }
  | {
      readonly kind: "safe-read-back";
      readonly device: number;
      readonly output: number;
      readonly attempt: number;
      /** `raw`: the words at the output's address as read; for a bit of a register its whole word. */
      readonly read: { readonly sentUs: Us; readonly raw: Raw } | null;
    }
  /** A lease heartbeat by register; a value equal to the last one renews nothing. */
  | { readonly kind: "beat"; readonly controller: number; readonly value: number }
  | OperatorAct
  /** The guard's own scan, at a fixed period: everything that waits for time is looked at here. */
  | { readonly kind: "scan"; readonly latenessUs: Us }
  /** The loop stood still for longer than any command may wait. */
  | { readonly kind: "loop-gap"; readonly gapUs: Us }
  | { readonly kind: "clock-stepped"; readonly stepUs: Us; readonly utcUs: number }
  /** Denials alike that a door or the guard counted instead of sending (second per second). */
  | { readonly kind: "shutdown"; readonly why: string };

/** What becomes of the checkpoints of this run. They cover the log; no permit ever waits for one that is on its way. */
export type SigningInput =
  /**
   * Once, before anything else: nothing is permitted until a checkpoint of this run is on stable storage or, where that is
   * not `required`, until one could not be signed.
   */
  | { readonly kind: "signing-awaited"; readonly required: boolean; readonly why: string }
  /**
   * `foreign`: something answers in the key's place, and it is not the one that was provisioned. `behind`: it is, and it has
   * signed more than the log holds.
   */
  | {
      readonly kind: "signing-failed";
      readonly spki: Uint8Array;
      readonly why: string;
      readonly foreign: boolean;
      readonly behind: boolean;
    }
  /** A checkpoint of this run is on stable storage. */
  | { readonly kind: "signing-done"; readonly spki: Uint8Array };

export type CommandArrived = {
  readonly kind: "command";
  readonly ticket: number;
  /** 16 bytes, unique, made by the guard (never inside the kernel: it has no randomness). */
  readonly id: Uint8Array;
  readonly controller: number;
  readonly door: DoorKind;
  readonly auth: Auth;
  /** As received, for evidence. */
  readonly bytes: Uint8Array;
  readonly bytesHash: Uint8Array | null;
  readonly arrivedUs: Us;
  /** Null: nothing that could be judged; `refusal` is the reason code that says why. */
  readonly request: WriteRequest | null;
  readonly refusal:
    "function" | "malformed" | "unit" | "size" | "tag-unknown" | "busy" | "withdrawn" | null;
};

/**
 * `unknown`: sent, and no answer that can be trusted. `not-sent`: no byte left the gateway, for nothing could carry it
 * to the device (`no-line`) or its moment had passed (`too-late`).
 */
export type WriteResult =
  | { readonly kind: "acknowledged"; readonly reply: Uint8Array }
  | { readonly kind: "exception"; readonly code: number; readonly reply: Uint8Array }
  | { readonly kind: "unknown"; readonly why: string }
  | {
      readonly kind: "not-sent";
      readonly cause: "no-line" | "too-late";
      readonly why: string;
    };

export type BlockRead = {
  readonly kind: "block-read";
  readonly device: number;
  /** Position in the device's read plan. */
  readonly block: number;
  readonly sentUs: Us;
  /** Registers, or bits as 0 and 1. */
  readonly words: readonly number[];
};

/** Until people's keys exist, `person` is what was typed, and the record says UNSIGNED. */
export type OperatorAct = {
  readonly kind: "operator";
  readonly person: string;
  readonly why: string;
  readonly act:
    | { readonly kind: "stop-ai"; readonly safe: boolean }
    | { readonly kind: "reset"; readonly trip: string }
    | { readonly kind: "accept-log" };
};
