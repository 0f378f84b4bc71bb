import type { Credential } from "../../codec/tpm2/activate-credential.js";
import {
  CERTIFICATE_INDEX,
  type EndorsementKind,
} from "../../codec/tpm2/endorsement-certificate.js";
import { askCertificate, askCredential, askEndorsementCertificate } from "./ask.js";
import { askEndorsementKey, askKey } from "./ask.js";
import { withTpm, type KeyAsk } from "./provision.js";
import { nameAt, type RecordedKey, type TpmRecord } from "./record.js";
import { readRecord, recordPath } from "./record-file.js";
import { faultOf, type TpmFault, type TpmResult } from "./result.js";
import { findRecorded } from "./recorded-key.js";
import type { TpmProcess } from "./tpm-process.js";

/** `says`: one line for people. */
export type Asked<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly says: string };

/** What a request for a certificate says of the TPM: public areas of both keys, and whether it is software. */
export type EnrolmentKeys = {
  readonly attester: Uint8Array;
  readonly endorsementKey: Uint8Array;
  readonly software: boolean;
};

export async function readForEnrolment(ask: KeyAsk, handle: number): Promise<Asked<EnrolmentKeys>> {
  return await withRecorded(ask, async (tpm, record) => {
    const attester = await areaOf(tpm, record.attestation);
    if (!attester.ok) return attester;
    const endorsementKey = await tpm.ask(askEndorsementKey(handle));
    if (!endorsementKey.ok) return endorsementKey;
    const areas = { attester: attester.value, endorsementKey: endorsementKey.value };
    return { ok: true, value: { ...areas, software: record.kind !== "tpm" } };
  });
}

/** What stands at the NV index of an endorsement key's certificate: that certificate (DER), or why it cannot be read. */
export type HeldCertificate = { readonly index: number; readonly read: Asked<Uint8Array> };

/** What the TPM holds of its endorsement keys' certificates; empty: none. Whose keys they are over is not looked at. */
export async function readCertificates(ask: KeyAsk): Promise<Asked<readonly HeldCertificate[]>> {
  return await withRecorded(ask, async (tpm) => {
    const held: HeldCertificate[] = [];
    for (const kind of ENDORSEMENT_KINDS) {
      const read = await tpm.ask(askEndorsementCertificate(kind));
      if (!read.ok && !isAboutIndex(read.fault)) return read;
      const index = CERTIFICATE_INDEX[kind];
      if (!read.ok) held.push({ index, read: { ok: false, says: read.fault.says } });
      else if (read.value !== null) held.push({ index, read: { ok: true, value: read.value } });
    }
    return { ok: true, value: held };
  });
}

/** What a credential for the recorded attestation key hides. */
export async function openRecorded(
  ask: KeyAsk,
  handle: number,
  credential: Credential,
): Promise<Asked<Uint8Array>> {
  return await withRecorded(
    ask,
    async (tpm, { attestation }) => await tpm.ask(askCredential(attestation, handle, credential)),
  );
}

/** Field 4 of a key bundle (evidence.cddl section 4, ADR 0012). */
export type AttestedKey = {
  /** TPMT_PUBLIC of the attestation key. */
  readonly attester: Uint8Array;
  readonly certifyInfo: Uint8Array;
  /** r, then s, by the attestation key. */
  readonly signature: Uint8Array;
  /** TPMT_PUBLIC of the evidence key. */
  readonly certified: Uint8Array;
};

/** The recorded attestation key's word on the recorded evidence key. */
export async function attestRecorded(ask: KeyAsk): Promise<
  Asked<{
    readonly spki: Uint8Array;
    readonly software: boolean;
    readonly attestation: AttestedKey;
  }>
> {
  return await withRecorded(ask, async (tpm, record) => {
    const certified = await areaOf(tpm, record.evidence);
    if (!certified.ok) return certified;
    const attester = await areaOf(tpm, record.attestation);
    if (!attester.ok) return attester;
    const { evidence, attestation, kind } = record;
    const made = await tpm.ask(askCertificate(evidence, attestation, new Uint8Array(0)));
    if (!made.ok) return made;
    const { attest, signature } = made.value;
    const areas = { attester: attester.value, certified: certified.value };
    const value = {
      spki: evidence.spki,
      software: kind !== "tpm",
      attestation: { ...areas, certifyInfo: attest, signature },
    };
    return { ok: true, value };
  });
}

const ENDORSEMENT_KINDS: readonly EndorsementKind[] = ["ecc", "rsa"];

/** The TPM has answered, and not with a certificate; it would do so again. */
function isAboutIndex({ kind }: TpmFault): boolean {
  return kind === "refused" || kind === "malformed" || kind === "mismatch";
}

async function withRecorded<T>(
  ask: KeyAsk,
  run: (tpm: TpmProcess, record: TpmRecord) => Promise<TpmResult<T>>,
): Promise<Asked<T>> {
  const found = await readRecord(ask.directory);
  if (found.kind === "bad") return { ok: false, says: found.says };
  if (found.kind === "none") {
    const says = `there is no ${recordPath(ask.directory)}: holdpoint key provision makes it`;
    return { ok: false, says };
  }
  const record = found.value;
  const { place, rootName } = record;
  const done = await withTpm(ask, place, rootName, async (tpm) => await run(tpm, record));
  return done.ok ? done : { ok: false, says: done.fault.says };
}

/** TPMT_PUBLIC of the key at its handle, when it is the recorded one. */
async function areaOf(tpm: TpmProcess, recorded: RecordedKey): Promise<TpmResult<Uint8Array>> {
  const there = await findRecorded(tpm, recorded);
  if (!there.ok) return there;
  const read = await tpm.ask(askKey(nameAt(recorded)));
  if (!read.ok) return read;
  if (read.value === null) return faultOf("mismatch", "the key is not there any more");
  return { ok: true, value: read.value.publicArea };
}
