import { setTimeout as wait } from "node:timers/promises";
import { encodeCommand, parseResponse, type TpmCommand } from "../../codec/tpm2/command.js";
import type { TpmResponse } from "../../codec/tpm2/command.js";
import { responseCodeOf } from "../../codec/tpm2/response-code.js";
import { TpmWriter } from "../../codec/tpm2/writer.js";
import type { TpmChannel } from "./channel.js";
import { sha256 } from "./key-derivation.js";
import { faultOf, type TpmResult } from "./result.js";
import { commandAuth, cryptParameter, isAnswerOf, sealUses } from "./session.js";
import type { SealedUse, SessionUse } from "./session.js";

/**
 * One command and its verified answer. A TPM that is busy is asked again a few times: it has said that it did nothing.
 * Nothing else is sent twice. An answer counts only when every session's HMAC is right.
 */
export async function runCommand<T>(
  channel: TpmChannel,
  command: TpmCommand<T>,
  uses: readonly SessionUse[],
): Promise<TpmResult<T>> {
  for (let attempt = 1; ; attempt += 1) {
    const sealed = sealUses(uses, command.seals);
    const response = await send(channel, command, sealed);
    if (!response.ok) return response;
    if (response.value.kind === "answer") return readAnswer(command, sealed, response.value);
    const { code, says, then } = responseCodeOf(response.value.code);
    if (then !== "retry" || attempt === ATTEMPTS_MAX) {
      return faultOf("refused", `${command.title}: ${says}`, code);
    }
    await wait(FIRST_WAIT_MS * 2 ** (attempt - 1));
  }
}

/** Waits of 20 ms to 640 ms, 1.3 s in all. */
const ATTEMPTS_MAX = 7;
const FIRST_WAIT_MS = 20;

async function send(
  channel: TpmChannel,
  command: TpmCommand<unknown>,
  sealed: readonly SealedUse[],
): Promise<TpmResult<TpmResponse>> {
  const [first] = sealed;
  const parameters =
    first !== undefined && command.seals.command
      ? cryptParameter(first, "command", command.parameters)
      : command.parameters;
  const bound = new TpmWriter().u32(command.code);
  for (const { name } of command.entities) bound.raw(name);
  const cpHash = sha256(bound.raw(parameters).done());
  const auths = sealed.map((use) => commandAuth(use, cpHash));
  const answer = await channel.exchange(encodeCommand(command, auths, parameters));
  if (!answer.ok) return answer;
  const { makesHandle } = command;
  const parsed = parseResponse(answer.value, { makesHandle, sessions: sealed.length });
  if (parsed.ok) return parsed;
  return malformed(command, parsed.fault);
}

function readAnswer<T>(
  command: TpmCommand<T>,
  sealed: readonly SealedUse[],
  answer: Extract<TpmResponse, { readonly kind: "answer" }>,
): TpmResult<T> {
  const success = new TpmWriter().u32(0).u32(command.code);
  const rpHash = sha256(success.raw(answer.parameters).done());
  const right = sealed.every((use, at) => {
    const auth = answer.auths[at];
    return auth !== undefined && isAnswerOf(use, auth, rpHash);
  });
  if (!right) {
    return faultOf("forged", `${command.title}: the answer is not the TPM's (its HMAC is wrong)`);
  }
  sealed.forEach(({ use }, at) => {
    const auth = answer.auths[at];
    if (use.session !== null && auth !== undefined) use.session.nonceTpm = auth.nonce;
  });
  const [first] = sealed;
  const parameters =
    first !== undefined && command.seals.response
      ? cryptParameter(first, "response", answer.parameters)
      : answer.parameters;
  const parsed = command.parse(parameters, answer.made);
  return parsed.ok ? parsed : malformed(command, parsed.fault);
}

function malformed(
  command: TpmCommand<unknown>,
  fault: { readonly code: string; readonly at: number },
): TpmResult<never> {
  const where = `${fault.code} at byte ${fault.at}`;
  return faultOf("malformed", `${command.title}: the answer is no TPM 2.0 response (${where})`);
}
