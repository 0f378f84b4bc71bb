import { randomBytes } from "node:crypto";
import { access } from "node:fs/promises";
import type { TpmKeyReport } from "../../guard/ports.js";
import { NEVER_WRITTEN, NOTHING_THERE } from "../../codec/tpm2/response-code.js";
import { askChip, askCounter, askKey, askNewCounter, askNewKey, askRaise, askRoot } from "./ask.js";
import type { TpmChip } from "./chip.js";
import type { TpmCounter } from "./counters.js";
import type { TpmKey } from "./keys.js";
import type { KeyName } from "./message.js";
import { findUsualPlace, placeText, USUAL_PLACES, type TpmPlace } from "./place.js";
import { countersOf, kindOf, recordKey, type TpmAuths, type TpmRecord } from "./record.js";
import { readPlan, readRecord, recordPath, removePlan } from "./record-file.js";
import { writePlan, writeRecord } from "./record-file.js";
import { checkRecorded, isAnswer, reportOf, type CounterValues } from "./recorded.js";
import { faultOf, type TpmResult } from "./result.js";
import { TpmProcess } from "./tpm-process.js";

export type KeyAsk = {
  /** Where the record is. */
  readonly directory: string;
  /** The program that serves the TPM, compiled. */
  readonly program: string;
  /** Of each request; making a key takes some chips many seconds. */
  readonly deadlineMs: number;
};

export type Provisioned =
  | {
      readonly ok: true;
      /** False: all of it was there, nothing was made. */
      readonly made: boolean;
      readonly report: TpmKeyReport;
    }
  /** `says`: what is in the way. `there`: objects stand in the TPM that are not the recorded ones. */
  | { readonly ok: false; readonly says: string; readonly there: boolean };

/**
 * Makes keys and counters, or finds those that an earlier call made; then checks that each can be used, and writes the
 * record. Nothing that is in the TPM is ever replaced. Their authorisation values are on the disk before the first is
 * made: after a crash the next call goes on where this one ended.
 */
export async function provisionKeys(ask: KeyAsk, place: TpmPlace | null): Promise<Provisioned> {
  const before = await readRecord(ask.directory);
  if (before.kind === "bad") return { ok: false, says: before.says, there: false };
  const known = before.kind === "there" ? before.value : null;
  const where = place ?? known?.place ?? (await findUsualPlace());
  if (where === null) {
    const { device, swtpm } = USUAL_PLACES;
    const says = `no TPM found: ${device.path} is not there, and no swtpm listens on port ${swtpm.port}`;
    return { ok: false, says, there: false };
  }
  if (where.kind === "device" && !(await isThere(where.path))) {
    return { ok: false, says: `no TPM found: ${where.path} is not there`, there: false };
  }
  try {
    const done = known === null ? await makeAll(ask, where) : await findAll(ask, known, where);
    if (done.ok) {
      const { record, values } = done.value;
      const report = reportOf(ask.directory, record, values);
      return { ok: true, made: known === null, report };
    }
    return { ok: false, says: done.fault.says, there: isAnswer(done.fault) };
  } catch (error) {
    // Of the disk; what was made so far is found again by the plan.
    const why = error instanceof Error ? error.message : String(error);
    return { ok: false, says: `the record cannot be written: ${why}`, there: false };
  }
}

/** The record, and whether the TPM is there with what it says. `says`: no record that can be used. */
export async function reportKeys(
  ask: KeyAsk,
): Promise<
  | { readonly ok: true; readonly report: TpmKeyReport }
  | { readonly ok: false; readonly says: string }
> {
  const { directory } = ask;
  const found = await readRecord(directory);
  if (found.kind === "bad") return { ok: false, says: found.says };
  if (found.kind === "none") {
    const says = `there is no ${recordPath(directory)}: holdpoint key provision makes it`;
    return { ok: false, says: `no TPM key is provisioned: ${says}` };
  }
  const record = found.value;
  const checked = await withTpm(
    ask,
    record.place,
    record.rootName,
    async (tpm) => await checkRecorded(tpm, record),
  );
  return {
    ok: true,
    report: reportOf(directory, record, checked.ok ? checked.value : checked.fault),
  };
}

type Done = { readonly record: TpmRecord; readonly values: CounterValues };

/** A TPM whose place changed is the same one as long as it holds the same keys. */
async function findAll(ask: KeyAsk, known: TpmRecord, place: TpmPlace): Promise<TpmResult<Done>> {
  const checked = await withTpm(
    ask,
    place,
    known.rootName,
    async (tpm) => await checkRecorded(tpm, known),
  );
  if (!checked.ok) return checked;
  const moved = placeText(place) !== placeText(known.place);
  const record = moved ? { ...known, place, kind: kindOf(place, known.chip) } : known;
  if (moved) await writeRecord(ask.directory, record);
  await removePlan(ask.directory);
  return { ok: true, value: { record, values: checked.value } };
}

