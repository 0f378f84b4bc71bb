import type { Signer } from "../../guard/ports.js";
import { NOTHING_THERE } from "../../codec/tpm2/response-code.js";
import { askCounter, askKey, askSignature } from "./ask.js";
import { sha256 } from "./key-derivation.js";
import type { KeyName } from "./message.js";
import { raiseSurely } from "./raise.js";
import { recordKey, type RecordedKey, type TpmRecord } from "./record.js";
import { faultOf, type TpmFault, type TpmResult } from "./result.js";
import type { TpmProcess } from "./tpm-process.js";

/**
 * Signs by the recorded evidence key, and raises the counter of checkpoints. Nothing is asked of the TPM before `open`, which
 * reads both: `foreign` when the TPM answers and holds others than the recorded ones, or none. The process is the caller's,
 * opened with the record's place and root, and closed by the caller. A signature that is not had within the process's limits
 * rejects with one line; the key cannot be another one later, its Name is part of every command.
 */
export function makeTpmSigner(tpm: TpmProcess, record: TpmRecord): Required<Signer> {
  const { kind, evidence, counters } = record;
  let newest: bigint | null = null;
  const open: Required<Signer>["open"] = async () => {
    const there = await findRecorded(tpm, "evidenceKey", evidence);
    const counted = there.ok ? await tpm.ask(askCounter(counters.checkpoint)) : there;
    if (!counted.ok)
      return { ok: false, foreign: isForeign(counted.fault), says: counted.fault.says };
    newest = counted.value;
    return { ok: true };
  };
  const raise = async (): Promise<number> => {
    if (newest === null) throw new Error("the TPM was not asked for its counter yet");
    const raised = await raiseSurely(tpm, counters.checkpoint, newest);
    if (!raised.ok) throw new Error(raised.fault.says);
    if (raised.value > COUNT_MAX) throw new Error("the TPM's counter is beyond any real one");
    newest = raised.value;
    return Number(newest);
  };
  const { spki } = evidence;
  const kid = sha256(spki);
  const sign = async (bytes: Uint8Array): Promise<Uint8Array> => {
    const signed = await tpm.ask(askSignature(evidence, sha256(bytes)));
    if (!signed.ok) throw new Error(signed.fault.says);
    return signed.value;
  };
  return { kind, spki, kid, open, raise, sign };
}

/** `mismatch` unless the key at the recorded handle is the recorded one. */
export async function findRecorded(
  tpm: TpmProcess,
  name: KeyName,
  recorded: RecordedKey,
): Promise<TpmResult<null>> {
  const read = await tpm.ask(askKey(name));
  if (!read.ok) return read;
  const place = `0x${recorded.key.handle.toString(16)}`;
  if (read.value === null) return faultOf("mismatch", `no key is at ${place} any more`);
  const found = recordKey(read.value, recorded.auth);
  const same = isSame(found.key.name, recorded.key.name) && isSame(found.spki, recorded.spki);
  if (same) return { ok: true, value: null };
  return faultOf("mismatch", `the key at ${place} is not the one that was provisioned`);
}

/** A TPM that is out of order, or locked, says no in other words. */
function isForeign({ kind, code }: TpmFault): boolean {
  return kind === "mismatch" || (kind === "refused" && code === NOTHING_THERE);
}

/** What a number holds exactly; a counter that is raised each second is there in a hundred million years. */
const COUNT_MAX = BigInt(Number.MAX_SAFE_INTEGER);

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(b);
}
