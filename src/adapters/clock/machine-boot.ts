import { readFileSync } from "node:fs";

const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/** 16 bytes that are another at each boot of the machine; null where the system does not say. */
export function readMachineBoot(): Uint8Array | null {
  try {
    const id = readFileSync(BOOT_ID, "latin1").replace(/[^0-9a-f]/g, "");
    return id.length === 32 ? Uint8Array.from(Buffer.from(id, "hex")) : null;
  } catch {
    return null;
  }
}
