import type { Write } from "../command/request.js";
import type { FoldedState } from "../state/state.js";
import type { Raw } from "../units.js";
import type { Turn } from "./turn.js";

/** A released write that nobody has an answer to. */
export type LostWrite = {
  readonly seq: number;
  readonly writes: readonly Write[];
  /** Another write to one of its outputs may have reached the device after it. */
  readonly contested: boolean;
};

export type Resolution = "resolved-done" | "resolved-not-done";

/**
 * What a read of everything that a lost write wrote tells about it, when it can arrive no more; null: nothing. Done
 * only where a value stands that nothing else can have put there. Not done only where the value of before stands and
 * nothing can have covered up the written one: no other write, no output that goes back by itself, nobody else.
 */
export function resolveLost(
  turn: Turn,
  folded: FoldedState,
  lost: LostWrite,
  reads: ReadonlyMap<number, Raw>,
): Resolution | null {
  const signs = lost.writes.map((write) => signOf(turn, folded, { lost, write, reads }));
  const are = (sign: Sign): boolean => signs.every((one) => one === sign || one === "either");
  if (are("done")) return signs.includes("done") ? "resolved-done" : null;
  if (lost.contested || !are("not-done")) return null;
  return signs.includes("not-done") ? "resolved-not-done" : null;
}

/** Whether a read value is the written one, as far as the output's proof tells them apart. */
export function isProvenBy(turn: Turn, output: number, written: Raw, read: Raw): boolean {
  if (written === read) return true;
  const proof = turn.model.outputs[output]?.proof;
  if (proof?.kind !== "readback" || proof.tolerance === 0) return false;
  const difference = turn.profile.outputs[output]?.quantity.difference(read, written) ?? NaN;
  return Math.abs(difference) <= proof.tolerance;
}

/** Of one output. Either: what stands there is as well the written value as one of before or of another write. */
type Sign = "done" | "not-done" | "either" | "nothing";

function signOf(
  turn: Turn,
  folded: FoldedState,
  of: {
    readonly lost: LostWrite;
    readonly write: Write;
    readonly reads: ReadonlyMap<number, Raw>;
  },
): Sign {
  const { output, raw } = of.write;
  const read = of.reads.get(output);
  const state = folded.outputs[output];
  const before = state?.proven?.raw ?? state?.logged ?? null;
  if (read === undefined || state === undefined || before === null) return "nothing";
  const isShown = isProvenBy(turn, output, raw, read);
  const others = state.planned.filter(({ seq }) => seq !== of.lost.seq).map((other) => other.raw);
  const isOther = [before, ...others].some((known) => isProvenBy(turn, output, known, read));
  if (isShown) return isOther ? "either" : "done";
  const isLevel = turn.model.outputs[output]?.drive.kind === "level";
  return isOther && isLevel ? "not-done" : "nothing";
}
