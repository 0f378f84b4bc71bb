import type { Credential } from "../../codec/tpm2/activate-credential.js";
import { parseAttest, type Attest, type SignedAttest } from "../../codec/tpm2/attest.js";
import { cutCertificate, type EndorsementKind } from "../../codec/tpm2/endorsement-certificate.js";
import { TPM_OBJECTS, type TpmObjectKind } from "../../codec/tpm2/public-area.js";
import type { TpmChip } from "./chip.js";
import type { TpmCounter } from "./counters.js";
import { parseKey, type KeyUse, type TpmKey } from "./keys.js";
import { counterOf, type KeyName, type TpmRequest } from "./message.js";

/** A request with what its answer means. `take` gives undefined when the values are no answer to it. */
export type TpmAsk<T> = {
  readonly request: TpmRequest;
  readonly take: (values: readonly Uint8Array[]) => T | undefined;
};

export function askChip(): TpmAsk<TpmChip> {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
  return {
    request: { op: "read-chip" },
    take: (values) => {
      const [manufacturer, vendor, firmware] = values;
      if (manufacturer === undefined || vendor === undefined || firmware === undefined)
        return undefined;
      return {
        manufacturer: text(manufacturer),
        vendor: text(vendor),
        firmware: text(firmware),
      };
    },
  };
}

/** The storage root that is there, or a new one; only for a process to which none is pinned. */
export function askRoot(): TpmAsk<TpmKey> {
  const { storageRoot } = TPM_OBJECTS;
  return {
    request: { op: "find-root" },
    take: ([area]) => keyIn(storageRoot, area) ?? undefined,
  };
}

/** Null when nothing is at its handle. */
export function askKey(key: KeyName): TpmAsk<TpmKey | null> {
  return {
    request: { op: "read-key", key },
    take: ([area]) => keyIn(TPM_OBJECTS[key], area),
  };
}

export function askNewKey(key: KeyName, auth: Uint8Array): TpmAsk<TpmKey> {
  return {
    request: { op: "make-key", key, auth },
    take: ([area]) => keyIn(TPM_OBJECTS[key], area) ?? undefined,
  };
}

/** Frees the place of exactly this key; also done where nothing is there. */
export function askRemoval(key: KeyName, name: Uint8Array): TpmAsk<null> {
  return { request: { op: "remove-key", key, name }, take: () => null };
}

/** ECDSA over a SHA-256 digest of 32 bytes: r || s. */
export function askSignature(use: KeyUse, digest: Uint8Array): TpmAsk<Uint8Array> {
  return {
    request: { op: "sign", use, digest },
    take: ([signature]) => (signature?.length === SIGNATURE_BYTES ? signature : undefined),
  };
}

/** The signer's word that the object is in its TPM. `qualifying` is at most 66 bytes. */
export function askCertificate(
  object: KeyUse,
  signer: KeyUse,
  qualifying: Uint8Array,
): TpmAsk<SignedAttest> {
  return {
    request: { op: "certify", object, signer, qualifying },
    take: attestIn,
  };
}

/** TPMT_PUBLIC of the endorsement key that is kept at the handle; 0: of the TCG template's. */
export function askEndorsementKey(handle: number): TpmAsk<Uint8Array> {
  return { request: { op: "read-endorsement", handle }, take: someBytes };
}

/** Certificate (DER) of the endorsement key of this kind, where the TPM keeps one; null: nothing is there. */
export function askEndorsementCertificate(kind: EndorsementKind): TpmAsk<Uint8Array | null> {
  return {
    request: { op: "read-certificate", kind },
    take: ([bytes]) => {
      if (bytes?.length === 0) return null;
      const whole = bytes === undefined ? null : cutCertificate(bytes);
      return whole?.length === bytes?.length ? (whole ?? undefined) : undefined;
    },
  };
}

/** What the credential hides from everybody but the TPM with both keys. */
export function askCredential(
  object: KeyUse,
  handle: number,
  credential: Credential,
): TpmAsk<Uint8Array> {
  return { request: { op: "open-credential", object, handle, credential }, take: someBytes };
}

/** Makes a counter and raises it once. */
export function askNewCounter(counter: TpmCounter): TpmAsk<bigint> {
  return { request: { op: "define-counter", counter }, take: counterIn };
}

export function askCounter(counter: TpmCounter): TpmAsk<bigint> {
  return { request: { op: "read-counter", counter }, take: counterIn };
}

/** One increment. Of `unknown` only the counter itself can tell: it is read again, not raised again. */
export function askRaise(counter: TpmCounter, above: bigint): TpmAsk<bigint> {
  return { request: { op: "raise-counter", counter, above }, take: counterIn };
}

/** The signer's word on what the counter stands at. `qualifying` is at most 66 bytes. */
export function askCounterCertificate(
  counter: TpmCounter,
  signer: KeyUse,
  qualifying: Uint8Array,
): TpmAsk<SignedAttest> {
  return { request: { op: "certify-counter", counter, signer, qualifying }, take: attestIn };
}

/** The signer's word on PCRs (0 to 23, in order) of the SHA-256 bank, about exactly these and over `qualifying`. */
export function askQuote(
  signer: KeyUse,
  qualifying: Uint8Array,
  pcrs: readonly number[],
): TpmAsk<SignedAttest> {
  return {
    request: { op: "quote", signer, qualifying, pcrs },
    take: (values) =>
      attestOf(values, qualifying, ({ attested }) => {
        if (attested.kind !== "quote") return false;
        const [selection, ...more] = attested.selections;
        return more.length === 0 && selection?.pcrs.join() === pcrs.join();
      }),
  };
}

/** The signer's word on the TPM's own clock and how often it was reset, over `qualifying`. */
export function askTime(signer: KeyUse, qualifying: Uint8Array): TpmAsk<SignedAttest> {
  return {
    request: { op: "get-time", signer, qualifying },
    take: (values) => attestOf(values, qualifying, ({ attested }) => attested.kind === "time"),
  };
}

/** How far an orderly counter may jump at a loss of power. */
export function askJump(): TpmAsk<bigint> {
  return { request: { op: "read-jump" }, take: counterIn };
}

const SIGNATURE_BYTES = 64;

function attestIn([attest, signature]: readonly Uint8Array[]): SignedAttest | undefined {
  const isWhole = attest !== undefined && signature?.length === SIGNATURE_BYTES;
  return isWhole ? { attest, signature } : undefined;
}

/** One that was asked for: of its kind, over these bytes. Its signature is for whoever believes it. */
function attestOf(
  values: readonly Uint8Array[],
  qualifying: Uint8Array,
  isAsked: (attest: Attest) => boolean,
): SignedAttest | undefined {
  const signed = attestIn(values);
  if (signed === undefined) return undefined;
  const parsed = parseAttest(signed.attest);
  const isOurs = parsed.ok && Buffer.from(qualifying).equals(parsed.value.qualifying);
  return isOurs && isAsked(parsed.value) ? signed : undefined;
}

function someBytes([bytes]: readonly Uint8Array[]): Uint8Array | undefined {
  return bytes?.length === 0 ? undefined : bytes;
}

function counterIn([bytes]: readonly Uint8Array[]): bigint | undefined {
  return bytes?.length === 8 ? counterOf(bytes) : undefined;
}

function keyIn(kind: TpmObjectKind, area: Uint8Array | undefined): TpmKey | null | undefined {
  if (area === undefined) return undefined;
  if (area.length === 0) return null;
  const key = parseKey(kind, area);
  return key.ok ? key.value : undefined;
}
