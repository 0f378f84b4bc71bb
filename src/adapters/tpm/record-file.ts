import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  decodeNextPlan,
  decodePlan,
  decodeRecord,
  encodeNextPlan,
  encodePlan,
  encodeRecord,
  type TpmAuths,
  type TpmRecord,
} from "./record.js";

/** Something read from a folder: what was there, that nothing was, or why it cannot be used. */
export type Found<T> =
  | { readonly kind: "there"; readonly value: T }
  | { readonly kind: "none" }
  | { readonly kind: "bad"; readonly says: string };

export function recordPath(directory: string): string {
  return join(directory, "tpm-key.cbor");
}

export async function readRecord(directory: string): Promise<Found<TpmRecord>> {
  return await readSecret(recordPath(directory), decodeRecord);
}

/** Durable when it returns; never half a file. Rejects with the system's error. */
export async function writeRecord(directory: string, record: TpmRecord): Promise<void> {
  await writeSecret(directory, recordPath(directory), encodeRecord(record));
}

export async function readPlan(directory: string): Promise<Found<TpmAuths>> {
  return await readSecret(planPath(directory), decodePlan);
}

export async function writePlan(directory: string, auths: TpmAuths): Promise<void> {
  await writeSecret(directory, planPath(directory), encodePlan(auths));
}

/** To be called when the record that it led to is durable. */
export async function removePlan(directory: string): Promise<void> {
  await rm(planPath(directory), { force: true });
  await syncFolder(directory);
}

/** The value of a key that `key rotate` is about to make. */
export async function readNextPlan(directory: string): Promise<Found<Uint8Array>> {
  return await readSecret(nextPlanPath(directory), decodeNextPlan);
}

export async function writeNextPlan(directory: string, auth: Uint8Array): Promise<void> {
  await writeSecret(directory, nextPlanPath(directory), encodeNextPlan(auth));
}

export async function removeNextPlan(directory: string): Promise<void> {
  await rm(nextPlanPath(directory), { force: true });
  await syncFolder(directory);
}

const BYTES_MAX = 4096;

function nextPlanPath(directory: string): string {
  return join(directory, "tpm-next.cbor");
}

function planPath(directory: string): string {
  return join(directory, "tpm-plan.cbor");
}

async function readSecret<T>(
  path: string,
  decode: (bytes: Uint8Array) => T | null,
): Promise<Found<T>> {
  try {
    const file = await open(path, "r");
    try {
      const { mode, size } = await file.stat();
      if ((mode & 0o077) !== 0) {
        return { kind: "bad", says: `${path} can be read by others than its owner: chmod 600 it` };
      }
      const value = size > BYTES_MAX ? null : decode(await file.readFile());
      if (value !== null) return { kind: "there", value };
      return { kind: "bad", says: `${path} is damaged, or of another release of Holdpoint` };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      return { kind: "none" };
    return { kind: "bad", says: error instanceof Error ? error.message : String(error) };
  }
}

/** Content before its name, and the name before anything rests on it. */
async function writeSecret(directory: string, path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const unfinished = `${path}.tmp`;
  await rm(unfinished, { force: true });
  const file = await open(unfinished, "wx", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, path);
  await syncFolder(directory);
}

async function syncFolder(directory: string): Promise<void> {
  const folder = await open(directory, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
