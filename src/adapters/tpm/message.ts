import { FrameReader, FrameWriter } from "../../codec/door/wire.js";
import type { Credential } from "../../codec/tpm2/activate-credential.js";
import { SIZE } from "../../codec/tpm2/constant.js";
import type { EndorsementKind } from "../../codec/tpm2/endorsement-certificate.js";
import type { TpmCounter } from "./counters.js";
import type { KeyUse } from "./keys.js";
import type { TpmFault, TpmResult } from "./result.js";

/** One operation for the process that has the TPM. Authorisation values are at most 32 bytes. */
export type TpmRequest =
  | { readonly op: "read-chip" }
  | { readonly op: "find-root" }
  | { readonly op: "read-key"; readonly key: KeyName }
  | { readonly op: "make-key"; readonly key: KeyName; readonly auth: Uint8Array }
  | { readonly op: "sign"; readonly use: KeyUse; readonly digest: Uint8Array }
  | {
      readonly op: "certify";
      readonly object: KeyUse;
      readonly signer: KeyUse;
      readonly qualifying: Uint8Array;
    }
  /** `handle` 0: there is none kept, the one of the TCG template is made for this time. */
  | { readonly op: "read-endorsement"; readonly handle: number }
  | { readonly op: "read-certificate"; readonly kind: EndorsementKind }
  | {
      readonly op: "open-credential";
      readonly object: KeyUse;
      readonly handle: number;
      readonly credential: Credential;
    }
  | { readonly op: "define-counter"; readonly counter: TpmCounter }
  | { readonly op: "read-counter"; readonly counter: TpmCounter }
  /** Raised once; its answer lost on the TPM's connection, it is read again, never raised again. */
  | { readonly op: "raise-counter"; readonly counter: TpmCounter; readonly above: bigint }
  | {
      readonly op: "certify-counter";
      readonly counter: TpmCounter;
      readonly signer: KeyUse;
      readonly qualifying: Uint8Array;
    }
  | { readonly op: "read-jump" }
  /** `pcrs`: 0 to 23, each once, in order. */
  | {
      readonly op: "quote";
      readonly signer: KeyUse;
      readonly qualifying: Uint8Array;
      readonly pcrs: readonly number[];
    }
  | { readonly op: "get-time"; readonly signer: KeyUse; readonly qualifying: Uint8Array }
  /** Frees the handle where the key of this Name is. */
  | { readonly op: "remove-key"; readonly key: KeyName; readonly name: Uint8Array };

/** Those that a key's word on something is the answer to. */
export type AttestRequest = Extract<TpmRequest, { readonly qualifying: Uint8Array }>;

export function isAttestRequest(request: TpmRequest): request is AttestRequest {
  return isAttestOp(request.op);
}

/** The keys that are made and used; the storage root is found. */
export type KeyName = "evidenceKey" | "attestationKey" | "otherEvidenceKey";

/** Longest body of a frame either way. */
export const MESSAGE_BYTES_MAX = 8192;

/** One length-prefixed frame. `id` comes back with the answer. */
export function encodeRequest(id: number, request: TpmRequest): Uint8Array {
  const out = new FrameWriter(512, MESSAGE_BYTES_MAX);
  const [number, items] = OPS[request.op];
  out
    .begin(2 + items)
    .uint(id)
    .uint(number);
  if (isAttestRequest(request)) putAttest(out, request);
  else putRequest(out, request);
  out.end();
  return out.take();
}

function putRequest(out: FrameWriter, request: Exclude<TpmRequest, AttestRequest>): void {
  switch (request.op) {
    case "read-chip":
    case "find-root":
    case "read-jump":
      break;
    case "read-key":
      out.uint(KEYS.indexOf(request.key));
      break;
    case "make-key":
      out.uint(KEYS.indexOf(request.key)).blob(request.auth);
      break;
    case "remove-key":
      out.uint(KEYS.indexOf(request.key)).blob(request.name);
      break;
    case "sign":
      putUse(out, request.use).blob(request.digest);
      break;
    case "read-endorsement":
      out.uint(request.handle);
      break;
    case "read-certificate":
      out.uint(ENDORSEMENT_KINDS.indexOf(request.kind));
      break;
    case "open-credential": {
      const { blob, secret } = request.credential;
      putUse(out, request.object).uint(request.handle).blob(blob).blob(secret);
      break;
    }
    case "define-counter":
    case "read-counter":
      putCounter(out, request.counter);
      break;
    case "raise-counter":
      putCounter(out, request.counter).blob(bytesOf(request.above));
  }
}

