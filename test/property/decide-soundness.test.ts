import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileFormula, type Memory } from "../../src/kernel/condition/evaluate.js";
import type { Comparison, Formula, Term } from "../../src/kernel/condition/term.js";
import { FALSE, TRUE } from "../../src/kernel/condition/truth.js";
import { decide } from "../../src/kernel/decide/decide.js";
import { gatherFacts } from "../../src/kernel/decide/gather-facts.js";
import { compileProfile } from "../../src/kernel/profile/compile.js";
import type { OutcomeKind } from "../../src/kernel/record/entry.js";
import { restoreState, snapshotState } from "../../src/kernel/state/snapshot.js";
import type { FoldedState } from "../../src/kernel/state/state.js";
import { append, decisionOf, outcome } from "../support/entries.js";
import { add, and, compare, not, on, or, val } from "../support/formula.js";
import { askFor, goodImage, NOW, readyState } from "../support/judging.js";
import { buildModel, outSlot } from "../support/model.js";
import { seeded } from "../support/seeded.js";
import { share } from "../support/share.js";
import { address, controller, output } from "../support/tags.js";

const SEED = 20_260_202;

/** Slots 0 to 2 hold BOOLs, 3 to 5 numbers. */
const SLOTS = 6;
const bools = fc.constantFrom(0, 1, 2);
const numbers = fc.integer({ min: 3, max: 5 });
const small = fc.integer({ min: -3, max: 3 });

const term: fc.Arbitrary<Term> = fc.letrec<{ term: Term }>((tie) => ({
  term: fc.oneof(
    { maxDepth: 3 },
    numbers.map((slot): Term => ({ kind: "slot", slot })),
    small.map((value): Term => ({ kind: "number", value })),
    fc.record({
      kind: fc.constantFrom("add" as const, "subtract" as const),
      left: tie("term"),
      right: tie("term"),
    }),
    fc.record({ kind: fc.constant("scale" as const), factor: small, of: tie("term") }),
    fc.record({ kind: fc.constant("negate" as const), of: tie("term") }),
  ),
})).term;

const comparisons: readonly Comparison[] = ["<", "<=", ">", ">=", "=", "<>"];
const formula: fc.Arbitrary<Formula> = fc.letrec<{ formula: Formula }>((tie) => ({
  formula: fc.oneof(
    { maxDepth: 4 },
    bools.map((slot): Formula => ({ kind: "slot", slot })),
    fc.record({
      kind: fc.constant("compare" as const),
      op: fc.constantFrom(...comparisons),
      left: term,
      right: term,
    }),
    fc.record({ kind: fc.constant("not" as const), of: tie("formula") }),
    fc.record({
      kind: fc.constantFrom("and" as const, "or" as const, "xor" as const, "same" as const),
      left: tie("formula"),
      right: tie("formula"),
    }),
    fc.record({
      kind: fc.constant("vote" as const),
      need: fc.integer({ min: 1, max: 3 }),
      of: fc.array(tie("formula"), { minLength: 1, maxLength: 3 }),
    }),
  ),
})).formula;

/** What one slot may be; null: unknown, so anything. */
const slotValues = fc.array(
  fc.option(fc.array(small, { minLength: 1, maxLength: 3 }), { freq: 9 }),
  {
    minLength: SLOTS,
    maxLength: SLOTS,
  },
);

describe(`conditions over every value a slot may have (seed ${SEED})`, () => {
  it("are TRUE or FALSE only where plain evaluation is, for every choice, and say UNKNOWN seldom enough", () => {
    const certain = { yes: 0, no: 0 };
    fc.assert(
      fc.property(formula, slotValues, (condition, drawn) => {
        const values = drawn.map((list, slot) =>
          list === null || slot > 2 ? list : list.map((value) => (value > 0 ? 1 : 0)),
        );
        const truth = compileFormula(condition)(boxOf(values));
        if (truth !== TRUE && truth !== FALSE) return;
        certain[truth === TRUE ? "yes" : "no"] += 1;
        for (const choice of choices(
          values.map((list, slot) => list ?? (slot > 2 ? [-9, 0, 9] : [0, 1])),
        )) {
          expect(isTrue(condition, choice)).toBe(truth === TRUE);
        }
      }),
      { seed: SEED, numRuns: share(30_000, 3_000) },
    );
    expect(certain.yes).toBeGreaterThan(share(3_000, 300));
    expect(certain.no).toBeGreaterThan(share(3_000, 300));
  });
});

