import { onTestFinished } from "vitest";
import type { TpmChannel } from "../../src/adapters/tpm/channel.js";
import {
  findStorageRoot,
  makeAttestationKey,
  makeEvidenceKey,
  type TpmKey,
} from "../../src/adapters/tpm/keys.js";
import type { TpmFault, TpmResult } from "../../src/adapters/tpm/result.js";
import { openSocketChannel } from "../../src/adapters/tpm/socket-channel.js";
import { openTpm, type Tpm } from "../../src/adapters/tpm/tpm.js";
import { startSoftwareTpm, type SoftwareTpm } from "./swtpm.js";

export const NO_AUTH = new Uint8Array(0);
export const EVIDENCE_AUTH = new Uint8Array(32).fill(0xe1);
/** Ends in zeros, which a TPM does not keep. */
export const ATTESTATION_AUTH = new Uint8Array(32).fill(0xa1, 0, 29);

/** Long for a TPM that works, short for a test of one that does not. */
const TIMEOUT_MS = 10_000;

/** The value, or a test that fails with the fault's words. */
export function valueOf<T>(result: TpmResult<T>): T {
  if (!result.ok) throw new Error(`${result.fault.kind}: ${result.fault.says}`);
  return result.value;
}

export function faultIn(result: TpmResult<unknown>): TpmFault {
  if (result.ok) throw new Error("there is an answer where none should be");
  return result.fault;
}

/** A TPM client that is closed with the test. */
export function openTestTpm(channel: TpmChannel, rootName: Uint8Array | null, queueMax = 16): Tpm {
  const tpm = openTpm({ channel, rootName, queueMax });
  onTestFinished(() => {
    tpm.close();
  });
  return tpm;
}

/** The storage root, made through a connection of its own. */
export async function provisionRoot(path: string): Promise<TpmKey> {
  const tpm = openTpm({
    channel: openSocketChannel({ path }, TIMEOUT_MS),
    rootName: null,
    queueMax: 16,
  });
  const root = valueOf(await findStorageRoot(tpm, NO_AUTH));
  tpm.close();
  return root;
}

export type TpmRig = {
  readonly chip: SoftwareTpm;
  readonly tpm: Tpm;
  readonly root: TpmKey;
};

/** A fresh software TPM with its storage root pinned. */
export async function startTpmRig(
  wrap: (channel: TpmChannel) => TpmChannel = (channel) => channel,
  timeoutMs = TIMEOUT_MS,
): Promise<TpmRig> {
  const chip = await startSoftwareTpm();
  const root = await provisionRoot(chip.path);
  const channel = wrap(openSocketChannel({ path: chip.path }, timeoutMs));
  return { chip, root, tpm: openTestTpm(channel, root.name) };
}

export async function makeKeys(
  tpm: Tpm,
): Promise<{ readonly evidence: TpmKey; readonly attestation: TpmKey }> {
  const evidence = valueOf(await makeEvidenceKey(tpm, EVIDENCE_AUTH, NO_AUTH));
  const hierarchies = { owner: NO_AUTH, endorsement: NO_AUTH };
  const attestation = valueOf(await makeAttestationKey(tpm, ATTESTATION_AUTH, hierarchies));
  return { evidence, attestation };
}
