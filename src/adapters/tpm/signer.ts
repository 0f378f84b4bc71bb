import type { Signer } from "../../guard/ports.js";
import { askKey, askSignature } from "./ask.js";
import { sha256 } from "./key-derivation.js";
import type { KeyName } from "./message.js";
import { recordKey, type RecordedKey, type TpmRecord } from "./record.js";
import { faultOf, type TpmResult } from "./result.js";
import type { TpmProcess } from "./tpm-process.js";

/**
 * Signs by the recorded evidence key, which is read first: `mismatch` when it is another key or none. The process is
 * the caller's, opened with the record's place and root, and closed by the caller. A signature that is not had within
 * the process's limits rejects with one line; the key cannot be another one later, its Name is part of every command.
 */
export async function openTpmSigner(
  tpm: TpmProcess,
  record: TpmRecord,
): Promise<TpmResult<Signer>> {
  const { kind, evidence } = record;
  const there = await findRecorded(tpm, "evidenceKey", evidence);
  if (!there.ok) return there;
  const { spki } = evidence;
  const kid = sha256(spki);
  const sign = async (bytes: Uint8Array): Promise<Uint8Array> => {
    const signed = await tpm.ask(askSignature(evidence, sha256(bytes)));
    if (!signed.ok) throw new Error(signed.fault.says);
    return signed.value;
  };
  return { ok: true, value: { kind, spki, kid, sign } };
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

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(b);
}
