import type { OutcomeKind, OwnCause } from "../record/entry.js";
import type { Raw } from "../units.js";
import type { Drive } from "./kernel-state.js";
import { lookAt, record, type Turn } from "./turn.js";

/**
 * A decision of the gateway itself (source `own`): no rule can refuse it, so it stands as a permit
 * without reasons, and like every permit it is owed an outcome.
 */
export function decideOwn(
  turn: Turn,
  own: OwnCause,
  write: { readonly output: number; readonly raw: Raw },
  cause: number,
): NonNullable<Drive["decision"]> {
  const id = ownId(turn.folded.boot, turn.folded.nextSeq);
  const state = turn.folded.outputs[write.output];
  const was = state?.proven?.raw ?? state?.planned.at(-1)?.raw ?? null;
  const given = { output: write.output, asked: write.raw, given: write.raw };
  const seq = record(
    turn,
    {
      type: "decision",
      id,
      source: { kind: "own", cause: own },
      bytes: new Uint8Array(0),
      bytesHash: null,
      writes: [{ ...given, was, wasProven: state?.proven != null }],
      verdict: "permit",
      reasons: [],
      profile: turn.model.digest,
      look: lookAt(turn),
      sinceArrivalUs: 0,
    },
    cause,
  );
  return { id, seq, atUs: turn.nowUs };
}

/** Nothing for a drive that is no decision's. */
export function giveOwnOutcome(
  turn: Turn,
  drive: Drive,
  outcome: OutcomeKind,
  readBack: Raw | null,
): void {
  if (drive.decision === null) return;
  const { id, seq, atUs } = drive.decision;
  record(
    turn,
    {
      type: "outcome",
      id,
      outcome,
      reply: null,
      sincePermitUs: turn.nowUs - atUs,
      readBack: readBack === null ? null : [{ output: drive.output, raw: readBack }],
      reasons: null,
      look: null,
    },
    seq,
  );
}

/**
 * 16 bytes that no other entry has: all ones, then boot and evidence number. Random ids of commands come
 * from outside and meet this prefix with a chance of 2^-32 each; the kernel has no randomness of its own.
 */
function ownId(boot: number, seq: number): Uint8Array {
  const id = new Uint8Array(16).fill(0xff);
  const view = new DataView(id.buffer);
  view.setUint32(4, boot >>> 0);
  view.setBigUint64(8, BigInt(seq));
  return id;
}
