import type { WriteRecord } from "../kernel/record/entry.js";
import type { KernelFact, Look, TagFact } from "../kernel/record/look.js";
import type { Reason } from "../kernel/record/reason.js";

/** Plain words for the first thing in which two looks differ but for plant readings; null: nothing does. */
export function compareLooks(recorded: Look, replayed: Look): string | null {
  if (recorded.monoUs !== replayed.monoUs) {
    return `it was taken at ${recorded.monoUs} us, not at ${replayed.monoUs}`;
  }
  if (recorded.mode !== replayed.mode) {
    return `recorded mode ${recorded.mode}, by the log ${replayed.mode}`;
  }
  const trips = compareLists("latched trips", recorded.latched, replayed.latched);
  if (trips !== null) return trips;
  const bypasses = compareLists("bypasses", recorded.bypasses, replayed.bypasses);
  if (bypasses !== null) return bypasses;
  if (!sameLease(recorded.lease, replayed.lease)) {
    return `recorded lease ${leaseText(recorded)}, by the log ${leaseText(replayed)}`;
  }
  return (
    compareTags(recorded.tags, replayed.tags) ?? compareFacts(recorded.kernel, replayed.kernel)
  );
}

function compareTags(recorded: readonly TagFact[], replayed: readonly TagFact[]): string | null {
  const length = Math.max(recorded.length, replayed.length);
  for (let i = 0; i < length; i += 1) {
    if (recorded[i]?.tag === replayed[i]?.tag) continue;
    const tags = (facts: readonly TagFact[]): readonly number[] => facts.map(({ tag }) => tag);
    return `recorded tags read ${listText(tags(recorded))}, by the log ${listText(tags(replayed))}`;
  }
  return null;
}

export function compareFacts(
  recorded: readonly KernelFact[],
  replayed: readonly KernelFact[],
): string | null {
  const length = Math.max(recorded.length, replayed.length);
  for (let i = 0; i < length; i += 1) {
    const was = recorded[i];
    const is = replayed[i];
    // Words only for what differs: a long log has a hundred million facts to compare.
    if (!sameFact(was, is)) return `recorded ${factText(was)}, by the log ${factText(is)}`;
  }
  return null;
}

function sameFact(was: KernelFact | undefined, is: KernelFact | undefined): boolean {
  if (was === undefined || is === undefined) return was === is;
  return (
    was.kind === is.kind &&
    was.index === is.index &&
    was.value === is.value &&
    was.ageUs === is.ageUs
  );
}

function sameLease(was: Look["lease"], is: Look["lease"]): boolean {
  if (was === null || is === null) return was === is;
  return was.gainSeq === is.gainSeq && was.leftUs === is.leftUs;
}

/** As a set: order among equals is not part of a verdict. */
export function compareReasons(
  recorded: readonly Reason[],
  replayed: readonly Reason[],
): string | null {
  if (recorded.length === 0 && replayed.length === 0) return null;
  const was = recorded.map(reasonText).sort();
  const is = replayed.map(reasonText).sort();
  return was.join() === is.join() ? null : `recorded ${listText(was)}, replayed ${listText(is)}`;
}

export function compareWrites(
  recorded: readonly WriteRecord[],
  replayed: readonly WriteRecord[],
): string | null {
  const length = Math.max(recorded.length, replayed.length);
  for (let i = 0; i < length; i += 1) {
    const was = recorded[i];
    const is = replayed[i];
    if (!sameWrite(was, is)) return `recorded ${writeText(was)}, replayed ${writeText(is)}`;
  }
  return null;
}

function sameWrite(was: WriteRecord | undefined, is: WriteRecord | undefined): boolean {
  if (was === undefined || is === undefined) return was === is;
  return (
    was.output === is.output &&
    was.asked === is.asked &&
    was.given === is.given &&
    was.was === is.was &&
    was.wasProven === is.wasProven
  );
}

export function reasonText(reason: Reason): string {
  const limit = reason.limit === null ? "" : ` limit ${reason.limit === 0 ? 0 : reason.limit}`;
  const free = reason.freeUs === null ? "" : ` free in ${reason.freeUs} us`;
  const output = reason.output === null ? "" : ` output ${reason.output}`;
  return `${reason.rule === null ? reason.code : `${reason.code} ${reason.rule}`}${output}${limit}${free}`;
}

function factText(fact: KernelFact | undefined): string {
  if (fact === undefined) return "nothing";
  const age = fact.ageUs === undefined ? "" : ` age ${fact.ageUs} us`;
  return `${fact.kind} of ${fact.index} = ${fact.value ?? "unknown"}${age}`;
}

function writeText(write: WriteRecord | undefined): string {
  if (write === undefined) return "no write";
  const { output, asked, given, was, wasProven } = write;
  const before = was === null ? "unknown" : `${was}${wasProven ? " (proven)" : " (planned)"}`;
  return `output ${output} from ${before}, asked ${asked}, given ${given ?? "nothing"}`;
}

function leaseText({ lease }: Look): string {
  return lease === null ? "none" : `${lease.gainSeq} with ${lease.leftUs} us left`;
}

function compareLists(
  what: string,
  recorded: readonly (string | number)[],
  replayed: readonly (string | number)[],
): string | null {
  if (recorded.length === 0 && replayed.length === 0) return null;
  if (recorded.join() === replayed.join()) return null;
  return `recorded ${what} ${listText(recorded)}, by the log ${listText(replayed)}`;
}

function listText(list: readonly (string | number)[]): string {
  return list.length === 0 ? "none" : list.join(", ");
}
