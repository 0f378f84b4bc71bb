import { SIZE } from "../../codec/tpm2/constant.js";
import { CERTIFICATE_INDEX, cutCertificate } from "../../codec/tpm2/endorsement-certificate.js";
import type { EndorsementKind } from "../../codec/tpm2/endorsement-certificate.js";
import { getProperties, PROPERTY } from "../../codec/tpm2/get-capability.js";
import { nameOf, type TpmEntity } from "../../codec/tpm2/name.js";
import { nvRead, nvReadPublic } from "../../codec/tpm2/nv.js";
import { NV_WRITTEN } from "../../codec/tpm2/nv-public.js";
import { NOTHING_THERE } from "../../codec/tpm2/response-code.js";
import { sha256 } from "./key-derivation.js";
import { faultOf, type TpmResult } from "./result.js";
import type { Tpm } from "./tpm.js";
import type { TpmLine } from "./tpm-line.js";

/**
 * The certificate (DER) that the TPM's maker left in it for the endorsement key of this kind: exactly one structure of at
 * most 4,096 bytes, of which nothing else was looked at. Null where nothing was ever written at its NV index. `refused`
 * where the index cannot be read with the empty value that the TCG EK Credential Profile gives it, `mismatch` where what
 * it holds is no certificate.
 */
export async function readEndorsementCertificate(
  tpm: Tpm,
  kind: EndorsementKind,
): Promise<TpmResult<Uint8Array | null>> {
  const index = CERTIFICATE_INDEX[kind];
  return await tpm.perform<Uint8Array | null>(async (line) => {
    const found = await findIndex(line, index);
    if (!found.ok) return found;
    if (found.value === null) return { ok: true, value: null };
    const read = await readWhole(line, found.value);
    if (!read.ok) return read;
    const certificate = cutCertificate(read.value);
    if (certificate !== null) return { ok: true, value: certificate };
    return faultOf("mismatch", `${placeOf(index)} does not hold one certificate and nothing else`);
  });
}

/** As far as TPMs go in one command, and the least to be asked for: so at most 64 commands read a certificate. */
const CHUNK_BYTES = { least: 64, most: 768 };
const NO_AUTH = new Uint8Array(0);

type FoundIndex = { readonly entity: TpmEntity; readonly size: number };

/** Not guarded, and need not be: every read is bound to the Name computed from it, and a TPM refuses a false one. */
async function findIndex(line: TpmLine, index: number): Promise<TpmResult<FoundIndex | null>> {
  const read = await line.plain(nvReadPublic(index));
  if (!read.ok) return read.fault.code === NOTHING_THERE ? NOTHING : read;
  const { area, publicArea } = read.value;
  const { size } = area;
  if (area.index !== index) return faultOf("mismatch", `${placeOf(index)} is said to be another`);
  if ((area.attributes & NV_WRITTEN) === 0) return NOTHING;
  if (size > SIZE.certificate) {
    return faultOf("mismatch", `${placeOf(index)} has ${size} bytes, more than a certificate`);
  }
  const entity = { handle: index, name: nameOf(publicArea, sha256) };
  return { ok: true, value: { entity, size } };
}

async function readWhole(
  line: TpmLine,
  { entity, size }: FoundIndex,
): Promise<TpmResult<Uint8Array>> {
  const told = await line.plain(getProperties(PROPERTY.nvBufferMax, 1));
  if (!told.ok) return told;
  const most = Math.min(CHUNK_BYTES.most, told.value.get(PROPERTY.nvBufferMax) ?? 0);
  const chunk = Math.max(CHUNK_BYTES.least, most);
  const whole = new Uint8Array(size);
  for (let offset = 0; offset < size; offset += chunk) {
    const part = { offset, size: Math.min(chunk, size - offset) };
    const read = await line.authorised(nvRead(entity, part), [NO_AUTH]);
    if (!read.ok) return read;
    whole.set(read.value, offset);
  }
  return { ok: true, value: whole };
}

const NOTHING: TpmResult<null> = { ok: true, value: null };

function placeOf(index: number): string {
  return `the NV index 0x${index.toString(16).padStart(8, "0")}`;
}
