import { encodeCbor } from "../../src/codec/cbor/encode.js";
import { FrameWriter } from "../../src/evidence/frame.js";
import { LogWriter } from "../../src/evidence/log-writer.js";
import { Replay, type ReplayCounts } from "../../src/evidence/replay.js";
import { LogVerifier, type VerifyReport } from "../../src/evidence/verify.js";
import type { CompiledProfile } from "../../src/kernel/profile/compiled.js";
import type { Address } from "../../src/kernel/profile/model.js";
import type { Entry } from "../../src/kernel/record/entry.js";
import type { FoldedState } from "../../src/kernel/state/state.js";
import { snapshotState } from "../../src/kernel/state/snapshot.js";
import { sha256, STAMP } from "./evidence-samples.js";

/** The bytes of a segment holding these entries, committed every few; run numbers follow the boot entries. */
export function writeLog(entries: readonly Entry[], groupOf = 7): Uint8Array {
  const frames = new FrameWriter();
  const writer = new LogWriter(sha256);
  let boot = 0;
  entries.forEach((entry, i) => {
    if (entry.body.type === "boot") ({ boot } = entry.body);
    writer.append(entry, { ...STAMP, boot }, frames);
    if (i % groupOf === groupOf - 1) writer.commit(frames);
  });
  writer.commit(frames);
  return frames.bytes().slice();
}

export function snapshotBytes(state: FoldedState): Uint8Array {
  return encodeCbor(snapshotState(state));
}

export type Replayed = { readonly report: VerifyReport; readonly counts: ReplayCounts };

/** Both levels over these segments, by this profile; `substitute`: judge by that one instead. */
export function replayLog(
  segments: ReadonlyMap<string, Uint8Array>,
  profile: CompiledProfile,
  substitute: CompiledProfile | null = null,
): Replayed {
  const holder: { replay: Replay | null } = { replay: null };
  const verifier = new LogVerifier({
    sha256,
    verifySignature: () => false,
    trusted: null,
    entry: (entry, place) => {
      holder.replay?.entry(entry, place);
    },
    snapshot: (state, entry, place) => {
      holder.replay?.snapshot(state, entry, place);
    },
  });
  const replay = new Replay({
    findings: verifier.findings,
    profileOf: (digest) => (Buffer.from(digest).equals(profile.model.digest) ? profile : null),
    substitute,
  });
  holder.replay = replay;
  for (const [name, bytes] of segments) verifier.segment(name, bytes);
  return { report: verifier.finish(), counts: replay.counts() };
}

/** The rig makes up what it received; here stands what its requests would be on the wire. */
export function withBytes(entry: Entry, profile: CompiledProfile): Entry {
  const { body } = entry;
  if (body.type !== "decision" || body.writes instanceof Uint8Array) return entry;
  const [write] = body.writes;
  const at = profile.model.outputs[write?.output ?? -1]?.at;
  if (write === undefined || at === undefined || body.source.kind !== "controller") return entry;
  return { ...entry, body: { ...body, bytes: Uint8Array.from(pduOf(at, write.asked)) } };
}

function pduOf(at: Address, asked: number): readonly number[] {
  const words = (...list: readonly number[]): number[] =>
    list.flatMap((word) => [(word >> 8) & 0xff, word & 0xff]);
  if (at.table === "co") return [5, ...words(at.register, asked === 1 ? 0xff00 : 0)];
  if (at.bit === null) return [6, ...words(at.register, asked)];
  return [22, ...words(at.register, 0xffff & ~(1 << at.bit), asked << at.bit)];
}
