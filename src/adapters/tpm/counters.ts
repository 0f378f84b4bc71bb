import type { SignedAttest } from "../../codec/tpm2/attest.js";
import { nameOf, type TpmEntity } from "../../codec/tpm2/name.js";
import { nvCertify, nvDefineSpace, nvIncrement } from "../../codec/tpm2/nv.js";
import { nvReadCounter, nvReadPublic } from "../../codec/tpm2/nv.js";
import { isNvCounter, NV_WRITTEN, nvCounter } from "../../codec/tpm2/nv-public.js";
import type { NvCounterKind } from "../../codec/tpm2/nv-public.js";
import { sha256 } from "./key-derivation.js";
import type { KeyUse } from "./keys.js";
import { faultOf, type TpmResult } from "./result.js";
import type { Tpm } from "./tpm.js";
import type { TpmLine } from "./tpm-line.js";

/** A counter of the gateway, at an index 0x0150xxxx, and the value that lets one use it. */
export type TpmCounter = {
  readonly index: number;
  readonly kind: NvCounterKind;
  readonly auth: Uint8Array;
};

/**
 * Makes the counter and raises it once, so that it can be read: its first value. Refused when the index is in use. One
 * that was made and, for a fault, not raised can be raised later.
 */
export async function defineCounter(
  tpm: Tpm,
  counter: TpmCounter,
  owner: Uint8Array,
): Promise<TpmResult<bigint>> {
  return await tpm.perform(async (line) => {
    const area = nvCounter(counter.index, counter.kind);
    const defined = await line.authorised(nvDefineSpace(area, counter.auth), [owner]);
    if (!defined.ok) return defined;
    const index = await findIndex(line, counter);
    if (!index.ok) return index;
    const raised = await line.authorised(nvIncrement(index.value.entity), [counter.auth]);
    if (!raised.ok) return raised;
    return await readValue(line, counter);
  });
}

/** Refused when nothing is defined there, `mismatch` when it is another index than it must be. */
export async function readCounter(tpm: Tpm, counter: TpmCounter): Promise<TpmResult<bigint>> {
  return await tpm.perform(async (line) => await readValue(line, counter));
}

/**
 * Raises the counter and gives its value, which is above `above` (the highest value seen so far) or there is a fault.
 * The increment is sent once. When its answer or the read after it is lost, the counter is read again on a new
 * connection: above `above` it was raised (an orderly counter that jumped with the TPM's death serves as well: no such
 * value was given out before), else it is `not-done`. `unknown` when it cannot be read either.
 */
export async function raiseCounter(
  tpm: Tpm,
  counter: TpmCounter,
  above: bigint,
): Promise<TpmResult<bigint>> {
  return await tpm.perform(async (line) => {
    const index = await findIndex(line, counter);
    if (!index.ok) return index;
    const raised = await line.authorised(nvIncrement(index.value.entity), [counter.auth]);
    if (!raised.ok && !isOpen(raised.fault.kind)) return raised;
    const read = raised.ok ? await readValue(line, counter, index.value) : raised;
    const value = read.ok ? read : await readAgain(line, counter);
    if (!value.ok || value.value > above) return value;
    if (!raised.ok) return faultOf("not-done", `the counter was not raised: ${raised.fault.says}`);
    return faultOf("mismatch", `the counter stands at ${value.value}, not above ${above}`);
  });
}

/** The counter's value in an attest structure signed by a restricted key. */
export async function certifyCounter(
  tpm: Tpm,
  counter: TpmCounter,
  signer: KeyUse,
  qualifying: Uint8Array,
): Promise<TpmResult<SignedAttest>> {
  return await tpm.perform(async (line) => {
    const index = await findIndex(line, counter);
    if (!index.ok) return index;
    const command = nvCertify(signer.key, index.value.entity, qualifying);
    return await line.authorised(command, [signer.auth, counter.auth]);
  });
}

/** Sent, and whether it was done cannot be told from what came back. */
function isOpen(kind: string): boolean {
  return kind === "unknown" || kind === "malformed" || kind === "forged";
}

async function readAgain(line: TpmLine, counter: TpmCounter): Promise<TpmResult<bigint>> {
  line.drop();
  const ready = await line.ready();
  const value = ready.ok ? await readValue(line, counter) : ready;
  if (value.ok) return value;
  return faultOf("unknown", `whether the counter was raised is not known: ${value.fault.says}`);
}

/** `known` spares a command; before the first increment it has another Name than after, so it does not serve. */
async function readValue(
  line: TpmLine,
  counter: TpmCounter,
  known: NvIndex | null = null,
): Promise<TpmResult<bigint>> {
  const index =
    known?.written === true ? { ok: true as const, value: known } : await findIndex(line, counter);
  if (!index.ok) return index;
  return await line.authorised(nvReadCounter(index.value.entity), [counter.auth]);
}

type NvIndex = { readonly entity: TpmEntity; readonly written: boolean };

/**
 * The index as it is now: its Name changes with its first increment. The answer is not guarded and need not be: the
 * next command is bound to the Name computed from it, and a TPM refuses a Name that is not the index's own.
 */
async function findIndex(line: TpmLine, counter: TpmCounter): Promise<TpmResult<NvIndex>> {
  const read = await line.plain(nvReadPublic(counter.index));
  if (!read.ok) return read;
  const { area, publicArea } = read.value;
  const place = `the NV index 0x${counter.index.toString(16).padStart(8, "0")}`;
  if (area.index !== counter.index || !isNvCounter(area, counter.kind)) {
    const found = `0x${area.attributes.toString(16).padStart(8, "0")}`;
    return faultOf("mismatch", `${place} is not the counter that belongs there (${found})`);
  }
  const entity = { handle: counter.index, name: nameOf(publicArea, sha256) };
  return { ok: true, value: { entity, written: (area.attributes & NV_WRITTEN) !== 0 } };
}
