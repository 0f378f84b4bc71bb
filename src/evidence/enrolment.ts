import { decodeCbor } from "../codec/cbor/decode.js";
import { encodeCbor } from "../codec/cbor/encode.js";
import {
  isCborList,
  isCborMap,
  type CborKey,
  type CborMap,
  type CborValue,
} from "../codec/cbor/value.js";

/** What a gateway asks a certificate authority for (ADR 0013). */
export type EnrolmentRequest = {
  /** The gateway's name, as its checkpoints say it. */
  readonly gateway: string;
  /** TPMT_PUBLIC of both keys. */
  readonly attester: Uint8Array;
  readonly endorsementKey: Uint8Array;
  /** Chain of the endorsement key's certificate (DER), that one first; empty: there is none. */
  readonly endorsement: readonly Uint8Array[];
  /** True: it says itself that its TPM is software. */
  readonly software: boolean;
};

/** A certificate that only the TPM with both keys can open. */
export type EnrolmentAnswer = {
  /** TPMS_ID_OBJECT and the encrypted seed: what ActivateCredential takes. */
  readonly blob: Uint8Array;
  readonly secret: Uint8Array;
  /** AES-256-GCM under the hidden value: 12 bytes of nonce, then text, then 16 bytes of tag. */
  readonly sealed: Uint8Array;
};

/** A longer file is neither. */
export const ENROLMENT_BYTES_MAX = 65_536;

export function encodeRequest(request: EnrolmentRequest): Uint8Array {
  const { gateway, attester, endorsementKey, endorsement, software } = request;
  const fields = new Map<CborKey, CborValue>([
    [0, REQUEST],
    [1, gateway],
    [2, attester],
    [3, endorsementKey],
  ]);
  if (endorsement.length > 0) fields.set(4, endorsement);
  if (software) fields.set(5, SOFTWARE);
  return encodeCbor(fields);
}

/** Null: these bytes are no request in its one form. Never throws. */
export function decodeRequest(bytes: Uint8Array): EnrolmentRequest | null {
  const fields = readFields(bytes, REQUEST, 6);
  if (fields === null) return null;
  const [gateway, attester, endorsementKey] = [1, 2, 3].map((key) => fields.get(key));
  const endorsement = fields.has(4) ? readChain(fields.get(4)) : [];
  const software = fields.get(5);
  if (typeof gateway !== "string" || endorsement === null) return null;
  if (!(attester instanceof Uint8Array) || !(endorsementKey instanceof Uint8Array)) return null;
  if (software !== undefined && software !== SOFTWARE) return null;
  return { gateway, attester, endorsementKey, endorsement, software: software === SOFTWARE };
}

export function encodeAnswer({ blob, secret, sealed }: EnrolmentAnswer): Uint8Array {
  return encodeCbor(
    new Map<CborKey, CborValue>([
      [0, ANSWER],
      [1, blob],
      [2, secret],
      [3, sealed],
    ]),
  );
}

/** Null: these bytes are no answer in its one form. Never throws. */
export function decodeAnswer(bytes: Uint8Array): EnrolmentAnswer | null {
  const fields = readFields(bytes, ANSWER, 4);
  if (fields === null) return null;
  const [blob, secret, sealed] = [1, 2, 3].map((key) => fields.get(key));
  if (!(blob instanceof Uint8Array) || !(secret instanceof Uint8Array)) return null;
  return sealed instanceof Uint8Array ? { blob, secret, sealed } : null;
}

/** What is sealed in an answer: the chain of the attestation key's certificate (DER), that one first. */
export function encodeChain(chain: readonly Uint8Array[]): Uint8Array {
  return encodeCbor(chain);
}

/** Null: it is no chain. Never throws. */
export function decodeChain(bytes: Uint8Array): readonly Uint8Array[] | null {
  const decoded = decodeCbor(bytes);
  return decoded.ok ? readChain(decoded.value) : null;
}

const REQUEST = "holdpoint-enrol/1";
const ANSWER = "holdpoint-enrolled/1";
const SOFTWARE = "software";

function readFields(bytes: Uint8Array, mark: string, count: number): CborMap | null {
  if (bytes.length > ENROLMENT_BYTES_MAX) return null;
  const decoded = decodeCbor(bytes);
  if (!decoded.ok || !isCborMap(decoded.value) || decoded.value.get(0) !== mark) return null;
  const keys = Array.from({ length: count }, (_, key): CborKey => key);
  return [...decoded.value.keys()].every((key) => keys.includes(key)) ? decoded.value : null;
}

function readChain(value: CborValue | undefined): readonly Uint8Array[] | null {
  if (value === undefined || !isCborList(value) || value.length === 0) return null;
  const chain = value.filter((one) => one instanceof Uint8Array);
  return chain.length === value.length ? chain : null;
}
