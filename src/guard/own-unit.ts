import { VERDICTS } from "../kernel/record/entry.js";
import { MODES } from "../kernel/record/look.js";
import { REASONS, type ReasonCode } from "../kernel/record/reason.js";
import type { Why } from "../kernel/step/effect.js";
import type { KernelState } from "../kernel/step/kernel-state.js";
import type { ProfileModel } from "../kernel/profile/model.js";
import type { Raw, Us } from "../kernel/units.js";

/**
 * Input registers of the gateway's own unit (definitions.md, own unit): 16 bit each, longer numbers high
 * word first. Block starts and their lengths in registers.
 */
export const STATUS_AT = 0;
export const WHY_AT = 16;
export const WINDOWS_AT = 100;
export const LONG_WINDOWS_AT = 1_000;

const LAYOUT_VERSION = 1;
const WHY_REGISTERS = 15;
const WINDOW_REGISTERS = 4;
const LONG_WINDOW_REGISTERS = 6;
const NO_OUTPUT = 0xffff;
const REASON_NUMBERS: ReadonlyMap<ReasonCode, number> = new Map(
  REASONS.map(({ code, number }) => [code, number]),
);

/** Lease as IR2 says it. */
const LEASE = { none: 0, live: 1, lapsed: 2, suspended: 3 } as const;

/** Interval around the present value in which one output alone would be permitted now; advice, never a promise. */
export type WindowView = {
  readonly empty: boolean;
  readonly unknown: boolean;
  readonly low: Raw;
  readonly high: Raw;
};

/** IR0..5 for one controller. */
export function statusWords(
  model: ProfileModel,
  state: KernelState,
  controller: number,
  now: { readonly us: Us; readonly evidenceSound: boolean },
): Uint8Array {
  const words = new Words(6);
  const lease = leaseView(model, state, controller, now.us);
  words.put(LAYOUT_VERSION);
  words.put(MODES.indexOf(state.folded.mode));
  words.put(lease.state);
  words.putLong(lease.leftMs);
  words.put(now.evidenceSound && state.folded.evidenceWritable ? 1 : 0);
  return words.bytes;
}

/**
 * IR16..30: why the controller's last command was answered as it was. Flags: 1 value asked, 2 nearest
 * value, 4 time until free, 8 evidence number are there; 16 values are cut to their low 16 bits.
 */
export function whyWords(why: Why, nowUs: Us): Uint8Array {
  const words = new Words(WHY_REGISTERS);
  const seq = why.seq ?? 0;
  words.put(VERDICTS.indexOf(why.verdict));
  words.put(why.code === null ? 0 : (REASON_NUMBERS.get(why.code) ?? 0));
  words.put(why.rule ?? 0);
  words.put(why.output ?? NO_OUTPUT);
  words.put(why.asked ?? 0);
  words.put(why.nearest ?? 0);
  words.put(whyFlags(why));
  words.putLong(Math.ceil((why.freeUs ?? 0) / 1_000));
  words.putLong(Math.floor(seq / 0x1_0000_0000));
  words.putLong(seq % 0x1_0000_0000);
  words.putLong(Math.floor(Math.max(0, nowUs - why.atUs) / 1_000));
  return words.bytes;
}

function whyFlags({ asked, nearest, freeUs, seq }: Why): number {
  const there = [asked, nearest, freeUs, seq].map((value, bit) => (value === null ? 0 : 1 << bit));
  const cut = (asked ?? 0) > 0xffff || (nearest ?? 0) > 0xffff;
  return there.reduce((flags, flag) => flags | flag, cut ? 16 : 0);
}

/** Where the window of an output stands, or null: it has none (no number, or beyond the layout). */
export function windowPlace(
  model: ProfileModel,
  output: number,
): { readonly start: number; readonly long: boolean } | null {
  const tag = model.outputs[output];
  if (tag?.kind !== "number") return null;
  const { format } = tag.at;
  if (format === "u16" || format === "i16") {
    const start = WINDOWS_AT + WINDOW_REGISTERS * output;
    return start + WINDOW_REGISTERS <= LONG_WINDOWS_AT ? { start, long: false } : null;
  }
  if (format === "bit") return null;
  return { start: LONG_WINDOWS_AT + LONG_WINDOW_REGISTERS * output, long: true };
}

export function windowWords(view: WindowView, long: boolean, ageUs: Us): Uint8Array {
  const words = new Words(long ? LONG_WINDOW_REGISTERS : WINDOW_REGISTERS);
  words.put((view.empty ? 1 : 0) | (view.unknown ? 2 : 0));
  for (const raw of [view.low, view.high]) {
    if (long) words.putLong(raw);
    else words.put(raw);
  }
  words.put(Math.min(0xffff, Math.floor(ageUs / 10_000)));
  return words.bytes;
}

function leaseView(
  model: ProfileModel,
  state: KernelState,
  controller: number,
  nowUs: Us,
): { readonly state: number; readonly leftMs: number } {
  const rule = model.controllers[controller]?.lease ?? null;
  const folded = state.folded.controllers[controller];
  if (rule === null || folded === undefined) return { state: LEASE.none, leftMs: 0 };
  if (folded.suspendedUntilUs !== null && folded.suspendedUntilUs > nowUs) {
    return { state: LEASE.suspended, leftMs: 0 };
  }
  if (folded.lease === null) return { state: LEASE.lapsed, leftMs: 0 };
  const beatUs = Math.max(folded.lease.beatUs, state.live.leases[controller]?.beatUs ?? 0);
  const leftUs = Math.max(0, beatUs + rule.lapsesAfterUs - nowUs);
  return { state: leftUs > 0 ? LEASE.live : LEASE.lapsed, leftMs: Math.floor(leftUs / 1_000) };
}

/** Registers filled from the first on. */
class Words {
  readonly bytes: Uint8Array;
  #at = 0;

  constructor(registers: number) {
    this.bytes = new Uint8Array(registers * 2);
  }

  put(word: number): void {
    this.bytes[this.#at] = (word >>> 8) & 0xff;
    this.bytes[this.#at + 1] = word & 0xff;
    this.#at += 2;
  }

  /** Saturates: a time too long to tell is the longest that can be told. */
  putLong(value: number): void {
    const fits = Math.min(0xffff_ffff, Math.max(0, value));
    this.put(Math.floor(fits / 0x1_0000));
    this.put(fits % 0x1_0000);
  }
}
