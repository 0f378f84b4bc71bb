import type { TpmCommand } from "./command.js";
import { ALGORITHM, COMMAND, HIERARCHY, SIZE } from "./constant.js";
import { entityOf } from "./name.js";
import { parseWhole } from "./reader.js";
import { TpmWriter } from "./writer.js";

export type SessionKind = "hmac" | "policy";

export type SessionStart = {
  readonly kind: SessionKind;
  /** Handle of the loaded or kept key that decrypts the salt. */
  readonly saltedTo: number;
  /** The ephemeral point of the ECDH that makes the salt, 32 bytes each. */
  readonly point: { readonly x: Uint8Array; readonly y: Uint8Array };
  readonly nonce: Uint8Array;
};

export type SessionStarted = { readonly handle: number; readonly nonce: Uint8Array };

/** TPM2_StartAuthSession (Library Part 3, 11.1): salted, unbound, SHA-256, AES-128-CFB for parameters. */
export function startAuthSession(start: SessionStart): TpmCommand<SessionStarted> {
  const secret = new TpmWriter().sized(start.point.x).sized(start.point.y).done();
  const parameters = new TpmWriter().sized(start.nonce).sized(secret).u8(KIND[start.kind]);
  parameters.u16(ALGORITHM.aes).u16(AES_BITS).u16(ALGORITHM.cfb).u16(ALGORITHM.sha256);
  return {
    title: "TPM2_StartAuthSession",
    code: COMMAND.startAuthSession,
    entities: [entityOf(start.saltedTo), entityOf(HIERARCHY.none)],
    authorised: 0,
    parameters: parameters.done(),
    seals: { command: false, response: false },
    makesHandle: true,
    parse: (bytes, handle) =>
      parseWhole(bytes, (reader) => ({ handle, nonce: reader.sized(SIZE.nonce, NONCE_LEAST) })),
  };
}

const KIND: Readonly<Record<SessionKind, number>> = { hmac: 0, policy: 1 };
const AES_BITS = 128;
const NONCE_LEAST = 16;
