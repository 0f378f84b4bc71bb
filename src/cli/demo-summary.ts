import type { BadActPlan, BadActRecord, PlantHazard } from "./demo-parts.js";
import { alignTable } from "./output.js";

export type Check = { readonly name: string; readonly ok: boolean; readonly says: string };

/**
 * Seconds of the controller's time after which an act that was due must have been tried, and refused; one that takes longer
 * has until the next is due.
 */
const PATIENCE_S = 20;

/** One check for each scheduled misdeed: it was tried, and refused or clamped for its own expected reason. */
export function checkActs(
  acts: readonly BadActPlan[],
  records: readonly BadActRecord[],
  elapsedS: number,
): readonly Check[] {
  return acts.map(({ act, dueS, passes }, place) => {
    const untilS = Math.max(dueS + PATIENCE_S, acts[place + 1]?.dueS ?? 0);
    const sent = records.filter((record) => record.act === act);
    const refused = sent.filter((record) => record.refused && record.asExpected);
    const odd = sent.filter((record) => !record.asExpected && !(passes && !record.refused));
    // A salami's first slices are sound: the end of the run may come before the one that is not.
    if (odd.length === 0 && refused.length === 0 && elapsedS < untilS) {
      const says = sent.length === 0 ? "not reached in this time" : "cut off by the end of the run";
      return { name: act, ok: true, says };
    }
    const answers = countBy(refused.map(({ answer }) => answer));
    const says = `sent ${sent.length}, refused or clamped as expected ${refused.length}${answers}`;
    if (odd.length === 0 && refused.length > 0) return { name: act, ok: true, says };
    return {
      name: act,
      ok: false,
      says: `${says}, otherwise ${odd.length}${countBy(odd.map(({ answer }) => answer))}`,
    };
  });
}

export function checkHazards(hazards: readonly PlantHazard[]): Check {
  const says = hazards.map(({ name, rule, fromS }) => `${name} (${rule}) at ${fromS.toFixed(0)} s`);
  return {
    name: "plant met no hazard",
    ok: hazards.length === 0,
    says: hazards.length === 0 ? "none" : says.join(", "),
  };
}

export function renderChecks(checks: readonly Check[]): string {
  return alignTable(checks.map(({ name, ok, says }) => [ok ? "PASS" : "FAIL", name, says]));
}

function countBy(texts: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  if (counts.size === 0) return "";
  return ` (${[...counts].map(([text, count]) => `${text} ${count}`).join(", ")})`;
}
