import type { TpmPlace } from "../../src/adapters/tpm/place.js";
import type { TpmRecord } from "../../src/adapters/tpm/record.js";
import type { KeyBundle, ProofBundle } from "../../src/evidence/bundle.js";
import {
  draftCheckpoint,
  finishCheckpoint,
  readCheckpoint,
} from "../../src/evidence/checkpoint.js";
import { sampleLog } from "./evidence-rig.js";
import { makeBundle } from "./proof-bundle.js";
import { openTestSigner } from "./tpm-process.js";

/** A permit with its outcome, signed by the provisioned evidence key, with this key bundle of it. */
export async function makeProvisionedBundle(
  rig: { readonly place: TpmPlace; readonly record: TpmRecord },
  key: KeyBundle,
): Promise<ProofBundle> {
  const signer = await openTestSigner(rig);
  const spki = new Uint8Array(signer.spki);
  const unsigned = { spki, sign: () => new Uint8Array(64) };
  const made = makeBundle(sampleLog(0, 11), [4, 5], unsigned).bundle;
  const read = readCheckpoint(made.checkpoint);
  if (!read.ok) throw new Error(read.why);
  const draft = draftCheckpoint(read.checkpoint.claim, read.checkpoint.root);
  const signature = await signer.sign(draft.toBeSigned);
  return { ...made, checkpoint: finishCheckpoint(draft, signature, null), key };
}
