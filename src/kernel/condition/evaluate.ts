import type { Comparison, Formula, Term } from "./term.js";
import { FALSE, TRUE, type Truth, UNKNOWN } from "./truth.js";

/**
 * What conditions read: per slot the interval of values it may have. Both ends NaN: unknown. A certain
 * value has equal ends; a BOOL is 0 or 1, and [0, 1] where it may be either.
 */
export type Memory = { readonly lo: Float64Array; readonly hi: Float64Array };

/**
 * Compiles a checked condition to closures; no code is generated. The result is sound: TRUE (FALSE) means
 * true (false) for every choice of one value from each slot's interval. It may be UNKNOWN where a search
 * over choices could tell more. NaN and infinities, read or computed, never give TRUE or FALSE.
 */
export function compileFormula(formula: Formula): (memory: Memory) => Truth {
  switch (formula.kind) {
    case "constant": {
      const value = formula.value ? TRUE : FALSE;
      return () => value;
    }
    case "slot":
      return readBool(formula.slot);
    case "not": {
      const of = compileFormula(formula.of);
      return (m) => negated(of(m));
    }
    case "and": {
      const left = compileFormula(formula.left);
      const right = compileFormula(formula.right);
      return (m) => {
        const first = left(m);
        if (first === FALSE) return FALSE;
        const second = right(m);
        return second < first ? second : first;
      };
    }
    case "or": {
      const left = compileFormula(formula.left);
      const right = compileFormula(formula.right);
      return (m) => {
        const first = left(m);
        if (first === TRUE) return TRUE;
        const second = right(m);
        return second > first ? second : first;
      };
    }
    case "xor":
      return differ(compileFormula(formula.left), compileFormula(formula.right));
    case "same": {
      const other = differ(compileFormula(formula.left), compileFormula(formula.right));
      return (m) => negated(other(m));
    }
    case "compare":
      return compileComparison(formula.op, formula.left, formula.right);
    case "vote":
      return compileVote(formula.need, formula.of);
  }
}

/** Both ends of a term's interval; NaN at either end means unknown. */
export type Bounds = {
  readonly lo: (memory: Memory) => number;
  readonly hi: (memory: Memory) => number;
};

/**
 * Interval arithmetic on doubles. Every operation used rounds monotonically, so the ends bound what the
 * same operations give on any choice of values inside.
 */
export function compileTerm(term: Term): Bounds {
  switch (term.kind) {
    case "number": {
      const value = term.value;
      return { lo: () => value, hi: () => value };
    }
    case "slot": {
      const slot = term.slot;
      return { lo: (m) => m.lo[slot] ?? NaN, hi: (m) => m.hi[slot] ?? NaN };
    }
    case "negate": {
      const of = compileTerm(term.of);
      return { lo: (m) => -of.hi(m), hi: (m) => -of.lo(m) };
    }
    case "scale":
      return scaled(term.factor, compileTerm(term.of));
    case "add": {
      const left = compileTerm(term.left);
      const right = compileTerm(term.right);
      return { lo: (m) => left.lo(m) + right.lo(m), hi: (m) => left.hi(m) + right.hi(m) };
    }
    case "subtract": {
      const left = compileTerm(term.left);
      const right = compileTerm(term.right);
      return { lo: (m) => left.lo(m) - right.hi(m), hi: (m) => left.hi(m) - right.lo(m) };
    }
  }
}

/** Slots a condition reads, ascending, each once. */
export function formulaSlots(formula: Formula): number[] {
  const slots = new Set<number>();
  collectSlots(formula, slots);
  return [...slots].sort((a, b) => a - b);
}

function collectSlots(node: Formula | Term, into: Set<number>): void {
  if (node.kind === "slot") into.add(node.slot);
  for (const part of partsOf(node)) collectSlots(part, into);
}

function partsOf(node: Formula | Term): readonly (Formula | Term)[] {
  if ("left" in node) return [node.left, node.right];
  if (!("of" in node)) return [];
  return node.kind === "vote" ? node.of : [node.of];
}

