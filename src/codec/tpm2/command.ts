import { SIZE, TAG } from "./constant.js";
import type { TpmEntity } from "./name.js";
import { parseWhole, TpmReader, type TpmParsed } from "./reader.js";
import { TpmWriter } from "./writer.js";

/** One command, before sessions: what it acts on, its parameters in the clear, and how to read its answer. */
export type TpmCommand<T> = {
  /** As the Library Part 3 calls it. */
  readonly title: string;
  readonly code: number;
  readonly entities: readonly TpmEntity[];
  /** So many of the first entities must be authorised, one session each. */
  readonly authorised: 0 | 1 | 2;
  readonly parameters: Uint8Array;
  /** The first parameter is a TPM2B, so a session can encrypt it. */
  readonly seals: { readonly command: boolean; readonly response: boolean };
  /** The answer begins with the handle of something that was made. */
  readonly makesHandle: boolean;
  /** Decrypted response parameters to a value; `made` is zero unless `makesHandle`. Never throws. */
  readonly parse: (parameters: Uint8Array, made: number) => TpmParsed<T>;
};

/** TPMS_AUTH_COMMAND: one session's part. */
export type CommandAuth = {
  readonly session: number;
  readonly nonce: Uint8Array;
  readonly attributes: number;
  readonly hmac: Uint8Array;
};

/** TPMS_AUTH_RESPONSE. */
export type ResponseAuth = {
  readonly nonce: Uint8Array;
  readonly attributes: number;
  readonly hmac: Uint8Array;
};

export type TpmResponse =
  | { readonly kind: "refused"; readonly code: number }
  | {
      readonly kind: "answer";
      readonly made: number;
      /** Still encrypted, where a session does that. */
      readonly parameters: Uint8Array;
      readonly auths: readonly ResponseAuth[];
    };

/** The whole command (Library Part 1, section 18). `parameters` as they go out: encrypted where a session does that. */
export function encodeCommand(
  command: Pick<TpmCommand<unknown>, "code" | "entities">,
  auths: readonly CommandAuth[],
  parameters: Uint8Array,
): Uint8Array {
  const body = new TpmWriter();
  for (const { handle } of command.entities) body.u32(handle);
  if (auths.length > 0) {
    const area = new TpmWriter();
    for (const auth of auths) {
      area.u32(auth.session).sized(auth.nonce).u8(auth.attributes).sized(auth.hmac);
    }
    const bytes = area.done();
    body.u32(bytes.length).raw(bytes);
  }
  const bytes = body.raw(parameters).done();
  const tag = auths.length > 0 ? TAG.sessions : TAG.noSessions;
  return new TpmWriter()
    .u16(tag)
    .u32(HEADER_BYTES + bytes.length)
    .u32(command.code)
    .raw(bytes)
    .done();
}

/**
 * One whole response and nothing behind it, to a command with `sessions` sessions. Every length is checked against
 * the others. Says nothing of whether an HMAC is right. Never throws.
 */
export function parseResponse(
  bytes: Uint8Array,
  asked: { readonly makesHandle: boolean; readonly sessions: number },
): TpmParsed<TpmResponse> {
  return parseWhole(bytes, (reader) => {
    const tag = reader.u16();
    reader.expect(4, bytes.length, "size");
    const code = reader.u32();
    const refused = code !== 0;
    const wanted = refused || asked.sessions === 0 ? TAG.noSessions : TAG.sessions;
    if (tag !== wanted) reader.fail("tag", 0);
    if (refused) return { kind: "refused", code };
    const made = asked.makesHandle ? reader.u32() : 0;
    if (asked.sessions === 0) {
      return { kind: "answer", made, parameters: reader.rest(), auths: [] };
    }
    const parameters = reader.bytes(reader.u32());
    const auths: ResponseAuth[] = [];
    for (let i = 0; i < asked.sessions; i += 1) auths.push(takeAuth(reader));
    return { kind: "answer", made, parameters, auths };
  });
}

export const HEADER_BYTES = 10;

/**
 * How long the response is that begins with these bytes, as its header says: null while the header is not whole,
 * `bad` when no response may have that length.
 */
export function responseLength(bytes: Uint8Array): number | "bad" | null {
  if (bytes.length < HEADER_BYTES) return null;
  const length = new TpmReader(bytes, 2).u32();
  return length < HEADER_BYTES || length > SIZE.frame ? "bad" : length;
}

/** For commands whose answer holds nothing. */
export function parseNothing(parameters: Uint8Array): TpmParsed<null> {
  return parseWhole(parameters, () => null);
}

function takeAuth(reader: TpmReader): ResponseAuth {
  const nonce = reader.sized(SIZE.nonce);
  const attributes = reader.u8();
  return { nonce, attributes, hmac: reader.sized(SIZE.digest) };
}
