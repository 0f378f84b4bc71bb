import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileFormula } from "../../src/kernel/condition/evaluate.js";
import { checkExpression } from "../../src/profile/expression/checker.js";
import { parseExpression } from "../../src/profile/expression/parser.js";
import { makeReading } from "../../src/profile/expression/quantity.js";
import type { Typed } from "../../src/profile/expression/typed.js";
import { findUnit } from "../../src/profile/unit.js";

const SEED = 20_261_101;

/** A condition as the generator means it: independent of the parser's tree and of the kernel's formulas. */
type Meant =
  | { readonly kind: "truth"; readonly value: boolean }
  | { readonly kind: "bit"; readonly name: string }
  | {
      readonly kind: "state";
      readonly op: "=" | "<>";
      readonly name: string;
      readonly state: string;
    }
  | {
      readonly kind: "compare";
      readonly op: "<" | "<=" | ">" | ">=";
      readonly left: Sum;
      readonly right: Sum;
    }
  | { readonly kind: "not"; readonly of: Meant }
  | {
      readonly kind: "join";
      readonly op: "AND" | "OR" | "XOR" | "=" | "<>";
      readonly left: Meant;
      readonly right: Meant;
    }
  | { readonly kind: "vote"; readonly need: number; readonly of: readonly Meant[] };
/** Numbers in centimetres; `times` is a whole number, so that both evaluations are exact. */
type Sum =
  | { readonly kind: "constant"; readonly cm: number; readonly unit: "m" | "cm" }
  | { readonly kind: "tag"; readonly name: string }
  | { readonly kind: "times"; readonly times: number; readonly of: Sum }
  | { readonly kind: "sum"; readonly op: "+" | "-"; readonly left: Sum; readonly right: Sum };

const BITS = ["open", "shut", "run.fast"];
const LEVELS = ["level", "depth"];
const STATES = ["OFF", "AI", "FLUSH"];
const SLOTS = [...BITS, ...LEVELS, "mode"];

function readingInCm(slot: number): Typed {
  const unit = findUnit("cm");
  if (unit === null) throw new Error("cm is a unit");
  return makeReading(slot, unit);
}
const NAMES = new Map<string, Typed>(
  SLOTS.map((name, slot): [string, Typed] => {
    if (LEVELS.includes(name)) return [name, readingInCm(slot)];
    if (name !== "mode") return [name, { kind: "truth", formula: { kind: "slot", slot }, size: 1 }];
    const states = new Map(STATES.map((state, raw) => [raw, state]));
    return [name, { kind: "state", term: { kind: "slot", slot }, states, size: 1 }];
  }),
);

const { sum } = fc.letrec<{ sum: Sum }>((tie) => ({
  sum: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({ kind: fc.constant("tag" as const), name: fc.constantFrom(...LEVELS) }),
    fc.record({
      kind: fc.constant("constant" as const),
      cm: fc.integer({ min: 0, max: 600 }),
      unit: fc.constantFrom("m" as const, "cm" as const),
    }),
    fc.record({
      kind: fc.constant("times" as const),
      times: fc.integer({ min: 0, max: 4 }),
      of: tie("sum"),
    }),
    fc.record({
      kind: fc.constant("sum" as const),
      op: fc.constantFrom("+" as const, "-" as const),
      left: tie("sum"),
      right: tie("sum"),
    }),
  ),
}));

const { meant } = fc.letrec<{ meant: Meant }>((tie) => ({
  meant: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({ kind: fc.constant("bit" as const), name: fc.constantFrom(...BITS) }),
    fc.record({ kind: fc.constant("truth" as const), value: fc.boolean() }),
    fc.record({
      kind: fc.constant("state" as const),
      op: fc.constantFrom("=" as const, "<>" as const),
      name: fc.constant("mode"),
      state: fc.constantFrom(...STATES),
    }),
    fc.record({
      kind: fc.constant("compare" as const),
      op: fc.constantFrom("<" as const, "<=" as const, ">" as const, ">=" as const),
      left: sum,
      right: sum,
    }),
    fc.record({ kind: fc.constant("not" as const), of: tie("meant") }),
    fc.record({
      kind: fc.constant("join" as const),
      op: fc.constantFrom(
        "AND" as const,
        "OR" as const,
        "XOR" as const,
        "=" as const,
        "<>" as const,
      ),
      left: tie("meant"),
      right: tie("meant"),
    }),
    fc
      .uniqueArray(tie("meant"), {
        minLength: 1,
        maxLength: 4,
        selector: (member) => JSON.stringify(member),
      })
      .chain((of) =>
        fc.record({
          kind: fc.constant("vote" as const),
          need: fc.integer({ min: 1, max: of.length }),
          of: fc.constant(of),
        }),
      ),
  ),
}));

