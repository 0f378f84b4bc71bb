import { parseReply, type ParsedReply } from "../../src/codec/modbus/pdu-reply.js";
import { encodeRequest } from "../../src/codec/modbus/encode-request.js";
import type { ModbusRequest } from "../../src/codec/modbus/pdu-request.js";
import { readRequestOf, writeRequestOf } from "../../src/adapters/modbus-client/request-of.js";
import { readResultOf, writeResultOf } from "../../src/adapters/modbus-client/result-of.js";
import type { Clock, PlcLink, Us } from "../../src/guard/ports.js";
import { answer, createMemory, type Memory } from "./modbus-server.js";

/** A device of memory behind the port, without a network: nothing happens but by the clock and by the test. */
export type MemoryLink = {
  readonly link: PlcLink;
  readonly memory: Memory;
  readonly journal: readonly ModbusRequest[];
  /** While true, requests are carried out and not answered. */
  readonly setSilent: (silent: boolean) => void;
  /** The connection is lost, and comes back only by `restore`. */
  readonly drop: () => void;
  readonly restore: () => void;
};

type Lost = "timeout" | "closed";

/**
 * Starts connected. A request is carried out when it is made and answered `latencyUs` later; silence ends at
 * `timeoutUs`, and the connection with it.
 */
export function createMemoryLink(clock: Clock, latencyUs: Us, timeoutUs: Us): MemoryLink {
  const memory = createMemory();
  const journal: ModbusRequest[] = [];
  const linkListeners: ((up: boolean, why: string) => void)[] = [];
  const idleListeners: (() => void)[] = [];
  let up = true;
  let silent = false;
  let closed = false;
  let tellLost: ((why: Lost) => void) | null = null;
  let cancel = (): void => undefined;

  const idle = (): boolean => up && tellLost === null;
  const announceIdle = (): void => {
    for (const run of idleListeners) if (idle()) run();
  };
  const lose = (why: Lost): void => {
    cancel();
    const [wasUp, tell] = [up, tellLost];
    up = false;
    tellLost = null;
    tell?.(why);
    if (wasUp && !closed) for (const run of linkListeners) run(false, why);
  };
  /** False: nothing was sent. */
  const ask = (
    request: ModbusRequest | null,
    answered: (reply: ParsedReply, pdu: Uint8Array) => void,
    lost: (why: Lost) => void,
  ): boolean => {
    const pdu = request === null ? null : encodeRequest(request);
    if (request === null || pdu === null || !idle()) return false;
    const replyPdu = answer(memory, journal, pdu);
    tellLost = lost;
    cancel = clock.at(clock.nowUs() + (silent ? timeoutUs : latencyUs), () => {
      if (silent) {
        lose("timeout");
        return;
      }
      tellLost = null;
      answered(parseReply(request, replyPdu), replyPdu);
      announceIdle();
    });
    return true;
  };

  const link: PlcLink = {
    write: (write, settled) => {
      const sent = ask(
        writeRequestOf(write),
        (reply, pdu) => {
          settled(writeResultOf(reply, pdu));
        },
        (why) => {
          settled({ kind: "unknown", why });
        },
      );
      const why = "not idle, or no request carries it";
      if (!sent) settled({ kind: "not-sent", cause: "no-line", why });
    },
    read: (read, settled) => {
      const sentUs = clock.nowUs();
      const sent = ask(
        readRequestOf(read),
        (reply) => {
          settled(readResultOf(reply, sentUs));
        },
        (why) => {
          settled({ kind: "failed", why });
        },
      );
      if (!sent) settled({ kind: "failed", why: "closed" });
    },
    idle,
    onLink: (run) => void linkListeners.push(run),
    onIdle: (run) => void idleListeners.push(run),
    close: () => {
      closed = true;
      lose("closed");
    },
  };
  return {
    link,
    memory,
    journal,
    setSilent: (now) => {
      silent = now;
    },
    drop: () => {
      lose("closed");
    },
    restore: () => {
      if (up || closed) return;
      up = true;
      for (const run of linkListeners) run(true, "connected");
      announceIdle();
    },
  };
}