/*
 * Commands in flight. Four outputs in one row: three coils a, b, c and two speeds. Whatever part of the
 * unsettled writes succeeds, in order, no joint state may break a rule.
 */
const A = 0;
const B = 1;
const C = 2;
const FAST1 = 3;
const FAST2 = 4;
const speed = (name: string, register: number): ReturnType<typeof output> =>
  output(name, { at: address("hr", register), kind: "number", range: { low: 0, high: 60 } });
const model = buildModel({
  outputs: [
    output("a", { at: address("co", 10) }),
    output("b", { at: address("co", 11) }),
    output("c", { at: address("co", 12) }),
    speed("v", 20),
    speed("w", 21),
  ],
  groups: [{ name: "bc", outputs: [B, C], together: false }],
  permissives: [],
  trips: [],
  always: [
    {
      id: "A-1",
      holds: or(
        compare(add(val(outSlot(FAST1)), val(outSlot(FAST2))), "<=", 90),
        not(and(on(outSlot(A)), on(outSlot(B)))),
      ),
      why: "",
    },
    { id: "A-2", holds: or(not(on(outSlot(C))), compare(outSlot(FAST1), "<", 40)), why: "" },
  ],
  exclusive: [{ id: "X-1", outputs: [B, C] }],
  safeState: { order: [], eachWithinUs: 1, on: [] },
  controllers: [controller("ai", { outputs: new Set([A, B, C, FAST1, FAST2]) })],
});
const profile = compileProfile(model);

/** The rules once more, on plain values. */
function isAllowed(state: readonly number[]): boolean {
  const [a, b, c, v, w] = state;
  const sum = (v ?? 0) + (w ?? 0) <= 90 || !(a === 1 && b === 1);
  return sum && (c !== 1 || (v ?? 0) < 40) && !(b === 1 && c === 1);
}

type Flight = {
  readonly id: number;
  readonly seq: number;
  readonly writes: readonly (readonly [number, number])[];
  unknown: boolean;
};

describe(`commands in flight (seed ${SEED})`, () => {
  it("leave no joint state that breaks a rule, whichever of the unsettled writes succeed [HP-034]", () => {
    let permits = 0;
    let together = 0;
    let denials = 0;
    for (let run = 0; run < share(4_000, 250); run += 1) {
      const random = seeded(SEED + run);
      let state = start();
      const flights: Flight[] = [];
      for (let turn = 0; turn < 30; turn += 1) {
        const nowUs = NOW + turn * 1000;
        if (flights.length >= 8 || (flights.length > 0 && random.below(3) === 0)) {
          state = settle(state, flights, random.below, nowUs);
          continue;
        }
        const ask = askFor(drawWrites(random.below));
        const look = gatherFacts(profile, { image: goodImage(), state, nowUs }, ask, null);
        const made = decide(profile, ask, look);
        const seq = state.nextSeq;
        state = append(profile, state, [nowUs, decisionOf(seq, made, look)]);
        if (made.verdict !== "permit") {
          denials += 1;
          continue;
        }
        permits += 1;
        flights.push({
          id: seq,
          seq,
          writes: ask.writes.map(({ output: to, raw }) => [to, raw]),
          unknown: false,
        });
        if (flights.length > 1) together += 1;
        const broken = [...jointStates(state, flights)].filter((joint) => !isAllowed(joint));
        expect({ run, turn, broken }).toEqual({ run, turn, broken: [] });
      }
      expect(restoreState(profile, snapshotState(state))).toEqual({ ok: true, state });
    }
    expect(permits).toBeGreaterThan(share(20_000, 1_200));
    expect(together).toBeGreaterThan(share(8_000, 500));
    expect(denials).toBeGreaterThan(share(8_000, 500));
  });
});

function start(): FoldedState {
  const ready = readyState(profile);
  return {
    ...ready,
    outputs: ready.outputs.map((known, index) => {
      const raw = index === FAST1 || index === FAST2 ? 30 : 0;
      return { ...known, proven: { raw, atUs: 0 }, held: [{ fromUs: 0, raw }] };
    }),
  };
}

