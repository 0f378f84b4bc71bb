import modbus from "modbus-serial";
import type { Frame, Outcome } from "./frame.js";
import { sendRaw } from "./raw-frame.js";
import type { Target } from "./raw-frame.js";

/** What one can read, and where. */
export type ReadAsk = {
  readonly unit: number;
  readonly table: "co" | "di" | "ir" | "hr";
  readonly address: number;
  readonly quantity: number;
};

/**
 * A stranger's Modbus client: modbus-serial, with a real-time deadline on everything. Connects when first needed and
 * again after every failure; nothing is sent twice. Bits are 0 and 1.
 */
export type Session = {
  /** Null: an exception, or no answer. */
  readonly read: (ask: ReadAsk) => Promise<readonly number[] | null>;
  readonly send: (unit: number, frame: Frame) => Promise<Outcome>;
  readonly close: () => void;
};

type Client = InstanceType<typeof modbus.default>;

export function openSession(target: Target): Session {
  let client: Client | null = null;
  let connecting: Promise<Client> | null = null;
  let closed = false;

  const connected = async (): Promise<Client> => {
    if (client?.isOpen === true) return client;
    connecting ??= connectClient(target).finally(() => {
      connecting = null;
    });
    const fresh = await connecting;
    if (closed) {
      discard(fresh);
      throw new Error("session closed");
    }
    client = fresh;
    return fresh;
  };
  const forget = (): void => {
    if (client !== null) discard(client);
    client = null;
  };

  return {
    read: async (ask) => {
      try {
        const line = await connected();
        line.setID(ask.unit);
        const answer = await withDeadline(readTable(line, ask), target.timeoutMs);
        return answer.slice(0, ask.quantity);
      } catch (error) {
        if (exceptionCode(error) === null) forget();
        return null;
      }
    },
    send: async (unit, frame) => {
      if (frame.kind === "raw") return sendRaw(target, unit, frame.pdu);
      try {
        const line = await connected();
        line.setID(unit);
        await withDeadline(writeFrame(line, frame), target.timeoutMs);
        return { kind: "done" };
      } catch (error) {
        const code = exceptionCode(error);
        if (code !== null) return { kind: "exception", code };
        forget();
        return { kind: "failed", why: error instanceof Error ? error.message : "no answer" };
      }
    },
    close: () => {
      closed = true;
      forget();
    },
  };
}

async function connectClient(target: Target): Promise<Client> {
  const client = new modbus.default();
  client.on("error", () => undefined);
  client.setTimeout(target.timeoutMs);
  try {
    await withDeadline(client.connectTCP(target.host, { port: target.port }), target.timeoutMs);
  } catch (error) {
    discard(client);
    throw error;
  }
  return client;
}

function discard(client: Client): void {
  client.destroy(() => undefined);
}

async function readTable(client: Client, ask: ReadAsk): Promise<number[]> {
  switch (ask.table) {
    case "co":
      return (await client.readCoils(ask.address, ask.quantity)).data.map(Number);
    case "di":
      return (await client.readDiscreteInputs(ask.address, ask.quantity)).data.map(Number);
    case "ir":
      return (await client.readInputRegisters(ask.address, ask.quantity)).data;
    case "hr":
      return (await client.readHoldingRegisters(ask.address, ask.quantity)).data;
  }
}

async function writeFrame(
  client: Client,
  frame: Exclude<Frame, { readonly kind: "raw" }>,
): Promise<unknown> {
  switch (frame.kind) {
    case "coil":
      return client.writeCoil(frame.address, frame.value);
    case "register":
      return client.writeRegister(frame.address, frame.value);
    case "mask":
      return client.maskWriteRegister(frame.address, frame.and, frame.or);
  }
}

/** The library's own timeout does not cover a connection that dies under a request: that would wait for ever. */
async function withDeadline<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => {
      reject(new Error("no answer in time"));
    }, timeoutMs + 100);
    work.then(resolve, reject).finally(() => {
      clearTimeout(deadline);
    });
  });
}

/** The library hangs the exception's code on its errors. */
function exceptionCode(error: unknown): number | null {
  if (typeof error !== "object" || error === null || !("modbusCode" in error)) return null;
  return typeof error.modbusCode === "number" ? error.modbusCode : null;
}
