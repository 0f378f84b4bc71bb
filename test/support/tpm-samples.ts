import { readFileSync } from "node:fs";
import { certify } from "../../src/codec/tpm2/certify.js";
import type { TpmCommand } from "../../src/codec/tpm2/command.js";
import { create, load } from "../../src/codec/tpm2/create.js";
import { createPrimary } from "../../src/codec/tpm2/create-primary.js";
import { getHandles, getProperties } from "../../src/codec/tpm2/get-capability.js";
import { getTime } from "../../src/codec/tpm2/get-time.js";
import { entityOf } from "../../src/codec/tpm2/name.js";
import { nvCertify, nvIncrement, nvReadCounter, nvReadPublic } from "../../src/codec/tpm2/nv.js";
import { policySecret } from "../../src/codec/tpm2/policy-secret.js";
import { templateOf, TPM_OBJECTS } from "../../src/codec/tpm2/public-area.js";
import { quote } from "../../src/codec/tpm2/quote.js";
import { readPublic } from "../../src/codec/tpm2/read-public.js";
import { sign } from "../../src/codec/tpm2/sign.js";
import { startAuthSession } from "../../src/codec/tpm2/start-auth-session.js";
import { bytesOf } from "./hex.js";

/** A response of swtpm 0.7: the frame as it came, and its parameters as they are in the clear. */
export type RecordedResponse = {
  readonly title: string;
  readonly command: TpmCommand<unknown>;
  readonly sessions: number;
  readonly frame: Uint8Array;
  readonly parameters: Uint8Array;
};

export function recordedResponses(): readonly RecordedResponse[] {
  const file = new URL("tpm-responses.json", import.meta.url);
  const list: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (!Array.isArray(list)) throw new Error("tpm-responses.json is no list");
  const commands = new Map(COMMANDS.map((command) => [command.title, [command]]));
  commands.set("TPM2_GetCapability", [getProperties(0x105, 8), getHandles(0x81000000, 8)]);
  return list.map((entry: unknown) => {
    const title = String(fieldOf(entry, "title"));
    const command = commands.get(title)?.shift();
    if (command === undefined) throw new Error(`no command for ${title}`);
    return {
      title,
      command,
      sessions: Number(fieldOf(entry, "sessions")),
      frame: bytesOf(String(fieldOf(entry, "frame"))),
      parameters: bytesOf(String(fieldOf(entry, "parameters"))),
    };
  });
}

/** The parameters of the first recorded response of this command. */
export function recordedParameters(title: string): Uint8Array {
  const found = recordedResponses().find((response) => response.title === title);
  if (found === undefined) throw new Error(`no recorded ${title}`);
  return found.parameters;
}

const KEY = entityOf(0x81010010);
const NOTHING = new Uint8Array(0);
const DIGEST = new Uint8Array(32);
const TEMPLATE = templateOf(TPM_OBJECTS.evidenceKey, NOTHING);

const COMMANDS: readonly TpmCommand<unknown>[] = [
  nvReadPublic(0x01500010),
  readPublic(KEY),
  create(KEY, TEMPLATE, NOTHING),
  load(KEY, { privateArea: NOTHING, publicArea: NOTHING }),
  createPrimary(0x4000000b, TEMPLATE, NOTHING),
  sign(KEY, DIGEST),
  certify(KEY, KEY, DIGEST),
  quote(KEY, DIGEST, [0]),
  getTime(KEY, DIGEST),
  nvIncrement(KEY),
  nvReadCounter(KEY),
  nvCertify(KEY, KEY, DIGEST),
  startAuthSession({
    kind: "hmac",
    saltedTo: 0x81000001,
    point: { x: DIGEST, y: DIGEST },
    nonce: DIGEST,
  }),
  policySecret(0x4000000b, 0x03000000),
];

function fieldOf(entry: unknown, key: string): unknown {
  return typeof entry === "object" && entry !== null
    ? Object.entries(entry).find(([name]) => name === key)?.[1]
    : undefined;
}
