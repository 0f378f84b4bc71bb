import type { Target } from "../target.js";
import type { EvidenceFindings } from "./evidence.js";

const TPM_ADDS_MOST_US = 50;
const TPM_ADDS_MOST_SHARE = 0.1;
const YOUNG_LEAVES = 4_096;
const LONG_LEAVES = 10_000_000;

/** The promises about evidence. Those about a tree of some size are judged only on a tree that is as large. */
export function judgeEvidence(findings: EvidenceFindings): readonly Target[] {
  const { signatureP50Ms, tpm, bytesPerCommand, young, long, checks } = findings;
  const mostUs = Math.max(TPM_ADDS_MOST_US, Math.floor(TPM_ADDS_MOST_SHARE * tpm.fileP50Us));
  return [
    { ...most("a signature by the TPM (swtpm): p50", 2, "ms"), value: signatureP50Ms },
    ...tpm.costs.map(({ name, addedUs }) => ({
      ...most(`a governed write, ${name}: added p50, upper end of its 95 % interval`, mostUs, "us"),
      value: addedUs.high,
    })),
    { ...most("log of a released command, 1 in flight", 1_000, "bytes"), value: bytesPerCommand },
    {
      ...most(`bundle of a permit and its outcome, ${young.treeSize} leaves`, 2_500, "bytes"),
      value: young.treeSize >= YOUNG_LEAVES ? young.bytes : Number.NaN,
    },
    {
      ...most(`the same, ${long.treeSize} leaves`, 4_000, "bytes"),
      value: long.bytes,
    },
    { ...least("records verified, one core", 100_000, "/s"), value: checks.oneCore.perSecond },
    { ...least("records verified and replayed", 40_000, "/s"), value: checks.replay.perSecond },
    {
      ...most(`state from the newest snapshot, ${checks.records} entries`, 5, "s"),
      value: checks.recoveryS,
    },
  ];
}

/** What the long log was too short for; null: it was as long as the promises are about. */
export function sayShort({ checks, long }: EvidenceFindings): string | null {
  if (checks.records >= LONG_LEAVES && long.treeSize >= LONG_LEAVES * 0.99) return null;
  return `the promises about ${LONG_LEAVES} entries need --records ${LONG_LEAVES}; this log had ${checks.records}`;
}

type Bound = Omit<Target, "value">;

function most(says: string, bound: number, unit: string): Bound {
  return { says, bound, better: "at most", unit };
}

function least(says: string, bound: number, unit: string): Bound {
  return { says, bound, better: "at least", unit };
}
