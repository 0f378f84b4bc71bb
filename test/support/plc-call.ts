import type { PlcLink, ReadResult, SouthRead, SouthWrite } from "../../src/guard/ports.js";
import type { WriteResult } from "../../src/guard/ports.js";

/** The link's calls as promises, for tests that wait for one thing after the other. */
export async function writeOnce(link: PlcLink, write: SouthWrite): Promise<WriteResult> {
  return new Promise((resolve) => {
    link.write(write, resolve);
  });
}

export async function readOnce(link: PlcLink, read: SouthRead): Promise<ReadResult> {
  return new Promise((resolve) => {
    link.read(read, resolve);
  });
}

/** Settles when the link is idle: at once, or when it says so. */
export async function whenIdle(link: PlcLink): Promise<void> {
  return new Promise((resolve) => {
    if (link.idle()) resolve();
    else link.onIdle(resolve);
  });
}

export function writeWordsTo(address: number, words: readonly number[]): SouthWrite {
  return { device: 0, table: "hr", address, data: { kind: "words", words } };
}

export function writeBitsTo(address: number, bits: readonly boolean[]): SouthWrite {
  return { device: 0, table: "co", address, data: { kind: "bits", bits } };
}
