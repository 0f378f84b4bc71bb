import { compileFormula, formulaSlots } from "../condition/evaluate.js";
import type { Formula } from "../condition/term.js";
import { wordCount } from "../image/scaling.js";
import type { Raw } from "../units.js";
import type {
  CompiledOutput,
  CompiledProfile,
  Condition,
  OutputPlans,
  Place,
  RulePlan,
} from "./compiled.js";
import type { Input, Output, ProfileModel, Subject } from "./model.js";
import { buildQuantity, type Quantity } from "./quantity.js";

/** Makes a checked model ready for judging. Same model, same result; total: what is odd here was refused at load. */
export function compileProfile(model: ProfileModel): CompiledProfile {
  const slots = {
    outputs: model.inputs.length,
    cmd: model.inputs.length + model.outputs.length,
    count: model.inputs.length + model.outputs.length + 1,
  };
  const compile = (formula: Formula): Condition => compileCondition(formula, model);
  const rules = {
    permissives: model.permissives.map((rule) => ({ rule, needs: compile(rule.needs) })),
    always: model.always.map((rule) => ({ rule, holds: compile(rule.holds) })),
    approvals: model.approvals.map((rule) => ({
      rule,
      while: rule.while === null ? null : compile(rule.while),
    })),
  };
  const places = indexPlaces(model);
  const numbers = numberRules(model);
  return {
    model,
    slots,
    inputs: model.inputs.map(buildQuantity),
    outputs: model.outputs.map((output, position) => compileOutput(model, output, position)),
    controllers: model.controllers.map((_, controller) => ({
      plans: model.outputs.map((_output, output) => planOutput(model, rules, controller, output)),
    })),
    trips: model.trips.map((trip) => (trip.when === null ? null : compile(trip.when))),
    confirms: model.confirms.map((confirm) => compile(confirm.expect)),
    frozenUnless: model.inputs.map(({ frozen }) =>
      frozen?.unless == null ? null : compile(frozen.unless),
    ),
    inputByName: positions(model.inputs.map((input) => input.name)),
    outputByName: positions(model.outputs.map((output) => output.name)),
    controllerByName: positions(model.controllers.map((controller) => controller.name)),
    deviceByName: positions(model.devices.map((device) => device.name)),
    tripById: positions(model.trips.map((trip) => trip.id)),
    writableAt: (device, table, register) => places.get(placeKey(device, table, register)) ?? null,
    ruleNumber: (id) => numbers.get(id) ?? null,
    unknown: new Float64Array(slots.count).fill(NaN),
    scratch: { lo: new Float64Array(slots.count), hi: new Float64Array(slots.count) },
  };
}

/** The rules that concern this value of this output, asked for by this controller. */
export function planFor(
  profile: CompiledProfile,
  controller: number,
  output: number,
  raw: Raw,
): RulePlan | undefined {
  const plans = profile.controllers[controller]?.plans[output];
  return plans?.byRaw.get(raw) ?? plans?.otherwise;
}

type Rules = {
  readonly permissives: RulePlan["permissives"];
  readonly always: RulePlan["always"];
  readonly approvals: RulePlan["approvals"];
};

function compileCondition(formula: Formula, model: ProfileModel): Condition {
  const read = formulaSlots(formula);
  const cmd = model.inputs.length + model.outputs.length;
  return {
    truth: compileFormula(formula),
    inputs: read.filter((slot) => slot < model.inputs.length),
    outputs: read
      .filter((slot) => slot >= model.inputs.length && slot < cmd)
      .map((slot) => slot - model.inputs.length),
    readsCmd: read.includes(cmd),
  };
}

function compileOutput(model: ProfileModel, output: Output, position: number): CompiledOutput {
  const quantity = buildQuantity(output);
  return {
    quantity,
    range: output.range === null ? null : rangePlaces(quantity, output.range),
    claimants: model.controllers.flatMap((controller, index) =>
      controller.lease !== null && controller.outputs.has(position) ? [index] : [],
    ),
  };
}

/** Rounding the limits may land one place outside them: step back in. */
function rangePlaces(
  quantity: Quantity,
  range: NonNullable<Output["range"]>,
): { readonly first: number; readonly last: number } {
  const ends = [range.low, range.high].map((limit) => quantity.ordinalNear(limit));
  const inside = (place: number): boolean => {
    const value = quantity.valueOf(quantity.rawAt(place));
    return value >= range.low && value <= range.high;
  };
  let first = Math.min(...ends);
  let last = Math.max(...ends);
  for (let turn = 0; turn < 2 && !inside(first); turn += 1) first += 1;
  for (let turn = 0; turn < 2 && !inside(last); turn += 1) last -= 1;
  return inside(first) && inside(last) ? { first, last } : { first: 1, last: 0 };
}

