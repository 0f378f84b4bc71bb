import type { Signer } from "../../guard/ports.js";
import type { KeyAsk } from "./provision.js";
import type { FormerKey, TpmRecord } from "./record.js";
import { readRecord, recordPath, writeRecord } from "./record-file.js";
import { makeTpmSigner } from "./signer.js";
import { TpmProcess } from "./tpm-process.js";

export type SignerAsk = KeyAsk & {
  /** Keeps the folder for this process alone; rejects with one line when another one has it. */
  readonly hold: (directory: string) => Promise<unknown>;
};

/**
 * The signer that a folder's record describes, over a process of its own that ends with this one. The TPM need not be
 * there yet. One signer at a time: of two that raise one counter each would be told the other's values, and either's
 * log would look like one with checkpoints missing. `says`: why there is none, in a line.
 */
export async function openRecordedSigner({
  directory,
  program,
  deadlineMs,
  hold,
}: SignerAsk): Promise<
  { readonly ok: true; readonly signer: Signer } | { readonly ok: false; readonly says: string }
> {
  const found = await readRecord(directory);
  if (found.kind === "bad") return { ok: false, says: found.says };
  if (found.kind === "none") {
    const says = `there is no ${recordPath(directory)}: holdpoint key provision --out ${directory} makes it`;
    return { ok: false, says };
  }
  try {
    await hold(directory);
  } catch (error) {
    return { ok: false, says: error instanceof Error ? error.message : String(error) };
  }
  const { place, rootName } = found.value;
  const tpm = new TpmProcess({ program, place, rootName, deadlineMs, queueMax: QUEUE_MAX });
  const takenOver = async (): Promise<void> => {
    await recordTakeover(directory, found.value);
  };
  return { ok: true, signer: makeTpmSigner(tpm, found.value, takenOver) };
}

/**
 * Writes down that the key that waited signs now, and forgets the value of the one before it. Done already is done;
 * rejects when the record is another one by now, or cannot be written.
 */
export async function recordTakeover(directory: string, known: TpmRecord): Promise<void> {
  const next = known.rotation?.next ?? null;
  const now = await readRecord(directory);
  if (next === null || now.kind !== "there") throw new Error(`${recordPath(directory)} is gone`);
  const record = now.value;
  if (isSame(record.evidence, next)) return;
  const waits = record.rotation?.next ?? null;
  if (waits === null || !isSame(record.evidence, known.evidence) || !isSame(waits, next)) {
    throw new Error(`${recordPath(directory)} was changed meanwhile`);
  }
  const { key, auth, spki } = next;
  const { evidence } = known;
  const before = { key: evidence.key, spki: evidence.spki };
  const rotation = { next: null, before };
  await writeRecord(directory, { ...record, evidence: { key, auth, spki }, rotation });
}

function isSame(a: FormerKey, b: FormerKey): boolean {
  return a.key.handle === b.key.handle && Buffer.from(a.key.name).equals(b.key.name);
}

/** A checkpoint asks for one thing after the other; room for what a slow chip has not answered yet. */
const QUEUE_MAX = 4;