function putAttest(out: FrameWriter, request: AttestRequest): void {
  const { signer, qualifying } = request;
  switch (request.op) {
    case "certify":
      putUse(putUse(out, request.object), signer).blob(qualifying);
      break;
    case "certify-counter":
      putUse(putCounter(out, request.counter), signer).blob(qualifying);
      break;
    case "quote":
      putUse(out, signer).blob(qualifying).uint(maskOf(request.pcrs));
      break;
    case "get-time":
      putUse(out, signer).blob(qualifying);
  }
}

export type NumberedRequest = { readonly id: number; readonly request: TpmRequest };

/** The body of one frame; null for anything but exactly one request in its one encoding. */
export function decodeRequest(bytes: Uint8Array): NumberedRequest | null {
  const from = new FrameReader(bytes, 0, bytes.length);
  const items = from.array(ITEMS_MAX);
  const id = from.uint(ID_MAX);
  const number = from.uint(NUMBER_MAX);
  const op = NAMES.find((name) => OPS[name][0] === number);
  if (op === undefined || items !== 2 + OPS[op][1]) return null;
  const request = isAttestOp(op) ? takeAttest(from, op) : takeRequest(from, op);
  return from.complete() ? { id, request } : null;
}

/** What an operation came to; every value is a few byte strings. */
export type TpmAnswer = TpmResult<readonly Uint8Array[]>;

export function encodeAnswer(id: number, answer: TpmAnswer): Uint8Array {
  const out = new FrameWriter(512, MESSAGE_BYTES_MAX);
  if (answer.ok) {
    out
      .begin(2 + answer.value.length)
      .uint(id)
      .uint(0);
    for (const value of answer.value) out.blob(value);
  } else {
    const { kind, code, says } = answer.fault;
    out.begin(5).uint(id).uint(1).uint(FAULTS.indexOf(kind));
    out.uint(code).text(says.slice(0, SAYS_CHARS_MAX));
  }
  out.end();
  return out.take();
}

/** The body of one frame; null for anything but exactly one answer in its one encoding. */
export function decodeAnswer(
  bytes: Uint8Array,
): { readonly id: number; readonly answer: TpmAnswer } | null {
  const from = new FrameReader(bytes, 0, bytes.length);
  const items = from.array(ITEMS_MAX);
  const id = from.uint(ID_MAX);
  if (from.uint(1) === 0) {
    const value: Uint8Array[] = [];
    for (let item = 2; item < items; item += 1) value.push(from.blob(0, SIZE.certificate));
    return from.complete() && items >= 2 ? { id, answer: { ok: true, value } } : null;
  }
  const kind = FAULTS[from.uint(FAULTS.length - 1)];
  const code = from.uint(WORD_MAX);
  const says = from.text(SAYS_CHARS_MAX);
  if (!from.complete() || items !== 5 || kind === undefined) return null;
  return { id, answer: { ok: false, fault: { kind, says, code } } };
}

