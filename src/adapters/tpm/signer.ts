import type { Signer } from "../../guard/ports.js";
import { openAnchorKey } from "./anchor-key.js";
import { askCounter, askSignature } from "./ask.js";
import { sha256 } from "./key-derivation.js";
import { raiseSurely } from "./raise.js";
import type { TpmRecord } from "./record.js";
import { findRecorded } from "./recorded-key.js";
import type { TpmResult } from "./result.js";
import type { TpmProcess } from "./tpm-process.js";

/**
 * Signs by the recorded evidence key, and raises the counter of checkpoints. Both are read first: `mismatch` when they are
 * others than the recorded ones, or not there. The process is the caller's, opened with the record's place and root, and closed by the caller. A signature that is not had within
 * the process's limits rejects with one line; the key cannot be another one later, its Name is part of every command.
 */
export async function openTpmSigner(
  tpm: TpmProcess,
  record: TpmRecord,
): Promise<TpmResult<Signer>> {
  const { kind, evidence, counters } = record;
  const there = await findRecorded(tpm, "evidenceKey", evidence);
  if (!there.ok) return there;
  const counted = await tpm.ask(askCounter(counters.checkpoint));
  if (!counted.ok) return counted;
  let newest = counted.value;
  let isInDoubt = false;
  const raise = async (): Promise<number> => {
    // At most one value is raised for nothing, however often a try fails: at boot the log is held against the counter.
    const there = isInDoubt ? await tpm.ask(askCounter(counters.checkpoint)) : counted;
    if (!there.ok) throw new Error(there.fault.says);
    if (there.value > newest) {
      newest = there.value;
      isInDoubt = false;
      return Number(newest);
    }
    isInDoubt = true;
    const raised = await raiseSurely(tpm, counters.checkpoint, newest);
    if (!raised.ok) throw new Error(raised.fault.says);
    if (raised.value > COUNT_MAX) throw new Error("the TPM's counter is beyond any real one");
    newest = raised.value;
    isInDoubt = false;
    return Number(newest);
  };
  const { spki } = evidence;
  const kid = sha256(spki);
  const sign = async (bytes: Uint8Array): Promise<Uint8Array> => {
    const signed = await tpm.ask(askSignature(evidence, sha256(bytes)));
    if (!signed.ok) throw new Error(signed.fault.says);
    return signed.value;
  };
  const anchors = await openAnchorKey(tpm, record);
  if (!anchors.ok) return anchors;
  return { ok: true, value: { kind, spki, kid, raise, sign, anchors: anchors.value } };
}

/** What a number holds exactly; a counter that is raised each second is there in a hundred million years. */
const COUNT_MAX = BigInt(Number.MAX_SAFE_INTEGER);