function drawWrites(below: (limit: number) => number): readonly (readonly [number, number])[] {
  const pick = below(7);
  if (pick < 3) return [[pick, below(2)]];
  if (pick === 3) {
    return [
      [B, below(2)],
      [C, below(2)],
    ];
  }
  const speeds = [29, 30, 39, 40, 45, 46, 50, 60];
  return [[pick % 2 === 0 ? FAST1 : FAST2, speeds[below(speeds.length)] ?? 30]];
}

/** Oldest first, as the line sends them; one that is unknown may be resolved at any later time. */
function settle(
  state: FoldedState,
  flights: Flight[],
  below: (limit: number) => number,
  nowUs: number,
): FoldedState {
  const place = flights.findIndex((flight) => !flight.unknown);
  const at = place < 0 || below(3) === 0 ? below(flights.length) : place;
  const flight = flights[at];
  if (flight === undefined) return state;
  const kinds: readonly OutcomeKind[] = flight.unknown
    ? ["resolved-done", "resolved-not-done"]
    : at === place
      ? ["done", "done", "exception", "withdrawn", "unknown"]
      : ["withdrawn"];
  const kind = kinds[below(kinds.length)] ?? "withdrawn";
  if (kind === "unknown") flight.unknown = true;
  else flights.splice(at, 1);
  return append(profile, state, [nowUs, outcome(flight.id, kind), flight.seq]);
}

/** What the plant may look like: proven values, then any subset of the unsettled writes, in order. */
function* jointStates(
  state: FoldedState,
  flights: readonly Flight[],
): Generator<readonly number[]> {
  const base = state.outputs.map(({ proven }) => proven?.raw ?? NaN);
  for (let subset = 0; subset < 2 ** flights.length; subset += 1) {
    const joint = [...base];
    flights.forEach((flight, place) => {
      if (((subset >>> place) & 1) === 0) return;
      for (const [to, raw] of flight.writes) joint[to] = raw;
    });
    yield joint;
  }
}

function boxOf(values: readonly (readonly number[] | null)[]): Memory {
  return {
    lo: Float64Array.from(values, (list) => (list === null ? NaN : Math.min(...list))),
    hi: Float64Array.from(values, (list) => (list === null ? NaN : Math.max(...list))),
  };
}

function* choices(lists: readonly (readonly number[])[]): Generator<readonly number[]> {
  const [first, ...rest] = lists;
  if (first === undefined) {
    yield [];
    return;
  }
  for (const tail of choices(rest)) for (const value of first) yield [value, ...tail];
}

/** Plain two-valued evaluation. */
function isTrue(condition: Formula, at: readonly number[]): boolean {
  switch (condition.kind) {
    case "constant":
      return condition.value;
    case "slot":
      return at[condition.slot] === 1;
    case "not":
      return !isTrue(condition.of, at);
    case "and":
      return isTrue(condition.left, at) && isTrue(condition.right, at);
    case "or":
      return isTrue(condition.left, at) || isTrue(condition.right, at);
    case "xor":
      return isTrue(condition.left, at) !== isTrue(condition.right, at);
    case "same":
      return isTrue(condition.left, at) === isTrue(condition.right, at);
    case "vote":
      return condition.of.filter((member) => isTrue(member, at)).length >= condition.need;
    case "compare": {
      const left = valueOf(condition.left, at);
      const right = valueOf(condition.right, at);
      switch (condition.op) {
        case "<":
          return left < right;
        case "<=":
          return left <= right;
        case ">":
          return left > right;
        case ">=":
          return left >= right;
        case "=":
          return left === right;
        case "<>":
          return left !== right;
      }
    }
  }
}

function valueOf(node: Term, at: readonly number[]): number {
  switch (node.kind) {
    case "number":
      return node.value;
    case "slot":
      return at[node.slot] ?? NaN;
    case "negate":
      return -valueOf(node.of, at);
    case "scale":
      return node.factor * valueOf(node.of, at);
    case "add":
      return valueOf(node.left, at) + valueOf(node.right, at);
    case "subtract":
      return valueOf(node.left, at) - valueOf(node.right, at);
  }
}
