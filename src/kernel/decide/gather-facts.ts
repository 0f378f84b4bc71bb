import type { Ask } from "../command/request.js";
import type { Image } from "../image/image.js";
import type { CompiledProfile, RulePlan } from "../profile/compiled.js";
import { planFor } from "../profile/compile.js";
import { clampAsk } from "./clamp.js";
import type { Output, Window } from "../profile/model.js";
import type { KernelFact, Look, TagFact } from "../record/look.js";
import { HELD_VALUES } from "../bounds.js";
import type { Charge, FoldedState, OutputState } from "../state/state.js";
import type { Us } from "../units.js";

/** What verdicts are taken from: plant readings, the gateway's own state, the moment. */
export type View = { readonly image: Image; readonly state: FoldedState; readonly nowUs: Us };

/**
 * Takes from image and state what judging `ask` will read, and nothing else, in an order that follows
 * from profile and ask alone. `own` is the command's permit when it is looked at a second time: its own
 * outputs and totals then show only what was released before it.
 */
export function gatherFacts(
  profile: CompiledProfile,
  view: View,
  ask: Ask,
  own: number | null,
): Look {
  const { state } = view;
  const plan = joinPlans(profile, ask);
  const kernel: KernelFact[] = [];
  takeStanding(profile, view, ask, { kernel, own });
  for (const write of ask.writes) {
    takeOutput(profile, view, write.output, { kernel, own });
  }
  for (const output of plan.outputs) {
    if (!isWritten(ask, output))
      takeReachable(state.outputs[output], output, view, { kernel, own: null });
  }
  return {
    monoUs: view.nowUs,
    tags: takeTags(profile, view, plan.inputs),
    kernel,
    mode: state.mode,
    latched: state.latched.length === 0 ? NOBODY : state.latched.map((latched) => latched.id),
    bypasses: NOBODY,
    lease: takeLease(profile, view, ask.controller),
  };
}

/** Facts for a condition that is not about a command: readings, and the values outputs may have. */
export function gatherCondition(
  profile: CompiledProfile,
  view: View,
  reads: { readonly inputs: readonly number[]; readonly outputs: readonly number[] },
): Look {
  const kernel: KernelFact[] = [];
  for (const output of reads.outputs) {
    takeReachable(view.state.outputs[output], output, view, { kernel, own: null });
  }
  return {
    monoUs: view.nowUs,
    tags: takeTags(profile, view, reads.inputs),
    kernel,
    mode: view.state.mode,
    latched: view.state.latched.map((latched) => latched.id),
    bypasses: NOBODY,
    lease: null,
  };
}

/** Where facts go, and the permit that is looked at again. */
type Taking = { readonly kernel: KernelFact[]; readonly own: number | null };

const NOBODY: readonly never[] = [];

function isWritten(ask: Ask, output: number): boolean {
  for (const write of ask.writes) if (write.output === output) return true;
  return false;
}

/** Outputs that are written themselves may be among `outputs`. What a clamp would ask is concerned too. */
function joinPlans(profile: CompiledProfile, ask: Ask): Pick<RulePlan, "inputs" | "outputs"> {
  const [first] = ask.writes;
  if (first === undefined) return { inputs: NOBODY, outputs: NOBODY };
  const plan = planFor(profile, ask.controller, first.output, first.raw);
  if (plan === undefined) return { inputs: NOBODY, outputs: NOBODY };
  const others =
    ask.writes.length > 1 ? ask.writes.slice(1) : (clampAsk(profile, ask)?.writes ?? NOBODY);
  if (others.length === 0) return plan;
  const inputs = new Set(plan.inputs);
  const outputs = new Set(plan.outputs);
  for (const write of others) {
    const other = planFor(profile, ask.controller, write.output, write.raw);
    for (const input of other?.inputs ?? NOBODY) inputs.add(input);
    for (const output of other?.outputs ?? NOBODY) outputs.add(output);
  }
  return {
    inputs: [...inputs].sort((a, b) => a - b),
    outputs: [...outputs].sort((a, b) => a - b),
  };
}

