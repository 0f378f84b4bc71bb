import type { EvidenceFile } from "../ports.js";

/** All of it, however little the disk takes at a time; rejects with the system's error. */
export async function writeAll(file: EvidenceFile, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) {
    const written = await file.write(at === 0 ? bytes : bytes.subarray(at));
    if (!(written > 0)) throw new Error("the disk took no bytes");
    at += written;
  }
}

/** The system's word for an error; null: it is none of the system's. */
export function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}
