import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { askSignature } from "../../src/adapters/tpm/ask.js";
import { readRecord } from "../../src/adapters/tpm/record-file.js";
import { TpmProcess } from "../../src/adapters/tpm/tpm-process.js";
import { median } from "../median.js";
import { startChip } from "./tpm-chip.js";

const PROGRAM = fileURLToPath(new URL("../../src/main-tpm.js", import.meta.url));
const DEADLINE_MS = 10_000;
const WARM = 50;
const SIGNATURES = 500;

/** Median of one signature by the evidence key in a software TPM, as the guard asks for it: through the TPM's own process, milliseconds. */
export async function measureSignature(dir: string): Promise<number> {
  mkdirSync(dir, { recursive: true });
  const chip = await startChip(dir);
  try {
    const found = await readRecord(chip.keys);
    if (found.kind !== "there") throw new Error(`no record of keys in ${chip.keys}`);
    const { place, rootName, evidence } = found.value;
    const limits = { deadlineMs: DEADLINE_MS, queueMax: 1 };
    const tpm = new TpmProcess({ program: PROGRAM, place, rootName, ...limits });
    try {
      const tookMs: number[] = [];
      for (let made = 0; made < WARM + SIGNATURES; made += 1) {
        const digest = new Uint8Array(createHash("sha256").update(`${made}`).digest());
        const begunMs = performance.now();
        const signed = await tpm.ask(askSignature(evidence, digest));
        if (!signed.ok) throw new Error(signed.fault.says);
        if (made >= WARM) tookMs.push(performance.now() - begunMs);
      }
      return median(tookMs);
    } finally {
      await tpm.close();
    }
  } finally {
    await chip.stop();
  }
}
