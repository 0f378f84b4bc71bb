import type { CompiledProfile } from "../kernel/profile/compiled.js";
import type { BundleFindings } from "./bundle-findings.js";
import type { ReadEntry } from "./decode-entry.js";
import { Findings, type Place } from "./findings.js";
import { hex } from "./hex.js";
import { otherSemantics, Replay } from "./replay.js";
import { KERNEL_SEMANTICS } from "../kernel/semantics.js";

/** A profile that is at hand, with the digest of its bytes (hex); null: its bytes are none that can be loaded. */
export type BundleProfiles = ReadonlyMap<string, CompiledProfile | null>;

/**
 * The first level of replay for a bundle: whether each verdict that is here, at both looks, follows from the profile it names
 * and the facts recorded with it. The second level asks what the facts were, and only a whole log tells.
 */
export function checkVerdicts(
  entries: readonly ReadEntry[],
  profiles: BundleProfiles,
  findings: BundleFindings,
): void {
  const wrong: string[] = [];
  const found = new Findings(({ place, why }) => {
    wrong.push(`entry ${place.seq}: ${why}`);
  });
  const absent = { count: 0 };
  const replays = new Map<string, Replay>();
  for (const { entry } of entries) {
    const { body, seq } = entry;
    const place: Place = { segment: "", offset: 0, seq };
    if (body.type === "boot" && body.semantics !== KERNEL_SEMANTICS) {
      found.look("verdicts");
      found.fault("verdicts", place, otherSemantics(body.semantics));
    } else if (body.type === "outcome") {
      for (const replay of replays.values()) replay.entry(entry, place);
    } else if (body.type === "decision") {
      const name = hex(body.profile);
      const profile = profiles.get(name);
      if (profile === undefined) absent.count += 1;
      else if (profile === null) {
        found.look("verdicts");
        found.fault("verdicts", place, "the profile that it names cannot be loaded");
      } else {
        const replay = replays.get(name) ?? new Replay(by(found, profile));
        replays.set(name, replay);
        replay.entry(entry, place);
      }
    }
  }
  const looked = found.results().find(({ id }) => id === "verdicts")?.looked ?? 0;
  for (let at = 0; at < looked; at += 1) findings.look("verdicts", wrong[at] ?? null);
  const note = noteOf(absent.count, looked);
  if (note !== null) findings.note("verdicts", note);
  findings.note("facts", "that needs the whole log (evidence verify FOLDER --replay)");
}

function by(
  findings: Findings,
  substitute: CompiledProfile,
): ConstructorParameters<typeof Replay>[0] {
  return { findings, profileOf: () => null, substitute };
}

function noteOf(absent: number, looked: number): string | null {
  if (absent > 0) {
    const which = absent === 1 ? "a decision" : `${absent} decisions`;
    return `the profile that ${which} here named is not at hand: export --with-profile brings it, --profile FILE names it`;
  }
  return looked === 0 ? "no decision on a controller's command is here" : null;
}