function planOutput(
  model: ProfileModel,
  rules: Rules,
  controller: number,
  output: number,
): OutputPlans {
  const named = new Set<Raw>();
  for (const { rule } of [...rules.permissives, ...rules.approvals]) {
    if (rule.subject.kind === "value" && rule.subject.output === output) {
      named.add(rule.subject.raw);
    }
  }
  if (model.exclusive.some((rule) => rule.outputs.includes(output))) named.add(1);
  const plan = (raw: Raw | null): RulePlan => planValue(model, rules, controller, { output, raw });
  return {
    byRaw: new Map([...named].map((raw) => [raw, plan(raw)])),
    otherwise: plan(null),
  };
}

function planValue(
  model: ProfileModel,
  rules: Rules,
  controller: number,
  asked: { readonly output: number; readonly raw: Raw | null },
): RulePlan {
  const concerns = (subject: Subject): boolean => {
    if (subject.kind === "any") return true;
    if (subject.output !== asked.output) return false;
    return subject.kind === "output" || subject.raw === asked.raw;
  };
  const permissives = rules.permissives.filter(
    ({ rule }) => concerns(rule.subject) && (rule.from === null || rule.from === controller),
  );
  const always = rules.always.filter(({ holds }) => holds.outputs.includes(asked.output));
  const exclusive = model.exclusive.filter(
    (rule) => asked.raw === 1 && rule.outputs.includes(asked.output),
  );
  const approvals = rules.approvals.filter(({ rule }) => concerns(rule.subject));
  const conditions = [
    ...permissives.map(({ needs }) => needs),
    ...always.map(({ holds }) => holds),
    ...approvals.flatMap((approval) => (approval.while === null ? [] : [approval.while])),
  ];
  const outputs = [
    ...conditions.flatMap((condition) => condition.outputs),
    ...exclusive.flatMap((rule) => rule.outputs),
  ];
  return {
    permissives,
    always,
    exclusive,
    approvals,
    inputs: ascending(conditions.flatMap((condition) => condition.inputs)),
    outputs: ascending(outputs.filter((output) => output !== asked.output)),
  };
}

function indexPlaces(model: ProfileModel): ReadonlyMap<number, Place> {
  const places = new Map<number, Place>();
  for (const input of model.inputs) {
    for (const key of keysOf(input)) places.set(key, { kind: "input" });
  }
  model.outputs.forEach((output, position) => {
    const { at } = output;
    if (at.table === "hr" && at.bit !== null) {
      const key = placeKey(at.device, "hr", at.register);
      places.set(key, joinBit(places.get(key), output, { output: position, bit: at.bit }));
      return;
    }
    keysOf(output).forEach((key, word) => {
      places.set(
        key,
        at.table === "co"
          ? { kind: "coil", output: position }
          : { kind: "value", output: position, word: word === 0 ? 0 : 1 },
      );
    });
  });
  return places;
}

function joinBit(
  place: Place | undefined,
  output: Output,
  member: { readonly output: number; readonly bit: number },
): Place {
  const known = place?.kind === "bits" ? place.members : [];
  return {
    kind: "bits",
    // One bit that is not ours to rewrite is enough to forbid writing the word.
    whole: output.bits === "whole" && (place?.kind !== "bits" || place.whole),
    members: [...known, member].sort((a, b) => a.bit - b.bit),
  };
}

function keysOf(tag: Input | Output): number[] {
  const { device, table, register, format } = tag.at;
  if (table !== "co" && table !== "hr") return [];
  const first = placeKey(device, table, register);
  return table === "hr" && wordCount(format) === 2 ? [first, first + 1] : [first];
}

function placeKey(device: number, table: "co" | "hr", register: number): number {
  return (device * 2 + (table === "co" ? 0 : 1)) * 0x20000 + register;
}

function numberRules(model: ProfileModel): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  const ordered = [
    ...model.permissives,
    ...model.always,
    ...model.exclusive,
    ...model.trips,
    ...model.approvals,
  ];
  ordered.forEach((rule, position) => {
    if (!numbers.has(rule.id)) numbers.set(rule.id, position + 1);
  });
  return numbers;
}

function positions(names: readonly string[]): ReadonlyMap<string, number> {
  return new Map(names.map((name, position) => [name, position]));
}

function ascending(list: readonly number[]): readonly number[] {
  return [...new Set(list)].sort((a, b) => a - b);
}