function takeTags(
  profile: CompiledProfile,
  view: View,
  inputs: readonly number[],
): readonly TagFact[] {
  const tags: TagFact[] = [];
  for (const tag of inputs) {
    const sample = view.image.samples[tag];
    const input = profile.model.inputs[tag];
    if (sample === undefined || input === undefined || sample.quality === "never-read") {
      tags.push({ tag, raw: null, quality: "never-read", ageUs: 0 });
      continue;
    }
    const ageUs = Math.max(0, view.nowUs - sample.sentUs);
    const quality = sample.quality === "good" && ageUs > input.maxAgeUs ? "late" : sample.quality;
    tags.push({ tag, raw: sample.raw, quality, ageUs });
  }
  return tags;
}

/** Gateway, device, controller: what no rule of the profile names, and everything depends on. */
function takeStanding(profile: CompiledProfile, view: View, ask: Ask, taking: Taking): void {
  const { kernel, own } = taking;
  const { state } = view;
  kernel.push(
    { kind: "gateway", index: 0, value: state.evidenceWritable ? 1 : 0 },
    { kind: "gateway", index: 1, value: state.profileValid ? 1 : 0 },
  );
  const device = profile.model.outputs[ask.writes[0]?.output ?? -1]?.at.device;
  const known = state.devices[device ?? -1];
  if (device !== undefined && known !== undefined) {
    // Looked at again, a permit does not stand in its own way.
    const open = known.open - (own === null ? 0 : 1);
    kernel.push(
      { kind: "device", index: device, value: conditionNumber(known.condition) },
      { kind: "in-flight", index: device, value: Math.max(0, open) },
    );
  }
  takeController(profile, view, ask, taking);
}

function takeController(profile: CompiledProfile, view: View, ask: Ask, taking: Taking): void {
  const { kernel, own } = taking;
  const index = ask.controller;
  const rules = profile.model.controllers[index];
  const controller = view.state.controllers[index];
  if (rules === undefined || controller === undefined) return;
  const until = controller.suspendedUntilUs ?? 0;
  kernel.push({ kind: "suspended", index, value: Math.max(0, until - view.nowUs) });
  if (rules.budget !== null) {
    const counting = { view, window: rules.budget, own };
    kernel.push(countFact("controller-total", index, controller.permits, counting));
  }
  if (rules.clamps !== null && clampAsk(profile, ask) !== null) {
    const counting = { view, window: rules.clamps, own };
    kernel.push(countFact("clamps", index, controller.clamps, counting));
  }
}

function takeOutput(profile: CompiledProfile, view: View, index: number, taking: Taking): void {
  const { kernel, own } = taking;
  const rules = profile.model.outputs[index];
  const state = view.state.outputs[index];
  if (rules === undefined || state === undefined) return;
  takeReachable(state, index, view, taking);
  kernel.push({ kind: "holder", index, value: findHolder(profile, view, index) });
  if (rules.everyUs !== null || rules.rampPerS !== null) {
    kernel.push(lastPermit(state, index, view.nowUs, own));
  }
  if (rules.budget !== null) {
    const { value, ageUs } = countFact("window-count", index, state.permits, {
      view,
      window: rules.budget,
      own,
    });
    kernel.push({ kind: "window-count", index, value });
    if (ageUs !== undefined) kernel.push({ kind: "window-oldest", index, value: null, ageUs });
  }
  if (rules.starts !== null) {
    kernel.push(countFact("starts", index, state.starts, { view, window: rules.starts, own }));
  }
  if (hasDwell(rules)) kernel.push(heldFor(state, index, view.nowUs));
  if (rules.drift !== null) {
    const base = heldAt(state, view.nowUs - rules.drift.windowUs);
    kernel.push({ kind: "drift-base", index, value: base });
  }
}

function takeReachable(
  state: OutputState | undefined,
  index: number,
  view: View,
  taking: Taking,
): void {
  const { kernel, own } = taking;
  if (state === undefined || state.proven === null) {
    kernel.push({ kind: "proven", index, value: null });
  } else {
    const { raw, atUs } = state.proven;
    kernel.push({ kind: "proven", index, value: raw, ageUs: Math.max(0, view.nowUs - atUs) });
  }
  for (const planned of state?.planned ?? NOBODY) {
    if (own !== null && planned.seq >= own) continue;
    const ageUs = Math.max(0, view.nowUs - planned.atUs);
    kernel.push({ kind: "planned", index, value: planned.raw, ageUs });
  }
}

