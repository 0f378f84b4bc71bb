import type { Memory } from "../condition/evaluate.js";
import type { Truth } from "../condition/truth.js";
import type { Raw } from "../units.js";
import type { Always, Approval, Exclusive, Permissive, ProfileModel } from "./model.js";
import type { Quantity } from "./quantity.js";

/**
 * A profile made ready for judging: same model, with closures instead of formulas and everything that a
 * verdict would otherwise search for found beforehand. Remembers nothing; one may serve many kernels.
 */
export type CompiledProfile = {
  readonly model: ProfileModel;
  /** Evaluation memory: inputs, outputs, then the value asked for. */
  readonly slots: { readonly outputs: number; readonly cmd: number; readonly count: number };
  /** By position of the input (output). */
  readonly inputs: readonly Quantity[];
  readonly outputs: readonly CompiledOutput[];
  readonly controllers: readonly CompiledController[];
  /** By position of the trip; null: fired by an event only. */
  readonly trips: readonly (Condition | null)[];
  readonly confirms: readonly Condition[];
  /** By position of the input: what allows it to stand still. */
  readonly frozenUnless: readonly (Condition | null)[];
  readonly inputByName: ReadonlyMap<string, number>;
  readonly outputByName: ReadonlyMap<string, number>;
  readonly controllerByName: ReadonlyMap<string, number>;
  readonly deviceByName: ReadonlyMap<string, number>;
  readonly tripById: ReadonlyMap<string, number>;
  /** What a write to this coil or holding register would touch; null: nothing of the profile. */
  readonly writableAt: (device: number, table: "co" | "hr", register: number) => Place | null;
  /**
   * Number of a rule in the profile's order: permissives, always, exclusive, trips, approvals, counted
   * from 1; null: no such rule.
   */
  readonly ruleNumber: (id: string) => number | null;
  /**
   * Working memory of one judgement, wiped at its start and meaningless after its end: judging is
   * synchronous and never nested, and two fresh arrays for each command cost more than all its rules.
   */
  readonly scratch: Memory;
  /** As many NaN as the memory has slots, to wipe it with: copying is several times as fast as filling. Never written. */
  readonly unknown: Float64Array;
};

export type Condition = {
  readonly truth: (memory: Memory) => Truth;
  /** Positions of the inputs and outputs it reads, ascending. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly readsCmd: boolean;
};

export type CompiledOutput = {
  readonly quantity: Quantity;
  /** Outermost places (ordinals) inside the range; null: no range. Empty range: first > last. */
  readonly range: { readonly first: number; readonly last: number } | null;
  /** Controllers that can hold it by a lease. */
  readonly claimants: readonly number[];
};

export type CompiledController = { readonly plans: readonly OutputPlans[] };

/** Rules about one output for one controller, by the value asked where a rule names one. */
export type OutputPlans = {
  readonly byRaw: ReadonlyMap<Raw, RulePlan>;
  readonly otherwise: RulePlan;
};

export type RulePlan = {
  readonly permissives: readonly { readonly rule: Permissive; readonly needs: Condition }[];
  readonly always: readonly { readonly rule: Always; readonly holds: Condition }[];
  /** Only where the value asked is TRUE. */
  readonly exclusive: readonly Exclusive[];
  readonly approvals: readonly { readonly rule: Approval; readonly while: Condition | null }[];
  /** Inputs these rules read; and outputs, without the one asked for. Ascending. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
};

/** What stands at one coil or holding register. */
export type Place =
  | { readonly kind: "coil"; readonly output: number }
  /** Word `word` of the output's one or two. */
  | { readonly kind: "value"; readonly output: number; readonly word: 0 | 1 }
  /** Declared bits, lowest first. */
  | {
      readonly kind: "bits";
      readonly whole: boolean;
      readonly members: readonly { readonly output: number; readonly bit: number }[];
    }
  /** An input: known, never writable. */
  | { readonly kind: "input" };
