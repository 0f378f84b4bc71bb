import type { Signer } from "../../guard/ports.js";
import type { KeyAsk } from "./provision.js";
import { readRecord, recordPath } from "./record-file.js";
import { makeTpmSigner } from "./signer.js";
import { TpmProcess } from "./tpm-process.js";

/**
 * The signer that a folder's record describes, over a process of its own that ends with this one. The TPM need not be
 * there yet. `says`: why there is none, in a line.
 */
export async function openRecordedSigner({
  directory,
  program,
  deadlineMs,
}: KeyAsk): Promise<
  { readonly ok: true; readonly signer: Signer } | { readonly ok: false; readonly says: string }
> {
  const found = await readRecord(directory);
  if (found.kind === "bad") return { ok: false, says: found.says };
  if (found.kind === "none") {
    const says = `there is no ${recordPath(directory)}: holdpoint key provision --out ${directory} makes it`;
    return { ok: false, says };
  }
  const { place, rootName } = found.value;
  const tpm = new TpmProcess({ program, place, rootName, deadlineMs, queueMax: QUEUE_MAX });
  return { ok: true, signer: makeTpmSigner(tpm, found.value) };
}

/** A checkpoint asks for one thing after the other; room for what a slow chip has not answered yet. */
const QUEUE_MAX = 4;
