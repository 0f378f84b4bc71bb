import { describe, expect, it } from "vitest";
import { certifyKey } from "../../src/adapters/tpm/attestation.js";
import { certifyCounter, defineCounter } from "../../src/adapters/tpm/counters.js";
import { signDigest, type TpmKey } from "../../src/adapters/tpm/keys.js";
import type { Tpm } from "../../src/adapters/tpm/tpm.js";
import { COUNTER_INDEX } from "../../src/codec/tpm2/nv-public.js";
import { spkiOf } from "../../src/codec/tpm2/spki.js";
import { encodeBundle, type ProofBundle } from "../../src/evidence/bundle.js";
import { draftCheckpoint, finishCheckpoint } from "../../src/evidence/checkpoint.js";
import { encodeOutside } from "../../src/evidence/outside.js";
import type { AnchorBody } from "../../src/kernel/record/entry.js";
import { sampleLog } from "../support/evidence-rig.js";
import { sha256 } from "../support/evidence-samples.js";
import { checkpointOf } from "../support/period-bundle.js";
import { check, checkByPython, checkLines, makeBundle } from "../support/proof-bundle.js";
import {
  ATTESTATION_AUTH,
  EVIDENCE_AUTH,
  makeKeys,
  NO_AUTH,
  startTpmRig,
  valueOf,
} from "../support/tpm-rig.js";

type Chip = {
  readonly tpm: Tpm;
  readonly evidence: TpmKey;
  readonly attestation: TpmKey;
};

const COUNTER = { index: COUNTER_INDEX.anchor, kind: "flash", auth: EVIDENCE_AUTH } as const;

/** A software TPM with both keys and the counter of anchors. */
async function startChip(): Promise<Chip> {
  const { tpm } = await startTpmRig();
  const keys = await makeKeys(tpm);
  valueOf(await defineCounter(tpm, COUNTER, NO_AUTH));
  return { tpm, ...keys };
}

const evidenceUse = ({ evidence: key }: Chip) => ({ key, auth: EVIDENCE_AUTH });
const attestationUse = ({ attestation: key }: Chip) => ({ key, auth: ATTESTATION_AUTH });

/** The permit 4 with its outcome 5 under a checkpoint that this TPM signed. */
async function bundleBy(chip: Chip): Promise<ProofBundle> {
  const spki = spkiOf(chip.evidence.area);
  const unsigned = { spki, sign: () => new Uint8Array(64) };
  const { bundle } = makeBundle(sampleLog(0, 11), [4, 5], unsigned);
  const { claim, root } = checkpointOf(bundle);
  const draft = draftCheckpoint(claim, root);
  const digest = new Uint8Array(sha256(draft.toBeSigned));
  const signature = valueOf(await signDigest(chip.tpm, evidenceUse(chip), digest));
  const certified = valueOf(
    await certifyKey(chip.tpm, evidenceUse(chip), attestationUse(chip), NO_AUTH),
  );
  const attestation = {
    attester: chip.attestation.publicArea,
    certifyInfo: certified.attest,
    signature: certified.signature,
    certified: chip.evidence.publicArea,
  };
  const checkpoint = finishCheckpoint(draft, signature, null);
  return { ...bundle, checkpoint, key: { ...bundle.key, attestation } };
}

async function anchorBy(
  chip: Chip,
  { checkpoint }: ProofBundle,
  use = attestationUse(chip),
): Promise<AnchorBody> {
  const qualifying = new Uint8Array(sha256(checkpoint));
  const signed = valueOf(await certifyCounter(chip.tpm, COUNTER, use, qualifying));
  const { attest: token, signature } = signed;
  return { type: "anchor", kind: "nv-certify", token, size: 11, signature };
}

/** What fails, by both verifiers in the same words. */
function bothSay(bundle: ProofBundle, anchor: AnchorBody): readonly string[] {
  const whole = { ...bundle, outside: encodeOutside({ proof: null, anchors: [anchor] }) };
  const report = check(whole);
  const python = checkByPython(encodeBundle(whole));
  expect([python.code, ...python.lines]).toEqual([report.ok ? 0 : 1, ...checkLines(report)]);
  return report.checks
    .filter(({ status }) => status === "FAIL")
    .map(({ id, why }) => `${id}: ${why ?? ""}`);
}

describe("a bundle with an anchor of a TPM", () => {
  it("passes under its attestation key, and not what its evidence key or another TPM says [HP-185]", async () => {
    const [chip, stranger] = [await startChip(), await startChip()];
    const bundle = await bundleBy(chip);
    expect(bothSay(bundle, await anchorBy(chip, bundle))).toEqual([]);
    const byEvidenceKey = await anchorBy(chip, bundle, evidenceUse(chip));
    expect(bothSay(bundle, byEvidenceKey)).toEqual([
      "anchor: it is signed by the key of checkpoints: only a restricted key's attest counts",
    ]);
    expect(bothSay(bundle, await anchorBy(stranger, bundle))).toEqual([
      "anchor: the attestation key that is here did not sign it",
    ]);
    const other = await bundleBy(chip);
    expect(bothSay(bundle, await anchorBy(chip, other))).toEqual([
      "outside: the anchor is over another checkpoint",
    ]);
  });
});
