import type { AnchorKey, KeyId, Signer } from "../../guard/ports.js";
import { NOTHING_THERE } from "../../codec/tpm2/response-code.js";
import { openAnchorKey } from "./anchor-key.js";
import { askCounter, askSignature } from "./ask.js";
import { sha256 } from "./key-derivation.js";
import { raiseSurely } from "./raise.js";
import type { FormerKey, RecordedKey, TpmRecord } from "./record.js";
import { findRecorded } from "./recorded-key.js";
import type { TpmFault, TpmResult } from "./result.js";
import type { TpmProcess } from "./tpm-process.js";

/**
 * Signs by the recorded evidence key, and raises the counter of checkpoints. Nothing is asked of the TPM before `open`, which
 * reads both: `foreign` when the TPM answers and holds others than the recorded ones, or none. The process is the caller's,
 * opened with the record's place and root, and closed by the caller. `takenOver` writes down that the key that waits has
 * taken over. A signature that is not had within the process's limits rejects with one line; the key cannot be another one
 * later, its Name is part of every command.
 */
export function makeTpmSigner(
  tpm: TpmProcess,
  record: TpmRecord,
  takenOver: () => Promise<void> = refuseToKeep,
): Required<Signer> {
  const { kind, counters, evidence, rotation } = record;
  const { next = null, before = null } = rotation ?? {};
  let newest: bigint | null = null;
  let isInDoubt = false;
  let opening: ReturnType<Required<Signer>["open"]> | null = null;
  const look: Required<Signer>["open"] = async () => {
    const found = await findAll(tpm, record);
    if (!found.ok) {
      return { ok: false, foreign: isForeign(found.fault), says: found.fault.says };
    }
    newest = found.value.newest;
    return { ok: true, anchors: found.value.anchors };
  };
  // One look at a time: an older one that ends later must not set the counter back.
  const open: Required<Signer>["open"] = async () => {
    opening ??= look().finally(() => {
      opening = null;
    });
    return await opening;
  };
  const raise = async (): Promise<number> => {
    if (newest === null) throw new Error("the TPM was not asked for its counter yet");
    if (isInDoubt) {
      // At most one value is raised for nothing, however often a try fails: at boot the log is held against the counter.
      const there = await tpm.ask(askCounter(counters.checkpoint));
      if (!there.ok) throw new Error(there.fault.says);
      if (there.value > newest) {
        newest = there.value;
        isInDoubt = false;
        return Number(newest);
      }
    }
    isInDoubt = true;
    const raised = await raiseSurely(tpm, counters.checkpoint, newest);
    if (!raised.ok) throw new Error(raised.fault.says);
    if (raised.value > COUNT_MAX) throw new Error("the TPM's counter is beyond any real one");
    newest = raised.value;
    isInDoubt = false;
    return Number(newest);
  };
  const by = (key: RecordedKey): Required<Signer> => ({
    kind,
    ...nameOf(key),
    open,
    raise,
    sign: async (bytes) => {
      const signed = await tpm.ask(askSignature(key, sha256(bytes)));
      if (!signed.ok) throw new Error(signed.fault.says);
      return signed.value;
    },
    before: before === null ? null : nameOf(before),
    handover: null,
  });
  if (next === null) return by(evidence);
  if (next.givenUp) {
    return { ...by(next), before: nameOf(evidence), handover: { to: null, done: takenOver } };
  }
  // It was made long ago; the key before it is forgotten only for one that is still there.
  const done = async (): Promise<void> => {
    const there = await findRecorded(tpm, next);
    if (!there.ok) throw new Error(there.fault.says);
    await takenOver();
  };
  return { ...by(evidence), handover: { to: by(next), done } };
}

async function findAll(
  tpm: TpmProcess,
  record: TpmRecord,
): Promise<TpmResult<{ readonly newest: bigint; readonly anchors: AnchorKey }>> {
  const next = record.rotation?.next ?? null;
  // One that waits and is gone stops nobody: it takes nothing over.
  const there = await findRecorded(tpm, next?.givenUp === true ? next : record.evidence);
  if (!there.ok) return there;
  const counted = await tpm.ask(askCounter(record.counters.checkpoint));
  if (!counted.ok) return counted;
  const anchors = await openAnchorKey(tpm, record);
  if (!anchors.ok) return anchors;
  return { ok: true, value: { newest: counted.value, anchors: anchors.value } };
}

async function refuseToKeep(): Promise<void> {
  await Promise.reject(new Error("nobody keeps the record of these keys"));
}

function nameOf({ spki }: FormerKey): KeyId {
  return { spki, kid: sha256(spki) };
}

/** A TPM that is out of order, or locked, says no in other words. */
function isForeign({ kind, code }: TpmFault): boolean {
  return kind === "mismatch" || (kind === "refused" && code === NOTHING_THERE);
}

/** What a number holds exactly; a counter that is raised each second is there in a hundred million years. */
const COUNT_MAX = BigInt(Number.MAX_SAFE_INTEGER);