/** Parentheses only where precedence needs them: prints what `POWER` must read back. */
const POWER = {
  OR: 1,
  XOR: 2,
  AND: 3,
  "=": 4,
  "<>": 4,
  "<": 4,
  "<=": 4,
  ">": 4,
  ">=": 4,
  "+": 5,
  "-": 5,
  "*": 6,
};

function print(node: Meant, above: number): string {
  const wrap = (text: string, power: number): string => (power <= above ? `(${text})` : text);
  switch (node.kind) {
    case "truth":
      return node.value ? "TRUE" : "FALSE";
    case "bit":
      return node.name;
    case "state":
      return wrap(`${node.name} ${node.op} ${node.state}`, POWER["="]);
    case "compare":
      return wrap(
        `${printSum(node.left, POWER["<"])} ${node.op} ${printSum(node.right, POWER["<"])}`,
        POWER["<"],
      );
    case "not":
      return `NOT ${print(node.of, 9)}`;
    case "join": {
      const power = POWER[node.op];
      // Comparisons do not chain, so both their sides are wrapped; the others lean to the left.
      const left = power === POWER["="] ? power : power - 1;
      return wrap(`${print(node.left, left)} ${node.op} ${print(node.right, power)}`, power);
    }
    case "vote":
      return `VOTE(${node.need}, ${node.of.map((member) => print(member, 0)).join(", ")})`;
  }
}

function printSum(node: Sum, above: number): string {
  const wrap = (text: string, power: number): string => (power <= above ? `(${text})` : text);
  switch (node.kind) {
    case "constant":
      return node.unit === "cm" ? `${node.cm} cm` : `${(node.cm / 100).toFixed(2)} m`;
    case "tag":
      return node.name;
    case "times":
      return wrap(`${node.times} * ${printSum(node.of, POWER["*"])}`, POWER["*"]);
    case "sum":
      return wrap(
        `${printSum(node.left, POWER["+"] - 1)} ${node.op} ${printSum(node.right, POWER["+"])}`,
        POWER["+"],
      );
  }
}

/** Kleene truth by the book: undefined is unknown. Written without looking at the kernel's evaluator. */
type Maybe<T> = T | undefined;
type Plant = Readonly<Record<string, number>>;

function judge(node: Meant, plant: Plant): Maybe<boolean> {
  switch (node.kind) {
    case "truth":
      return node.value;
    case "bit":
      return Number.isNaN(plant[node.name]) ? undefined : plant[node.name] === 1;
    case "state": {
      const raw = plant[node.name];
      if (raw === undefined || Number.isNaN(raw)) return undefined;
      return (STATES[raw] === node.state) === (node.op === "=");
    }
    case "compare":
      return compare(node.op, measure(node.left, plant), measure(node.right, plant));
    case "not": {
      const of = judge(node.of, plant);
      return of === undefined ? undefined : !of;
    }
    case "join":
      return joinTruth(node.op, judge(node.left, plant), judge(node.right, plant));
    case "vote": {
      const votes = node.of.map((member) => judge(member, plant));
      if (votes.filter((vote) => vote === true).length >= node.need) return true;
      return votes.filter((vote) => vote !== false).length < node.need ? false : undefined;
    }
  }
}

