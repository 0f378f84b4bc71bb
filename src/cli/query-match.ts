import { hex } from "../evidence/hex.js";
import type { DecisionBody, EntryBody, Verdict } from "../kernel/record/entry.js";
import type { Reason } from "../kernel/record/reason.js";
import type { FoundEntry } from "./evidence-files.js";
import type { QueryFilter } from "./query-filter.js";
import type { OutputNumbers } from "./query-names.js";

/** Permits remembered for their outcomes; older ones were settled long ago. */
const PERMITS_MAX = 65_536;

/** `elsewhere`: it depends on the permit of this outcome, which was not read (yet). */
export type Match = "yes" | "no" | "elsewhere";

/**
 * Judges entries, in the order of the log, by a filter. An outcome belongs to its command: it has the controller,
 * the verdict, the outputs and the reasons of its permit besides its own.
 */
export class QueryMatcher {
  readonly #filter: QueryFilter;
  readonly #outputs: OutputNumbers;
  readonly #needsPermit: boolean;
  readonly #permits = new Map<string, About>();
  #profile: string | null = null;

  constructor(filter: QueryFilter, outputs: OutputNumbers) {
    this.#filter = filter;
    this.#outputs = outputs;
    const { verdicts, controllers, reasons, rules } = filter;
    this.#needsPermit = [verdicts, controllers, reasons, rules, filter.outputs].some(
      (one) => one !== null,
    );
  }

  judge(found: FoundEntry): Match {
    const { body } = found.entry;
    this.#follow(body);
    if (!this.#isEligible(found)) return "no";
    const own = this.#about(body);
    if (body.type !== "outcome" || !this.#needsPermit) return this.#fits(own) ? "yes" : "no";
    const permit = this.#permits.get(hex(body.id));
    if (permit === undefined) return this.#fits(own) ? "yes" : "elsewhere";
    return this.#fits(together(own, permit)) ? "yes" : "no";
  }

  /** Again for one that was `elsewhere`, now that more of the log before it was read by this matcher. */
  judgeAgain({ entry: { body } }: FoundEntry): Match {
    const permit = body.type === "outcome" ? this.#permits.get(hex(body.id)) : undefined;
    if (permit === undefined) return "elsewhere";
    return this.#fits(together(this.#about(body), permit)) ? "yes" : "no";
  }

  /** What later entries need to know of this one. */
  #follow(body: EntryBody): void {
    if (body.type === "boot" || body.type === "snapshot") this.#profile = hex(body.profile);
    if (body.type !== "decision" || !this.#needsPermit) return;
    if (body.verdict !== "permit" && body.verdict !== "clamp") return;
    this.#permits.set(hex(body.id), this.#about(body));
    if (this.#permits.size <= PERMITS_MAX) return;
    for (const oldest of this.#permits.keys()) {
      this.#permits.delete(oldest);
      return;
    }
  }

  /** What the permit of an outcome cannot change. */
  #isEligible({ entry: { body }, stamp }: FoundEntry): boolean {
    const { types, outcomes, fromUs, toUs } = this.#filter;
    if (types?.has(body.type) === false) return false;
    if (outcomes !== null && !(body.type === "outcome" && outcomes.has(body.outcome))) return false;
    if (fromUs !== null && stamp.utcUs < fromUs) return false;
    return toUs === null || stamp.utcUs < toUs;
  }

  #fits(about: About): boolean {
    const { verdicts, controllers, reasons, rules, outputs } = this.#filter;
    if (verdicts !== null && (about.verdict === null || !verdicts.has(about.verdict))) return false;
    if (controllers !== null && !(about.controller !== null && controllers.has(about.controller)))
      return false;
    if (reasons !== null && ![...reasons].some((code) => about.codes.includes(code))) return false;
    if (rules !== null && !about.rules.some((rule) => rules.has(rule))) return false;
    if (outputs === null) return true;
    const numbers = this.#outputs(about.profile);
    return about.outputs.some((output) => numbers.has(output));
  }

  #about(body: EntryBody): About {
    const profile = this.#profile;
    if (body.type !== "decision") return { ...NOTHING, profile, ...aboutOther(body) };
    const { source, verdict, reasons } = body;
    const controller = source.kind === "controller" ? source.controller : null;
    const written = body.writes instanceof Uint8Array ? [] : body.writes;
    const outputs = [...written.map(({ output }) => output), ...outputsOf(reasons)];
    return { verdict, controller, outputs, profile: hex(body.profile), ...because(reasons) };
  }
}

type About = {
  readonly verdict: Verdict | null;
  readonly controller: string | null;
  readonly outputs: readonly number[];
  /** Codes of reasons; where denials were counted together, rules and codes are in one list. */
  readonly codes: readonly string[];
  readonly rules: readonly string[];
  /** Hex of the digest of the profile that gives outputs their numbers. */
  readonly profile: string | null;
};

const NOTHING: About = {
  verdict: null,
  controller: null,
  outputs: [],
  codes: [],
  rules: [],
  profile: null,
};

function aboutOther(body: Exclude<EntryBody, DecisionBody>): Partial<About> {
  if (body.type === "outcome") {
    const reasons = body.reasons ?? [];
    const read = (body.readBack ?? []).map(({ output }) => output);
    return { outputs: [...read, ...outputsOf(reasons)], ...because(reasons) };
  }
  if (body.type === "trip") return { rules: [body.rule] };
  if (body.type === "safe-step") return { outputs: [body.output] };
  if (body.type === "lease") return { controller: body.controller };
  if (body.type !== "flood") return {};
  const { controller, output, rules } = body;
  return { controller, rules, codes: rules, outputs: output === null ? [] : [output] };
}

function together(outcome: About, permit: About): About {
  return {
    ...permit,
    outputs: [...outcome.outputs, ...permit.outputs],
    codes: [...outcome.codes, ...permit.codes],
    rules: [...outcome.rules, ...permit.rules],
  };
}

function outputsOf(reasons: readonly Reason[]): readonly number[] {
  return reasons.flatMap(({ output }) => (output === null ? [] : [output]));
}

function because(reasons: readonly Reason[]): Pick<About, "codes" | "rules"> {
  return {
    codes: reasons.map(({ code }) => code),
    rules: reasons.flatMap(({ rule }) => (rule === null ? [] : [rule])),
  };
}
