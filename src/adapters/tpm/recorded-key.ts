import { askKey } from "./ask.js";
import { nameAt, recordKey, type RecordedKey } from "./record.js";
import { faultOf, type TpmResult } from "./result.js";
import type { TpmProcess } from "./tpm-process.js";

/** `mismatch` unless the key at the recorded handle is the recorded one. */
export async function findRecorded(
  tpm: TpmProcess,
  recorded: RecordedKey,
): Promise<TpmResult<null>> {
  const read = await tpm.ask(askKey(nameAt(recorded)));
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