/** Eight bytes, most significant first; and back. */
export function bytesOf(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(COUNTER_BYTES);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

export function counterOf(bytes: Uint8Array): bigint {
  return Buffer.from(bytes).readBigUInt64BE();
}

const ATTEST_OPS: readonly AttestRequest["op"][] = [
  "certify",
  "certify-counter",
  "quote",
  "get-time",
];
const PCRS = 24;
const PCR_MASK_MAX = 2 ** PCRS - 1;
const COUNTER_BYTES = 8;
const ID_MAX = Number.MAX_SAFE_INTEGER;
const WORD_MAX = 0xffff_ffff;
const SAYS_CHARS_MAX = 512;
const KEYS: readonly KeyName[] = ["evidenceKey", "attestationKey", "otherEvidenceKey"];
const COUNTER_KINDS: readonly TpmCounter["kind"][] = ["flash", "orderly"];
const ENDORSEMENT_KINDS: readonly EndorsementKind[] = ["rsa", "ecc"];
const FAULTS: readonly TpmFault["kind"][] = [
  "not-done",
  "unknown",
  "refused",
  "malformed",
  "forged",
  "mismatch",
];

/** Number of the operation, and how many items follow it. */
const OPS: Readonly<Record<TpmRequest["op"], readonly [number, number]>> = {
  "read-chip": [0, 0],
  "find-root": [1, 0],
  "read-key": [2, 1],
  "make-key": [3, 2],
  sign: [4, 4],
  certify: [5, 7],
  "define-counter": [6, 3],
  "read-counter": [7, 3],
  "raise-counter": [8, 4],
  "read-endorsement": [9, 1],
  "open-credential": [10, 6],
  "certify-counter": [11, 7],
  "read-jump": [12, 0],
  "remove-key": [13, 2],
  quote: [14, 5],
  "get-time": [15, 4],
  "read-certificate": [16, 1],
};
const NAMES: readonly TpmRequest["op"][] = [
  "read-chip",
  "find-root",
  "read-key",
  "make-key",
  "sign",
  "certify",
  "define-counter",
  "read-counter",
  "raise-counter",
  "read-endorsement",
  "open-credential",
  "certify-counter",
  "read-jump",
  "remove-key",
  "quote",
  "get-time",
  "read-certificate",
];
const NUMBER_MAX = NAMES.length - 1;
const ITEMS_MAX = 9;

function putUse(out: FrameWriter, { key, auth }: KeyUse): FrameWriter {
  return out.uint(key.handle).blob(key.name).blob(auth);
}

function putCounter(out: FrameWriter, counter: TpmCounter): FrameWriter {
  return out.uint(counter.index).uint(COUNTER_KINDS.indexOf(counter.kind)).blob(counter.auth);
}

function takeAttest(from: FrameReader, op: AttestRequest["op"]): AttestRequest {
  switch (op) {
    case "certify": {
      const [object, signer] = [takeUse(from), takeUse(from)];
      return { op, object, signer, qualifying: takeQualifying(from) };
    }
    case "certify-counter": {
      const [counter, signer] = [takeCounter(from), takeUse(from)];
      return { op, counter, signer, qualifying: takeQualifying(from) };
    }
    case "quote": {
      const [signer, qualifying] = [takeUse(from), takeQualifying(from)];
      return { op, signer, qualifying, pcrs: pcrsOf(from.uint(PCR_MASK_MAX)) };
    }
    case "get-time":
      return { op, signer: takeUse(from), qualifying: takeQualifying(from) };
  }
}

function takeQualifying(from: FrameReader): Uint8Array {
  return from.blob(0, SIZE.qualifying);
}

function takeRequest(
  from: FrameReader,
  op: Exclude<TpmRequest["op"], AttestRequest["op"]>,
): TpmRequest {
  switch (op) {
    case "read-chip":
    case "find-root":
    case "read-jump":
      return { op };
    case "read-key":
      return { op, key: takeKey(from) };
    case "make-key":
      return { op, key: takeKey(from), auth: takeAuth(from) };
    case "remove-key":
      return { op, key: takeKey(from), name: from.blob(SIZE.name, SIZE.name) };
    case "sign":
      return { op, use: takeUse(from), digest: from.blob(SIZE.digest, SIZE.digest) };
    case "read-endorsement":
      return { op, handle: from.uint(WORD_MAX) };
    case "read-certificate":
      return { op, kind: from.uint(ENDORSEMENT_KINDS.length - 1) === 0 ? "rsa" : "ecc" };
    case "open-credential": {
      const [object, handle] = [takeUse(from), from.uint(WORD_MAX)];
      const blob = from.blob(1, SIZE.credential);
      const credential = { blob, secret: from.blob(1, SIZE.encryptedSecret) };
      return { op, object, handle, credential };
    }
    case "define-counter":
    case "read-counter":
      return { op, counter: takeCounter(from) };
    case "raise-counter": {
      const counter = takeCounter(from);
      return { op, counter, above: takeCounterValue(from) };
    }
  }
}

function isAttestOp(op: TpmRequest["op"]): op is AttestRequest["op"] {
  return ATTEST_OPS.some((known) => known === op);
}

function maskOf(pcrs: readonly number[]): number {
  return pcrs.reduce((mask, pcr) => mask | (1 << pcr), 0);
}

function pcrsOf(mask: number): readonly number[] {
  return Array.from({ length: PCRS }, (_, pcr) => pcr).filter((pcr) => (mask & (1 << pcr)) !== 0);
}

function takeKey(from: FrameReader): KeyName {
  return KEYS[from.uint(KEYS.length - 1)] ?? "evidenceKey";
}

function takeUse(from: FrameReader): KeyUse {
  const key = { handle: from.uint(WORD_MAX), name: from.blob(SIZE.name, SIZE.name) };
  return { key, auth: takeAuth(from) };
}

function takeCounter(from: FrameReader): TpmCounter {
  const index = from.uint(WORD_MAX);
  const kind = from.uint(COUNTER_KINDS.length - 1) === 0 ? "flash" : "orderly";
  return { index, kind, auth: takeAuth(from) };
}

function takeAuth(from: FrameReader): Uint8Array {
  return from.blob(0, SIZE.digest);
}

/** After a fault there are no bytes: the request is dropped by whoever asks whether it is complete. */
function takeCounterValue(from: FrameReader): bigint {
  const bytes = from.blob(COUNTER_BYTES, COUNTER_BYTES);
  return bytes.length === COUNTER_BYTES ? counterOf(bytes) : 0n;
}