async function makeAll(ask: KeyAsk, place: TpmPlace): Promise<TpmResult<Done>> {
  const found = await withTpm(ask, place, null, async (tpm) => {
    const chip = await tpm.ask(askChip());
    if (!chip.ok) return chip;
    const root = await tpm.ask(askRoot());
    return root.ok ? { ok: true, value: { chip: chip.value, root: root.value } } : root;
  });
  if (!found.ok) return found;
  const { chip, root } = found.value;
  const { name } = root;
  return await withTpm(
    ask,
    place,
    name,
    async (tpm) => await makeUnder(tpm, ask.directory, { place, chip, rootName: name }),
  );
}

async function makeUnder(
  tpm: TpmProcess,
  directory: string,
  base: {
    readonly place: TpmPlace;
    readonly chip: TpmChip;
    readonly rootName: Uint8Array;
  },
): Promise<TpmResult<Done>> {
  const planned = await planAuths(tpm, directory);
  if (!planned.ok) return planned;
  const auths = planned.value;
  const evidence = await findOrMakeKey(tpm, "evidenceKey", auths.evidence);
  if (!evidence.ok) return evidence;
  const attestation = await findOrMakeKey(tpm, "attestationKey", auths.attestation);
  if (!attestation.ok) return attestation;
  const counters = countersOf(auths);
  const checkpoint = await findOrMakeCounter(tpm, counters.checkpoint);
  if (!checkpoint.ok) return checkpoint;
  const anchor = await findOrMakeCounter(tpm, counters.anchor);
  if (!anchor.ok) return anchor;
  const record: TpmRecord = {
    ...base,
    kind: kindOf(base.place, base.chip),
    evidence: recordKey(evidence.value, auths.evidence),
    attestation: recordKey(attestation.value, auths.attestation),
    counters,
    // Nobody can raise them before there is a record.
    firsts: { checkpoint: Number(checkpoint.value), anchor: Number(anchor.value) },
  };
  const checked = await checkRecorded(tpm, record);
  if (!checked.ok) return checked;
  await writeRecord(directory, record);
  await removePlan(directory);
  return { ok: true, value: { record, values: checked.value } };
}

/** Those of a call that did not come to its end, or new ones where the places in the TPM are free. */
async function planAuths(tpm: TpmProcess, directory: string): Promise<TpmResult<TpmAuths>> {
  const plan = await readPlan(directory);
  if (plan.kind === "there") return { ok: true, value: plan.value };
  if (plan.kind === "bad") return faultOf("not-done", plan.says);
  for (const name of ["evidenceKey", "attestationKey"] as const) {
    const read = await tpm.ask(askKey(name));
    if (!read.ok) return read;
    if (read.value === null) continue;
    const at = read.value.handle.toString(16);
    return faultOf("mismatch", `a key is at 0x${at} already, and ${directory} has no record of it`);
  }
  const [evidence, attestation] = [randomBytes(32), randomBytes(32)];
  const auths = { evidence, attestation, checkpoint: randomBytes(32), anchor: randomBytes(32) };
  await writePlan(directory, auths);
  return { ok: true, value: auths };
}

async function findOrMakeKey(
  tpm: TpmProcess,
  name: KeyName,
  auth: Uint8Array,
): Promise<TpmResult<TpmKey>> {
  const there = await tpm.ask(askKey(name));
  if (!there.ok) return there;
  const { value } = there;
  return value === null ? await tpm.ask(askNewKey(name, auth)) : { ok: true, value };
}

async function findOrMakeCounter(tpm: TpmProcess, counter: TpmCounter): Promise<TpmResult<bigint>> {
  const there = await tpm.ask(askCounter(counter));
  if (there.ok) return there;
  if (there.fault.code === NOTHING_THERE) return await tpm.ask(askNewCounter(counter));
  return there.fault.code === NEVER_WRITTEN ? await tpm.ask(askRaise(counter, 0n)) : there;
}

/** Ends the process when `run` has ended. */
export async function withTpm<T>(
  ask: KeyAsk,
  place: TpmPlace,
  rootName: Uint8Array | null,
  run: (tpm: TpmProcess) => Promise<TpmResult<T>>,
): Promise<TpmResult<T>> {
  const { program, deadlineMs } = ask;
  const tpm = new TpmProcess({ program, place, rootName, deadlineMs, queueMax: 4 });
  try {
    return await run(tpm);
  } finally {
    await tpm.close();
  }
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