function hasDwell(rules: Output): boolean {
  return rules.minOnUs !== null || rules.minOffUs !== null || rules.minHoldUs !== null;
}

type Counting = { readonly view: View; readonly window: Window; readonly own: number | null };

/** Charges inside (now - W, now], and the age of the oldest of them. */
function countFact(
  kind: "controller-total" | "clamps" | "window-count" | "starts",
  index: number,
  charges: readonly Charge[],
  counting: Counting,
): KernelFact {
  const { view, window, own } = counting;
  const from = firstAfter(charges, view.nowUs - window.windowUs);
  let end = charges.length;
  while (own !== null && end > from && (charges[end - 1]?.seq ?? 0) >= own) end -= 1;
  const oldest = charges[from];
  if (end === from || oldest === undefined) return { kind, index, value: 0 };
  return { kind, index, value: end - from, ageUs: view.nowUs - oldest.atUs };
}

/** Position of the first charge later than `afterUs`; charges are in order of time. */
function firstAfter(charges: readonly Charge[], afterUs: Us): number {
  let low = 0;
  let high = charges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((charges[middle]?.atUs ?? Infinity) > afterUs) high = middle;
    else low = middle + 1;
  }
  return low;
}

function lastPermit(state: OutputState, index: number, nowUs: Us, own: number | null): KernelFact {
  for (let at = state.permits.length - 1; at >= 0; at -= 1) {
    const charge = state.permits[at];
    if (charge !== undefined && (own === null || charge.seq < own)) {
      return { kind: "last-permit", index, value: 1, ageUs: Math.max(0, nowUs - charge.atUs) };
    }
  }
  const first = state.held[0];
  return first === undefined
    ? { kind: "last-permit", index, value: 0 }
    : { kind: "last-permit", index, value: 0, ageUs: Math.max(0, nowUs - first.fromUs) };
}

function heldFor(state: OutputState, index: number, nowUs: Us): KernelFact {
  const held = state.held[state.held.length - 1];
  if (held === undefined || state.proven === null) return { kind: "dwell", index, value: null };
  return { kind: "dwell", index, value: held.raw, ageUs: Math.max(0, nowUs - held.fromUs) };
}

/** Too many changes to remember them all: then nobody knows, and drift refuses. */
function heldAt(state: OutputState, atUs: Us): number | null {
  const { held } = state;
  if (held.length >= HELD_VALUES) return null;
  let found = held[0];
  for (let low = 1, high = held.length; low < high;) {
    const middle = (low + high) >>> 1;
    const value = held[middle];
    if (value === undefined || value.fromUs > atUs) high = middle;
    else {
      found = value;
      low = middle + 1;
    }
  }
  return found?.raw ?? null;
}

/** Lowest priority number wins; among equals the one that gained first keeps it. */
function findHolder(profile: CompiledProfile, view: View, output: number): number | null {
  let holder: number | null = null;
  let best = { priority: Infinity, gainSeq: Infinity };
  for (const index of profile.outputs[output]?.claimants ?? NOBODY) {
    const lease = takeLease(profile, view, index);
    const priority = profile.model.controllers[index]?.priority;
    if (lease === null || priority === undefined) continue;
    const { gainSeq } = lease;
    if (priority > best.priority) continue;
    if (priority === best.priority && gainSeq > best.gainSeq) continue;
    best = { priority, gainSeq };
    holder = index;
  }
  return holder;
}

function takeLease(profile: CompiledProfile, view: View, index: number): Look["lease"] {
  const rules = profile.model.controllers[index]?.lease ?? null;
  const lease = view.state.controllers[index]?.lease ?? null;
  if (rules === null || lease === null) return null;
  const leftUs = rules.lapsesAfterUs - (view.nowUs - lease.beatUs);
  return leftUs > 0 ? { gainSeq: lease.gainSeq, leftUs } : null;
}

function conditionNumber(condition: FoldedState["devices"][number]["condition"]): number {
  switch (condition) {
    case "down":
      return 0;
    case "up":
      return 1;
    case "identity-changed":
      return 2;
    case "program-stopped":
      return 3;
    case "unread":
      return 4;
  }
}
