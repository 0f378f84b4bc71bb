import { randomBytes } from "node:crypto";
import type { TpmKeyReport } from "../../guard/ports.js";
import { askKey, askNewKey, askRemoval } from "./ask.js";
import type { TpmKey } from "./keys.js";
import { withTpm, type KeyAsk } from "./provision.js";
import { otherPlace, recordKey, type RecordedKey, type TpmRecord } from "./record.js";
import { readNextPlan, readRecord, recordPath, removeNextPlan } from "./record-file.js";
import { writeNextPlan, writeRecord } from "./record-file.js";
import { checkRecorded, checkSigning, reportOf, type CounterValues } from "./recorded.js";
import { faultOf, type TpmFault, type TpmResult } from "./result.js";
import type { TpmProcess } from "./tpm-process.js";

export type RotateAsk = KeyAsk & {
  /** The key that signs now cannot sign any more, by the word of a person: nobody is to vouch for the new one. */
  readonly giveUp: boolean;
};

/** `made` false: a key waits to take over already. */
export type Rotated =
  | { readonly ok: true; readonly made: boolean; readonly report: TpmKeyReport }
  | { readonly ok: false; readonly says: string };

/**
 * Makes the key that takes over from the recorded evidence key when a gateway starts next, at the place that one leaves
 * free. Nothing that signs now is touched, so a running gateway goes on. Its value is on the disk before it is made, and the
 * record names it when it has signed: after a crash at any point the next call goes on where this one ended. The key that
 * an earlier rotation left at that place goes, that very one and no other.
 */
export async function rotateKey(ask: RotateAsk): Promise<Rotated> {
  const { directory } = ask;
  const found = await readRecord(directory);
  if (found.kind === "bad") return { ok: false, says: found.says };
  if (found.kind === "none") {
    const says = `there is no ${recordPath(directory)}: holdpoint key provision makes it`;
    return { ok: false, says };
  }
  const record = found.value;
  const { place, rootName } = record;
  try {
    const done = await withTpm(ask, place, rootName, async (tpm) => {
      const waiting = record.rotation?.next ?? null;
      return waiting === null
        ? await makeNext(tpm, record, ask)
        : await keepNext(tpm, record, { ...ask, waiting });
    });
    if (!done.ok) return { ok: false, says: done.fault.says };
    const { made, rotated, values } = done.value;
    return { ok: true, made, report: reportOf(directory, rotated, values) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { ok: false, says: `the record cannot be written: ${why}` };
  }
}

type Done = {
  readonly made: boolean;
  readonly rotated: TpmRecord;
  /** A fault where the key that signs now was given up: then it is not asked for more. */
  readonly values: CounterValues | TpmFault;
};

async function makeNext(
  tpm: TpmProcess,
  record: TpmRecord,
  { directory, giveUp }: RotateAsk,
): Promise<TpmResult<Done>> {
  const before = record.rotation?.before ?? null;
  if (!giveUp) {
    const checked = await checkRecorded(tpm, record);
    if (!checked.ok) return withAdvice(checked.fault);
  }
  const planned = await planNext(tpm, record, directory);
  if (!planned.ok) return planned;
  const auth = planned.value;
  const key = await findOrMake(tpm, record, auth);
  if (!key.ok) return key;
  const next: RecordedKey = recordKey(key.value, auth);
  const signs = await checkSigning(tpm, next);
  if (!signs.ok) return signs;
  const rotated = { ...record, rotation: { next: { ...next, givenUp: giveUp }, before } };
  await writeRecord(directory, rotated);
  await removeNextPlan(directory);
  const checked = await checkRecorded(tpm, rotated);
  const values = checked.ok ? checked.value : checked.fault;
  return { ok: true, value: { made: true, rotated, values } };
}

/** One at a time; what can still change is who vouches for it. */
async function keepNext(
  tpm: TpmProcess,
  record: TpmRecord,
  of: RotateAsk & { readonly waiting: NonNullable<NonNullable<TpmRecord["rotation"]>["next"]> },
): Promise<TpmResult<Done>> {
  const { directory, giveUp, waiting } = of;
  const signs = await checkSigning(tpm, waiting);
  if (!signs.ok && signs.fault.kind === "mismatch") {
    // It is not there, and never signed a checkpoint: another one is made in its place.
    const { before: former = null } = record.rotation ?? {};
    return await makeNext(tpm, { ...record, rotation: { next: null, before: former } }, of);
  }
  if (!signs.ok) return signs;
  const isNews = giveUp && !waiting.givenUp;
  const before = record.rotation?.before ?? null;
  const next = { ...waiting, givenUp: waiting.givenUp || giveUp };
  const rotated = isNews ? { ...record, rotation: { next, before } } : record;
  if (isNews) await writeRecord(directory, rotated);
  await removeNextPlan(directory);
  const checked = await checkRecorded(tpm, rotated);
  if (!checked.ok && !next.givenUp) return withAdvice(checked.fault);
  const values = checked.ok ? checked.value : checked.fault;
  return { ok: true, value: { made: false, rotated, values } };
}

/** That of a call that did not come to its end, or a new one where the place is free, or made free. */
async function planNext(
  tpm: TpmProcess,
  record: TpmRecord,
  directory: string,
): Promise<TpmResult<Uint8Array>> {
  const plan = await readNextPlan(directory);
  // That of the key which signs by now was left behind by a crash, and makes room for a new one.
  const isPast = plan.kind === "there" && Buffer.from(record.evidence.auth).equals(plan.value);
  if (plan.kind === "there" && !isPast) return { ok: true, value: plan.value };
  if (plan.kind === "bad") return faultOf("not-done", plan.says);
  const place = otherPlace(record.evidence);
  const before = record.rotation?.before ?? null;
  if (before !== null) {
    const removed = await tpm.ask(askRemoval(place, before.key.name));
    if (!removed.ok) return removed;
  }
  const there = await tpm.ask(askKey(place));
  if (!there.ok) return there;
  if (there.value !== null) {
    const at = there.value.handle.toString(16);
    return faultOf("mismatch", `a key is at 0x${at} already, and ${directory} has no record of it`);
  }
  const auth = randomBytes(32);
  await writeNextPlan(directory, auth);
  return { ok: true, value: auth };
}

async function findOrMake(
  tpm: TpmProcess,
  { evidence }: TpmRecord,
  auth: Uint8Array,
): Promise<TpmResult<TpmKey>> {
  const place = otherPlace(evidence);
  const there = await tpm.ask(askKey(place));
  if (!there.ok) return there;
  const { value } = there;
  return value === null ? await tpm.ask(askNewKey(place, auth)) : { ok: true, value };
}

function withAdvice({ kind, says, code }: TpmFault): TpmResult<never> {
  const advice = "the key that signs now has to vouch for the next one: mend it";
  return faultOf(kind, `${says}; ${advice}, or give it up with --lost`, code);
}
