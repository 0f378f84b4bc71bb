import type { Ask, Write } from "../command/request.js";
import type { Memory } from "../condition/evaluate.js";
import type { CompiledOutput, CompiledProfile } from "../profile/compiled.js";
import type { Output } from "../profile/model.js";
import type { KernelFact, KernelFactKind, Look, TagFact } from "../record/look.js";
import type { Raw, Us } from "../units.js";

/**
 * A look made ready for rules. What the look does not hold stays as unknown as it starts here: NaN, and
 * every comparison below is written so that NaN refuses.
 */
export type Facts = {
  readonly look: Look;
  readonly memory: Memory;
  readonly writes: readonly WriteFacts[];
  evidence: boolean;
  profileValid: boolean;
  /** By `KERNEL_FACTS` "device" of the device the command goes to; NaN: not told. */
  device: number;
  inFlight: number;
  suspendedUs: Us;
  readonly total: Count;
  readonly clamps: Count;
};

/** Charges in a window, and the age of the oldest. */
export type Count = { count: number; oldestUs: Us };

export type WriteFacts = {
  readonly write: Write;
  readonly rules: Output;
  readonly compiled: CompiledOutput;
  /** Engineering values conditions see as asked for: one, or for a window all between two. */
  lo: number;
  hi: number;
  /** Values the output may have now: proven first, then planned, oldest first. Complete only if `proven` is known. */
  readonly reachable: Raw[];
  proven: Raw | null;
  /** Position of the controller that holds it; null: nobody; undefined: not told. */
  holder: number | null | undefined;
  readonly window: Count;
  readonly starts: Count;
  /** 1: a permit was given `lastUs` ago; 0: none yet, first value known for `lastUs`; NaN: not told. */
  permits: number;
  lastUs: Us;
  held: Raw | null;
  heldUs: Us;
  driftBase: Raw | null;
};

/** Null when a write names an output the profile does not have. */
export function readFacts(profile: CompiledProfile, ask: Ask, look: Look): Facts | null {
  const writes: WriteFacts[] = [];
  for (const write of ask.writes) {
    const rules = profile.model.outputs[write.output];
    const compiled = profile.outputs[write.output];
    if (rules === undefined || compiled === undefined) return null;
    writes.push(startFacts(write, rules, compiled));
  }
  const facts: Facts = {
    look,
    memory: readMemory(profile, look),
    writes,
    evidence: false,
    profileValid: false,
    device: NaN,
    inFlight: NaN,
    suspendedUs: NaN,
    total: { count: NaN, oldestUs: NaN },
    clamps: { count: NaN, oldestUs: NaN },
  };
  const device = writes[0]?.rules.at.device;
  const about: About = { controller: ask.controller, device };
  for (const fact of look.kernel) READERS[fact.kind](facts, fact, about);
  return facts;
}

/** Evaluation memory holding all readings and reachable values of a look; everything else unknown. */
function readMemory(profile: CompiledProfile, look: Look): Memory {
  const memory = profile.scratch;
  memory.lo.set(profile.unknown);
  memory.hi.set(profile.unknown);
  for (const fact of look.tags) {
    const value = readTag(profile, fact);
    memory.lo[fact.tag] = value;
    memory.hi[fact.tag] = value;
  }
  // Proven first, whatever the order in which a look tells them: planned values only widen.
  for (const fact of look.kernel) {
    if (fact.kind === "proven") readReachable(profile, memory, fact);
  }
  for (const fact of look.kernel) {
    if (fact.kind === "planned") readReachable(profile, memory, fact);
  }
  return memory;
}

/** Late is judged once more: a look from elsewhere (evidence) is believed no further than its numbers. */
function readTag(profile: CompiledProfile, fact: TagFact): number {
  const maxAgeUs = profile.model.inputs[fact.tag]?.maxAgeUs ?? NaN;
  if (fact.quality !== "good" || fact.raw === null || !(fact.ageUs <= maxAgeUs)) return NaN;
  return profile.inputs[fact.tag]?.valueOf(fact.raw) ?? NaN;
}

