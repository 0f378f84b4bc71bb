import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Native } from "../native.js";
import { type BundleSize, measureBundle } from "./bundle-size.js";
import { checkLog, type CheckFindings } from "./log-checks.js";
import { growLog } from "./log-growth.js";
import { measureTpmCost, type TpmCost } from "./tpm-cost.js";
import { measureSignature } from "./tpm-signature.js";

/** What evidence costs and what checking it takes. */
export type EvidenceFindings = {
  /** Of one signature by a software TPM. */
  readonly signatureP50Ms: number;
  readonly tpm: TpmCost;
  readonly bytesPerCommand: number;
  readonly young: BundleSize;
  readonly long: BundleSize;
  readonly checks: CheckFindings;
};

export type EvidencePlan = {
  /** Entries of the long log, about. */
  readonly records: number;
  readonly tpmRounds: number;
};

/** In a folder of its own under `dir`, which it removes: a long log takes some 350 bytes an entry. */
export async function measureEvidence(
  native: Native,
  dir: string,
  plan: EvidencePlan,
): Promise<EvidenceFindings> {
  const folder = join(dir, `evidence-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const say = (text: string): void => {
    process.stderr.write(`${text}\n`);
  };
  try {
    const signatureP50Ms = await measureSignature(join(folder, "signature"));
    say(`a governed write with and without a TPM, ${plan.tpmRounds} rounds`);
    const pace = { rounds: plan.tpmRounds, warmMs: 100, runMs: 250 };
    const tpm = await measureTpmCost(native, join(folder, "tpm"), pace);
    say(`a log of ${plan.records} entries`);
    const log = await growLog(native, join(folder, "log"), plan.records, (entries) => {
      say(`  some ${entries} entries`);
    });
    const { directory, siteFile, bytesPerCommand, young } = log;
    const checks = await checkLog(directory, siteFile, say);
    const long = await measureBundle(directory);
    return { signatureP50Ms, tpm, bytesPerCommand, young, long, checks };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