function readBool(slot: number): (memory: Memory) => Truth {
  return (m) => {
    const lo = m.lo[slot];
    const hi = m.hi[slot];
    if (lo === 1 && hi === 1) return TRUE;
    return lo === 0 && hi === 0 ? FALSE : UNKNOWN;
  };
}

function negated(truth: Truth): Truth {
  if (truth === UNKNOWN) return UNKNOWN;
  return truth === TRUE ? FALSE : TRUE;
}

function differ(
  left: (memory: Memory) => Truth,
  right: (memory: Memory) => Truth,
): (memory: Memory) => Truth {
  return (m) => {
    const first = left(m);
    const second = right(m);
    if (first === UNKNOWN || second === UNKNOWN) return UNKNOWN;
    return first === second ? FALSE : TRUE;
  };
}

function scaled(factor: number, of: Bounds): Bounds {
  if (factor >= 0) return { lo: (m) => factor * of.lo(m), hi: (m) => factor * of.hi(m) };
  return { lo: (m) => factor * of.hi(m), hi: (m) => factor * of.lo(m) };
}

function compileVote(need: number, of: readonly Formula[]): (memory: Memory) => Truth {
  const members = of.map(compileFormula);
  return (m) => {
    let surely = 0;
    let possibly = 0;
    for (const member of members) {
      const truth = member(m);
      if (truth === TRUE) surely += 1;
      if (truth !== FALSE) possibly += 1;
    }
    if (surely >= need) return TRUE;
    return possibly < need ? FALSE : UNKNOWN;
  };
}

type Judge = (leftLo: number, leftHi: number, rightLo: number, rightHi: number) => Truth;

const LESS: Judge = (leftLo, leftHi, rightLo, rightHi) => {
  if (leftHi < rightLo) return TRUE;
  return leftLo >= rightHi ? FALSE : UNKNOWN;
};
const AT_MOST: Judge = (leftLo, leftHi, rightLo, rightHi) => {
  if (leftHi <= rightLo) return TRUE;
  return leftLo > rightHi ? FALSE : UNKNOWN;
};
const EQUAL: Judge = (leftLo, leftHi, rightLo, rightHi) => {
  if (leftHi < rightLo || rightHi < leftLo) return FALSE;
  return leftLo === leftHi && rightLo === rightHi && leftLo === rightLo ? TRUE : UNKNOWN;
};

const JUDGES: Readonly<Record<Comparison, Judge>> = {
  "<": LESS,
  "<=": AT_MOST,
  ">": (leftLo, leftHi, rightLo, rightHi) => LESS(rightLo, rightHi, leftLo, leftHi),
  ">=": (leftLo, leftHi, rightLo, rightHi) => AT_MOST(rightLo, rightHi, leftLo, leftHi),
  "=": EQUAL,
  "<>": (leftLo, leftHi, rightLo, rightHi) => negated(EQUAL(leftLo, leftHi, rightLo, rightHi)),
};

function compileComparison(op: Comparison, left: Term, right: Term): (memory: Memory) => Truth {
  const judge = JUDGES[op];
  if (left.kind === "slot" && right.kind === "number") {
    return compareSlot(judge, left.slot, right.value);
  }
  const a = compileTerm(left);
  const b = compileTerm(right);
  return (m) => {
    const leftLo = a.lo(m);
    const leftHi = a.hi(m);
    const rightLo = b.lo(m);
    const rightHi = b.hi(m);
    return isInterval(leftLo, leftHi) && isInterval(rightLo, rightHi)
      ? judge(leftLo, leftHi, rightLo, rightHi)
      : UNKNOWN;
  };
}

/** The usual shape, one tag against a limit, without the detour over terms. */
function compareSlot(judge: Judge, slot: number, limit: number): (memory: Memory) => Truth {
  if (!Number.isFinite(limit)) return () => UNKNOWN;
  return (m) => {
    const lo = m.lo[slot] ?? NaN;
    const hi = m.hi[slot] ?? NaN;
    return isInterval(lo, hi) ? judge(lo, hi, limit, limit) : UNKNOWN;
  };
}

/** Finite and in order; false for NaN at either end. */
function isInterval(lo: number, hi: number): boolean {
  return lo > -Infinity && hi < Infinity && lo <= hi;
}
