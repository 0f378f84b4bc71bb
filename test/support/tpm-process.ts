import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import type { TpmPlace } from "../../src/adapters/tpm/place.js";
import { provisionKeys } from "../../src/adapters/tpm/provision.js";
import { readRecord } from "../../src/adapters/tpm/record-file.js";
import type { TpmRecord } from "../../src/adapters/tpm/record.js";
import { makeTpmSigner } from "../../src/adapters/tpm/signer.js";
import { TpmProcess, type TpmProcessOptions } from "../../src/adapters/tpm/tpm-process.js";
import type { Signer } from "../../src/guard/ports.js";
import { startSoftwareTpm, type SoftwareTpm } from "./swtpm.js";

/** The built program, as the product runs it. */
export const TPM_PROGRAM: string = fileURLToPath(
  new URL("../../dist/src/main-tpm.js", import.meta.url),
);

/** Long for a software TPM, also where everything else has the processor first. */
const DEADLINE_MS = 30_000;

export type ProvisionedTpm = {
  readonly chip: SoftwareTpm;
  readonly directory: string;
  readonly place: TpmPlace;
  readonly record: TpmRecord;
};

/** A software TPM with all keys and counters, and the folder of their record. */
export async function startProvisioned(): Promise<ProvisionedTpm> {
  const chip = await startSoftwareTpm();
  const directory = testFolder();
  const place: TpmPlace = { kind: "socket", path: chip.path };
  return { chip, directory, place, record: await provisionAt(directory, place) };
}

export async function provisionAt(directory: string, place: TpmPlace): Promise<TpmRecord> {
  const ask = { directory, program: TPM_PROGRAM, deadlineMs: DEADLINE_MS };
  const done = await provisionKeys(ask, place);
  if (!done.ok) throw new Error(done.says);
  const found = await readRecord(directory);
  if (found.kind !== "there") throw new Error("provisioning left no record");
  return found.value;
}

/** Closed with the test. */
export function openTestProcess(
  { place, record }: { readonly place: TpmPlace; readonly record: TpmRecord },
  changes: Partial<TpmProcessOptions> = {},
): TpmProcess {
  const tpm = new TpmProcess({
    program: TPM_PROGRAM,
    place,
    rootName: record.rootName,
    deadlineMs: DEADLINE_MS,
    queueMax: 8,
    ...changes,
  });
  onTestFinished(async () => {
    await tpm.close();
  });
  return tpm;
}

/** Asked of its TPM once, as a guard does before its first checkpoint. */
export async function openTestSigner(rig: {
  readonly place: TpmPlace;
  readonly record: TpmRecord;
}): Promise<Signer> {
  const signer = makeTpmSigner(openTestProcess(rig), rig.record);
  const opened = await signer.open();
  if (!opened.ok) throw new Error(opened.says);
  return signer;
}

export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-key-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** False when there is no such process, or only what its parent has not noted yet. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