function compare(op: "<" | "<=" | ">" | ">=", left: number, right: number): Maybe<boolean> {
  if (Number.isNaN(left) || Number.isNaN(right)) return undefined;
  return { "<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right }[op];
}

function joinTruth(
  op: "AND" | "OR" | "XOR" | "=" | "<>",
  left: Maybe<boolean>,
  right: Maybe<boolean>,
): Maybe<boolean> {
  if (op === "AND" && (left === false || right === false)) return false;
  if (op === "OR" && (left === true || right === true)) return true;
  if (left === undefined || right === undefined) return undefined;
  if (op === "AND") return left && right;
  if (op === "OR") return left || right;
  return (left === right) === (op === "=");
}

function measure(node: Sum, plant: Plant): number {
  switch (node.kind) {
    case "constant":
      return node.cm;
    case "tag":
      return plant[node.name] ?? NaN;
    case "times":
      return node.times * measure(node.of, plant);
    case "sum": {
      const left = measure(node.left, plant);
      const right = measure(node.right, plant);
      return node.op === "+" ? left + right : left - right;
    }
  }
}

/** Readings around the constants, and unknown ones. */
const plants = fc.record({
  ...Object.fromEntries(BITS.map((name) => [name, fc.constantFrom(0, 1, NaN)])),
  ...Object.fromEntries(
    LEVELS.map((name) => [name, fc.oneof(fc.integer({ min: 0, max: 600 }), fc.constant(NaN))]),
  ),
  mode: fc.constantFrom(0, 1, 2, NaN),
});

function memoryOf(plant: Plant): { lo: Float64Array; hi: Float64Array } {
  const values = Float64Array.from(SLOTS, (name) => plant[name] ?? NaN);
  return { lo: values, hi: values.slice() };
}

const WORDS = ["FALSE", "UNKNOWN", "TRUE"];
const wordOf = (truth: Maybe<boolean>): string =>
  truth === undefined ? "UNKNOWN" : truth ? "TRUE" : "FALSE";

const KNOWN_LIMITS = [
  "longer than",
  "nested too deeply",
  "VOTE counts the same",
  "terms, signals put in",
  "must be a constant",
];

describe(`random conditions [seed ${SEED}]`, () => {
  it("read back as printed, and judge as an evaluator written apart from the kernel does", () => {
    const reached: Record<string, number> = {};
    fc.assert(
      fc.property(meant, fc.array(plants, { minLength: 4, maxLength: 4 }), (node, moments) => {
        const text = print(node, 0);
        const parsed = parseExpression(text);
        const faults =
          "fault" in parsed
            ? [parsed.fault]
            : checkExpression(parsed.ast, { names: NAMES, used: () => undefined }).faults;
        if (faults.length > 0) {
          const message = faults[0]?.message ?? "";
          const isLimit = KNOWN_LIMITS.some((limit) => message.includes(limit));
          expect(isLimit, `${text}: ${message}`).toBe(true);
          return;
        }
        if ("fault" in parsed) return;
        const { typed } = checkExpression(parsed.ast, { names: NAMES, used: () => undefined });
        if (typed.kind !== "truth") throw new Error(`${text} is not a condition`);
        const evaluate = compileFormula(typed.formula);
        for (const plant of moments) {
          const answer = WORDS[evaluate(memoryOf(plant))] ?? "";
          expect(`${text} is ${answer}`).toBe(`${text} is ${wordOf(judge(node, plant))}`);
          reached[answer] = (reached[answer] ?? 0) + 1;
        }
      }),
      { seed: SEED, numRuns: 3_000 },
    );
    // A generator that hardly reaches an answer would prove nothing about it.
    for (const word of WORDS) expect(reached[word] ?? 0, word).toBeGreaterThan(1_000);
  });

  it("never make the parser throw, whatever the text", () => {
    const pieces = fc.constantFrom(
      "AND",
      "NOT",
      "VOTE(",
      "(",
      ")",
      ",",
      "<",
      "=",
      "1",
      "m",
      " ",
      "level",
      "open",
      "-",
      "*",
      "é",
      "\0",
      "1e9",
      "..",
      "&&",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(pieces, { maxLength: 60 }).map((list) => list.join(" ")),
        ),
        (text) => {
          const parsed = parseExpression(text);
          if ("fault" in parsed) {
            expect(parsed.fault.from).toBeGreaterThanOrEqual(0);
            expect(parsed.fault.to).toBeGreaterThan(parsed.fault.from);
            return;
          }
          checkExpression(parsed.ast, { names: NAMES, used: () => undefined });
        },
      ),
      { seed: SEED, numRuns: 5_000 },
    );
  });
});
