import { createPublicKey, randomBytes, verify } from "node:crypto";
import type { TpmKeyReport } from "../../guard/ports.js";
import { TPM_OBJECTS } from "../../codec/tpm2/public-area.js";
import { askCertificate, askCounter, askSignature } from "./ask.js";
import { sha256 } from "./key-derivation.js";
import { placeText } from "./place.js";
import type { RecordedKey, TpmCounters, TpmRecord } from "./record.js";
import { recordPath } from "./record-file.js";
import { faultOf, type TpmFault, type TpmResult } from "./result.js";
import { findRecorded } from "./recorded-key.js";
import type { TpmProcess } from "./tpm-process.js";

export type CounterValues = Readonly<Record<keyof TpmCounters, bigint>>;

/**
 * Whether the TPM holds what the record says and its values open it: both keys sign something new, both counters are
 * read. Raises nothing.
 */
export async function checkRecorded(
  tpm: TpmProcess,
  record: TpmRecord,
): Promise<TpmResult<CounterValues>> {
  const { evidence, attestation, counters, rotation } = record;
  const keys = await checkKeys(tpm, evidence, attestation);
  if (!keys.ok) return keys;
  const next = rotation?.next ?? null;
  if (next !== null) {
    const signs = await checkSigning(tpm, next);
    if (!signs.ok) return signs;
  }
  const checkpoint = await tpm.ask(askCounter(counters.checkpoint));
  if (!checkpoint.ok) return checkpoint;
  const anchor = await tpm.ask(askCounter(counters.anchor));
  if (!anchor.ok) return anchor;
  return { ok: true, value: { checkpoint: checkpoint.value, anchor: anchor.value } };
}

/** The record for people, with what {@link checkRecorded} found. */
export function reportOf(
  directory: string,
  record: TpmRecord,
  found: CounterValues | TpmFault,
): TpmKeyReport {
  const { chip, counters, evidence, firsts } = record;
  const values = "says" in found ? null : found;
  const counter = (name: keyof TpmCounters): TpmKeyReport["counters"]["anchor"] => ({
    index: counters[name].index,
    first: firsts[name],
    value: values?.[name] ?? null,
  });
  return {
    kind: record.kind,
    place: placeText(record.place),
    chip: `${chip.manufacturer} ${chip.vendor}, firmware ${chip.firmware}`,
    file: recordPath(directory),
    root: record.rootName,
    kid: sha256(evidence.spki),
    spki: evidence.spki,
    attester: record.attestation.spki,
    handles: {
      root: TPM_OBJECTS.storageRoot.handle,
      evidence: evidence.key.handle,
      attestation: record.attestation.key.handle,
    },
    counters: { checkpoint: counter("checkpoint"), anchor: counter("anchor") },
    rotation: rotationOf(record),
    trouble: "says" in found ? { answers: isAnswer(found), says: found.says } : null,
  };
}

/** The TPM's own no, or what it holds; of any other fault it may be the cause or not. */
export function isAnswer({ kind }: TpmFault): boolean {
  return kind === "refused" || kind === "mismatch";
}

/** That an evidence key is the recorded one, and signs something new. */
export async function checkSigning(
  tpm: TpmProcess,
  evidence: RecordedKey,
): Promise<TpmResult<null>> {
  const there = await findRecorded(tpm, evidence);
  if (!there.ok) return there;
  const message = randomBytes(32);
  const signed = await tpm.ask(askSignature(evidence, sha256(message)));
  if (!signed.ok) return signed;
  if (isSigned(evidence, message, signed.value)) return there;
  return faultOf("mismatch", "the TPM signed by another key than the recorded one");
}

function rotationOf({ rotation }: TpmRecord): TpmKeyReport["rotation"] {
  const { next = null, before = null } = rotation ?? {};
  const key = next ?? before;
  if (key === null) return null;
  const { spki } = key;
  return {
    step: next === null ? "done" : "waits",
    kid: sha256(spki),
    spki,
    handle: key.key.handle,
    givenUp: next?.givenUp ?? false,
  };
}

async function checkKeys(
  tpm: TpmProcess,
  evidence: RecordedKey,
  attestation: RecordedKey,
): Promise<TpmResult<null>> {
  const signs = await checkSigning(tpm, evidence);
  if (!signs.ok) return signs;
  const attestationThere = await findRecorded(tpm, attestation);
  if (!attestationThere.ok) return attestationThere;
  const message = randomBytes(32);
  // It signs nothing from outside, but it certifies a key.
  const certified = await tpm.ask(askCertificate(evidence, attestation, message));
  if (!certified.ok) return certified;
  const { attest, signature } = certified.value;
  return isSigned(attestation, attest, signature)
    ? { ok: true, value: null }
    : faultOf("mismatch", "the TPM certified by another key than the recorded one");
}

function isSigned({ spki }: RecordedKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  return verify("sha256", bytes, { key, dsaEncoding: "ieee-p1363" }, signature);
}
