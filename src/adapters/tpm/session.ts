import { createCipheriv, createDecipheriv, createECDH, randomBytes } from "node:crypto";
import { timingSafeEqual } from "node:crypto";
import type { CommandAuth, ResponseAuth } from "../../codec/tpm2/command.js";
import { HIERARCHY, SESSION_ATTRIBUTE } from "../../codec/tpm2/constant.js";
import type { EccPublic } from "../../codec/tpm2/public-area.js";
import type { SessionKind, SessionStart } from "../../codec/tpm2/start-auth-session.js";
import { TpmWriter } from "../../codec/tpm2/writer.js";
import { hmacSha256, kdfA, kdfE } from "./key-derivation.js";

/** A session of this connection: salted, so only the pinned storage root knows its key. */
export type TpmSession = {
  readonly handle: number;
  readonly kind: SessionKind;
  readonly key: Uint8Array;
  /** Rolls with every answer that was verified. */
  nonceTpm: Uint8Array;
};

/** What is sent to start one, and what makes its key once the TPM has answered with its handle and nonce. */
export type SessionOffer = {
  readonly start: SessionStart;
  readonly accept: (handle: number, nonceTpm: Uint8Array) => TpmSession;
};

/** Null when `root` is no point of the curve. */
export function offerSession(
  kind: SessionKind,
  saltedTo: number,
  root: EccPublic,
): SessionOffer | null {
  const ephemeral = createECDH("prime256v1");
  const own = ephemeral.generateKeys();
  const z = sharedSecret(ephemeral, Buffer.concat([Uint8Array.of(4), root.x, root.y]));
  if (z === null) return null;
  const point = { x: own.subarray(1, 33), y: own.subarray(33) };
  const salt = kdfE(z, "SECRET", point.x, root.x);
  const nonce = randomBytes(NONCE_BYTES);
  return {
    start: { kind, saltedTo, point, nonce },
    accept: (handle, nonceTpm) => {
      return { handle, kind, key: kdfA(salt, "ATH", nonceTpm, nonce), nonceTpm };
    },
  };
}

/** One session's place in one command. `auth` is of the entity it authorises, or null when it authorises none. */
export type SessionUse =
  | { readonly session: TpmSession; readonly auth: Uint8Array | null }
  | { readonly session: null; readonly auth: Uint8Array };

/** Both hashes and the attributes that this command's sessions need. */
export type SealedUse = {
  readonly use: SessionUse;
  readonly nonce: Uint8Array;
  readonly attributes: number;
};

/** The first session also encrypts, where the command and its answer can be. */
export function sealUses(
  uses: readonly SessionUse[],
  seals: { readonly command: boolean; readonly response: boolean },
): readonly SealedUse[] {
  return uses.map((use, at) => {
    const nonce = use.session === null ? NOTHING : randomBytes(NONCE_BYTES);
    let attributes: number = SESSION_ATTRIBUTE.continue;
    if (at === 0 && use.session !== null && seals.command) attributes |= SESSION_ATTRIBUTE.decrypt;
    if (at === 0 && use.session !== null && seals.response) attributes |= SESSION_ATTRIBUTE.encrypt;
    return { use, nonce, attributes };
  });
}

export function commandAuth(
  { use, nonce, attributes }: SealedUse,
  cpHash: Uint8Array,
): CommandAuth {
  if (use.session === null) {
    return { session: HIERARCHY.password, nonce, attributes, hmac: trimmed(use.auth) };
  }
  const { handle, nonceTpm } = use.session;
  const text = Buffer.concat([cpHash, nonce, nonceTpm, Uint8Array.of(attributes)]);
  return { session: handle, nonce, attributes, hmac: hmacSha256(hmacKey(use), text) };
}

/** True when the answer is the TPM's, to this very command. Nothing of the answer may be used before. */
export function isAnswerOf(sealed: SealedUse, auth: ResponseAuth, rpHash: Uint8Array): boolean {
  const { use, nonce, attributes } = sealed;
  if (auth.attributes !== attributes) return false;
  if (use.session === null) return auth.hmac.length === 0 && auth.nonce.length === 0;
  const text = Buffer.concat([rpHash, auth.nonce, nonce, Uint8Array.of(auth.attributes)]);
  const wanted = hmacSha256(hmacKey(use), text);
  return auth.hmac.length === wanted.length && timingSafeEqual(auth.hmac, wanted);
}

/** AES-128-CFB over the content of a leading TPM2B (Library Part 1, section 21); its length stays in the clear. */
export function cryptParameter(
  sealed: SealedUse,
  way: "command" | "response",
  parameters: Uint8Array,
): Uint8Array {
  const { use, nonce } = sealed;
  if (use.session === null || parameters.length < 2) return parameters;
  const { key, nonceTpm } = use.session;
  const value = Buffer.concat([key, use.auth === null ? NOTHING : trimmed(use.auth)]);
  const [newer, older] = way === "command" ? [nonce, nonceTpm] : [nonceTpm, nonce];
  const secret = kdfA(value, "CFB", newer, older);
  const aes = way === "command" ? createCipheriv : createDecipheriv;
  const cipher = aes("aes-128-cfb", secret.subarray(0, 16), secret.subarray(16));
  const length = (parameters[0] ?? 0) * 256 + (parameters[1] ?? 0);
  const content = cipher.update(parameters.subarray(2, 2 + length));
  return new TpmWriter()
    .raw(parameters.subarray(0, 2))
    .raw(content)
    .raw(parameters.subarray(2 + length))
    .done();
}

const NONCE_BYTES = 16;
const NOTHING = new Uint8Array(0);

function hmacKey(use: SessionUse): Uint8Array {
  if (use.session === null) return NOTHING;
  // A policy session stands for its policy, not for the object's own authorisation value.
  const counts = use.auth !== null && use.session.kind === "hmac";
  return counts ? Buffer.concat([use.session.key, trimmed(use.auth)]) : use.session.key;
}

/** A TPM keeps authorisation values without their trailing zeros. */
function trimmed(auth: Uint8Array): Uint8Array {
  let length = auth.length;
  while (length > 0 && auth[length - 1] === 0) length -= 1;
  return auth.subarray(0, length);
}

function sharedSecret(own: ReturnType<typeof createECDH>, other: Uint8Array): Uint8Array | null {
  try {
    return own.computeSecret(other);
  } catch {
    return null;
  }
}
