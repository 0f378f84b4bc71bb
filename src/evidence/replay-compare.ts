import type { WriteRecord } from "../kernel/record/entry.js";
import type { KernelFact, Look } from "../kernel/record/look.js";
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
  if (leaseText(recorded) !== leaseText(replayed)) {
    return `recorded lease ${leaseText(recorded)}, by the log ${leaseText(replayed)}`;
  }
  const tags = compareLists(
    "tags read",
    recorded.tags.map(({ tag }) => tag),
    replayed.tags.map(({ tag }) => tag),
  );
  return tags ?? compareFacts(recorded.kernel, replayed.kernel);
}

export function compareFacts(
  recorded: readonly KernelFact[],
  replayed: readonly KernelFact[],
): string | null {
  for (let i = 0; i < Math.max(recorded.length, replayed.length); i += 1) {
    const was = factText(recorded[i]);
    const is = factText(replayed[i]);
    if (was !== is) return `recorded ${was}, by the log ${is}`;
  }
  return null;
}

/** As a set: order among equals is not part of a verdict. */
export function compareReasons(
  recorded: readonly Reason[],
  replayed: readonly Reason[],
): string | null {
  const was = recorded.map(reasonText).sort();
  const is = replayed.map(reasonText).sort();
  return was.join() === is.join() ? null : `recorded ${listText(was)}, replayed ${listText(is)}`;
}

export function compareWrites(
  recorded: readonly WriteRecord[],
  replayed: readonly WriteRecord[],
): string | null {
  for (let i = 0; i < Math.max(recorded.length, replayed.length); i += 1) {
    const was = writeText(recorded[i]);
    const is = writeText(replayed[i]);
    if (was !== is) return `recorded ${was}, replayed ${is}`;
  }
  return null;
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
  if (recorded.join() === replayed.join()) return null;
  return `recorded ${what} ${listText(recorded)}, by the log ${listText(replayed)}`;
}

function listText(list: readonly (string | number)[]): string {
  return list.length === 0 ? "none" : list.join(", ");
}
