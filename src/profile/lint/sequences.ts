import { compileFormula } from "../../kernel/condition/evaluate.js";
import { FALSE } from "../../kernel/condition/truth.js";
import type { Drive, ProfileModel } from "../../kernel/profile/model.js";
import type { Draft } from "../draft.js";
import type { Path } from "../document/tree.js";
import { complain } from "../source.js";
import { pinOutputs, valueOfRaw } from "./domain.js";

/**
 * Writes that no rule may refuse at run time, so they are judged here: each value inside its range, and no
 * step of a sequence may break `always` or `exclusive` by its own values, whatever the rest of the plant.
 */
export function lintSequences(draft: Draft, model: ProfileModel): void {
  const safe = model.safeState.order.flatMap((position): Drive[] => {
    const output = model.outputs[position];
    return output?.safe.kind === "value" ? [{ output: position, raw: output.safe.raw }] : [];
  });
  judge(draft, model, safe, { path: ["safe_state", "order"], what: "the safe state" });
  for (const [index, drive] of safe.entries()) {
    checkRange(draft, model, drive, [
      "outputs",
      nameOf(model, model.safeState.order[index]),
      "safe",
    ]);
  }
  for (const controller of model.controllers) {
    const lapse = controller.lease?.lapse;
    if (lapse?.kind !== "revert") continue;
    const path: Path = ["controllers", controller.name, "lease", "revert"];
    judge(draft, model, lapse.to, { path, what: "the revert" });
    for (const drive of lapse.to)
      checkRange(draft, model, drive, [...path, nameOf(model, drive.output)]);
  }
  model.trips.forEach((trip, index) => {
    if (trip.action.kind !== "drive") return;
    const path: Path = ["trips", index, "do"];
    judge(draft, model, trip.action.writes, { path, what: `the trip ${trip.id}` });
    trip.action.writes.forEach((drive, place) => {
      checkRange(draft, model, drive, [...path, place]);
    });
  });
}

const nameOf = (model: ProfileModel, position: number | undefined): string =>
  model.outputs[position ?? -1]?.name ?? "";

type Where = { readonly path: Path; readonly what: string };

function judge(draft: Draft, model: ProfileModel, sequence: readonly Drive[], where: Where): void {
  const rules = model.always.map((rule) => ({ id: rule.id, truth: compileFormula(rule.holds) }));
  const broken = new Set<string>();
  for (let length = 1; length <= sequence.length; length++) {
    const done = sequence.slice(0, length);
    const memory = pinOutputs(model, done);
    for (const rule of rules) if (rule.truth(memory) === FALSE) broken.add(rule.id);
    for (const set of model.exclusive) {
      const on = set.outputs.filter((output) =>
        done.some((drive) => drive.output === output && drive.raw === 1),
      );
      if (on.length > 1) broken.add(set.id);
    }
  }
  for (const id of broken) {
    const hint =
      "no rule can stop these writes at run time: change the values, the order or the rule";
    complain(draft.source, where.path, {
      message: `${where.what} breaks ${id} by its own values`,
      hint,
    });
  }
}

function checkRange(draft: Draft, model: ProfileModel, drive: Drive, path: Path): void {
  const output = model.outputs[drive.output];
  const range = output?.range;
  if (output === undefined || range === null || range === undefined) return;
  const value = valueOfRaw(output, drive.raw);
  if (value >= range.low && value <= range.high) return;
  const hint = `range: is ${range.low}..${range.high} ${output.unit}`;
  complain(draft.source, path, {
    message: `${output.name} would be driven outside its range`,
    hint,
  });
}