/** A planned value widens what is known; Math.min and Math.max keep NaN, so an unknown one stays unknown. */
function readReachable(profile: CompiledProfile, memory: Memory, fact: KernelFact): void {
  const { lo, hi } = memory;
  const slot = profile.slots.outputs + fact.index;
  const quantity = profile.outputs[fact.index]?.quantity;
  const value = fact.value === null ? NaN : (quantity?.valueOf(fact.value) ?? NaN);
  lo[slot] = fact.kind === "proven" ? value : Math.min(lo[slot] ?? NaN, value);
  hi[slot] = fact.kind === "proven" ? value : Math.max(hi[slot] ?? NaN, value);
}

function startFacts(write: Write, rules: Output, compiled: CompiledOutput): WriteFacts {
  const value = compiled.quantity.valueOf(write.raw);
  return {
    write,
    rules,
    compiled,
    lo: value,
    hi: value,
    reachable: [],
    proven: null,
    holder: undefined,
    window: { count: NaN, oldestUs: NaN },
    starts: { count: NaN, oldestUs: NaN },
    permits: NaN,
    lastUs: NaN,
    held: null,
    heldUs: NaN,
    driftBase: null,
  };
}

type About = { readonly controller: number; readonly device: number | undefined };

type Reader = (facts: Facts, fact: KernelFact, about: About) => void;

/** Takes the fact to the write it is about, if it is about one. */
function ofWrite(read: (write: WriteFacts, fact: KernelFact) => void): Reader {
  return (facts, fact) => {
    for (const write of facts.writes) if (write.write.output === fact.index) read(write, fact);
  };
}

const READERS: Readonly<Record<KernelFactKind, Reader>> = {
  gateway: (facts, fact) => {
    if (fact.index === 0) facts.evidence = fact.value === 1;
    if (fact.index === 1) facts.profileValid = fact.value === 1;
  },
  device: (facts, fact, { device }) => {
    if (fact.index === device) facts.device = fact.value ?? NaN;
  },
  "in-flight": (facts, fact, { device }) => {
    if (fact.index === device) facts.inFlight = fact.value ?? NaN;
  },
  suspended: (facts, fact, { controller }) => {
    if (fact.index === controller) facts.suspendedUs = fact.value ?? NaN;
  },
  "controller-total": (facts, fact, { controller }) => {
    if (fact.index === controller) readCount(facts.total, fact);
  },
  clamps: (facts, fact, { controller }) => {
    if (fact.index === controller) readCount(facts.clamps, fact);
  },
  /** Suspension follows from them; no verdict reads them itself. */
  denials: () => undefined,
  proven: ofWrite((write, { value }) => {
    write.proven = value;
    if (value !== null) write.reachable.unshift(value);
  }),
  planned: ofWrite((write, { value }) => {
    if (value !== null) write.reachable.push(value);
  }),
  "window-count": ofWrite((write, { value }) => {
    write.window.count = value ?? NaN;
  }),
  "window-oldest": ofWrite((write, { ageUs }) => {
    write.window.oldestUs = ageUs ?? NaN;
  }),
  starts: ofWrite((write, fact) => {
    readCount(write.starts, fact);
  }),
  "last-permit": ofWrite((write, { value, ageUs }) => {
    write.permits = value ?? NaN;
    write.lastUs = ageUs ?? NaN;
  }),
  dwell: ofWrite((write, { value, ageUs }) => {
    write.held = value;
    write.heldUs = ageUs ?? NaN;
  }),
  "drift-base": ofWrite((write, { value }) => {
    write.driftBase = value;
  }),
  holder: ofWrite((write, { value }) => {
    write.holder = value;
  }),
};

function readCount(count: Count, fact: KernelFact): void {
  count.count = fact.value ?? NaN;
  count.oldestUs = fact.ageUs ?? NaN;
}
