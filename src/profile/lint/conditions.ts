import { compileFormula } from "../../kernel/condition/evaluate.js";
import type { Memory } from "../../kernel/condition/evaluate.js";
import type { Formula, Term } from "../../kernel/condition/term.js";
import { FALSE, TRUE } from "../../kernel/condition/truth.js";
import type { Truth } from "../../kernel/condition/truth.js";
import { scaleDown } from "../../kernel/image/scaling.js";
import type { Permissive, ProfileModel } from "../../kernel/profile/model.js";
import type { Draft } from "../draft.js";
import type { Path } from "../document/tree.js";
import { complain, warn } from "../source.js";
import { openMemory } from "./domain.js";

/** Conditions whose answer never changes, and limits that a rounding could tip either way. */
export function lintConditions(draft: Draft, model: ProfileModel): void {
  const open = openMemory(model);
  model.permissives.forEach((rule, index) => {
    const truth = compileFormula(rule.needs)(limitCommand(model, rule, open));
    const path: Path = ["permissives", index, "needs"];
    if (truth === TRUE)
      warn(draft.source, path, { message: "always TRUE: it refuses nothing", hint: null });
    if (truth === FALSE)
      warn(draft.source, path, { message: "never TRUE: it refuses every time", hint: null });
  });
  model.always.forEach((rule, index) => {
    judgeAlways(draft, ["always", index, "holds"], compileFormula(rule.holds)(open));
  });
  model.trips.forEach((trip, index) => {
    if (trip.when === null) return;
    judgeTrip(draft, ["trips", index, "when"], compileFormula(trip.when)(open));
  });
  warnEdges(draft, model);
}

/** `cmd` is judged after range, so a permissive only ever sees values inside it. */
function limitCommand(model: ProfileModel, rule: Permissive, open: Memory): Memory {
  if (rule.subject.kind === "any") return open;
  const output = model.outputs[rule.subject.output];
  const slot = model.inputs.length + model.outputs.length;
  const bounds = output?.kind === "bool" ? { low: 0, high: 1 } : output?.range;
  if (bounds === null || bounds === undefined) return open;
  const memory = { lo: open.lo.slice(), hi: open.hi.slice() };
  memory.lo[slot] = bounds.low;
  memory.hi[slot] = bounds.high;
  return memory;
}

function judgeAlways(draft: Draft, path: Path, truth: Truth): void {
  if (truth === TRUE)
    warn(draft.source, path, { message: "always TRUE: it refuses nothing", hint: null });
  if (truth === FALSE) {
    complain(draft.source, path, {
      message: "can never hold: every write would be refused",
      hint: null,
    });
  }
}

function judgeTrip(draft: Draft, path: Path, truth: Truth): void {
  if (truth === TRUE)
    complain(draft.source, path, { message: "always TRUE: the trip never lets go", hint: null });
  if (truth === FALSE) {
    const hint = "is the limit outside what the tag can read?";
    warn(draft.source, path, {
      message: "can never be TRUE: only an unreadable value fires it",
      hint,
    });
  }
}

/**
 * A limit exactly on a raw step is decided by the last bit of a conversion, and differently by a proof over
 * real numbers. Values that we write ourselves are whole raw steps by construction and are left alone.
 */
function warnEdges(draft: Draft, model: ProfileModel): void {
  // Signals are inlined by reference: each comparison is looked at once, where it is written.
  const seen = new Set<Formula>();
  const look = (path: Path, formula: Formula | null): void => {
    if (formula !== null)
      visitComparisons(formula, seen, (node) => {
        warnEdge(draft, model, path, node);
      });
  };
  for (const signal of model.signals) look(["signals", signal.name], signal.is);
  model.permissives.forEach((rule, index) => {
    look(["permissives", index, "needs"], rule.needs);
  });
  model.always.forEach((rule, index) => {
    look(["always", index, "holds"], rule.holds);
  });
  model.trips.forEach((trip, index) => {
    look(["trips", index, "when"], trip.when);
  });
  model.confirms.forEach((confirm, index) => {
    look(["confirm", index, "expect"], confirm.expect);
  });
}

type Comparison = Extract<Formula, { readonly kind: "compare" }>;

function visitComparisons(
  formula: Formula,
  seen: Set<Formula>,
  visit: (node: Comparison) => void,
): void {
  if (seen.has(formula)) return;
  seen.add(formula);
  switch (formula.kind) {
    case "constant":
    case "slot":
      return;
    case "not":
      visitComparisons(formula.of, seen, visit);
      return;
    case "and":
    case "or":
    case "xor":
    case "same":
      visitComparisons(formula.left, seen, visit);
      visitComparisons(formula.right, seen, visit);
      return;
    case "compare":
      visit(formula);
      return;
    case "vote":
      for (const member of formula.of) visitComparisons(member, seen, visit);
      return;
  }
}

function warnEdge(draft: Draft, model: ProfileModel, path: Path, node: Comparison): void {
  const [slot, limit] = sidesOf(node.left, node.right) ??
    sidesOf(node.right, node.left) ?? [null, NaN];
  const input = slot === null ? undefined : model.inputs[slot];
  if (input?.kind !== "number" || input.scaling === null || input.at.format === "f32") return;
  const raw = scaleDown(input.scaling, limit);
  if (Math.abs(raw - Math.round(raw)) > 1e-6) return;
  const half =
    Math.abs(
      (input.scaling.euHigh - input.scaling.euLow) / (input.scaling.rawHigh - input.scaling.rawLow),
    ) / 2;
  const near = Number((limit + half).toPrecision(6));
  warn(draft.source, path, {
    message: `the limit ${limit} ${input.unit} lies exactly on a raw step of ${input.name}`,
    hint: `put it between two steps: ${near} ${input.unit}`,
  });
}

function sidesOf(tag: Term, limit: Term): [slot: number, limit: number] | null {
  return tag.kind === "slot" && limit.kind === "number" ? [tag.slot, limit.value] : null;
}
