import { beforeAll, describe, expect, it } from "vitest";
import {
  atEnd,
  eventually,
  runCli,
  startGateway,
  type LiveGateway,
} from "../support/live-gateway.js";
import { askOnce, readPdu, untilDone, writePdu } from "../support/byte-client.js";
import { answer, createMemory } from "../support/modbus-server.js";
import { replyTo, startRogue, type RogueDevice } from "../support/rogue-device.js";

/** A device that answers one request in a way it must not, behind the real gateway. */
type Trick = (request: Buffer, reply: Buffer) => Uint8Array | "silence" | "hang-up";

const memory = createMemory();
let trick: { readonly code: number; readonly play: Trick } | null = null;
let device: RogueDevice;
let gateway: LiveGateway;

beforeAll(async () => {
  memory.ir.set([2_000], 10);
  memory.ir.set([4711], 98);
  memory.hr.set([1_000], 40);
  memory.hr.set([200, 100], 60);
  device = await startRogue((request, socket) => {
    memory.ir.set([((memory.ir[99] ?? 0) + 1) & 0xffff], 99);
    const reply = replyTo(request, [...answer(memory, [], request.subarray(7))]);
    const now = trick?.code === request[7] ? trick : null;
    const played = now === null ? reply : now.play(request, reply);
    if (now !== null) trick = null;
    if (played === "hang-up") socket.destroy();
    else if (played !== "silence") socket.write(played);
  });
  atEnd(device.close);
  gateway = await startGateway(device.port);
});

const changed = (at: number, by: number): Trick => {
  return (_, reply) => {
    const wrong = Uint8Array.from(reply);
    wrong[at] = (wrong[at] ?? 0) ^ by;
    return wrong;
  };
};

describe("a write that the device answers", () => {
  const tricks: readonly [string, Trick][] = [
    ["with another transaction id", changed(1, 1)],
    ["with the id of the request before", (_, reply) => before(reply)],
    ["as another unit", changed(6, 1)],
    ["as another function", changed(7, 5)],
    ["with another protocol id", changed(3, 1)],
    ["with another address in the echo", changed(9, 1)],
    ["with another value in the echo", changed(11, 1)],
    ["with a byte too few, told truly", (request) => replyTo(request, [6, 0, 41, 0])],
    ["with a byte too many, told truly", (request) => replyTo(request, [6, 0, 41, 0, 1, 0])],
    ["with a length of 0", (_, reply) => Buffer.concat([reply.subarray(0, 4), Buffer.of(0, 0)])],
    ["with a length that never comes", (_, reply) => reply.subarray(0, 9)],
    ["with an exception no specification knows", (request) => replyTo(request, [0x86, 99])],
    ["with junk", () => Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["with silence", () => "silence"],
    ["by hanging up", () => "hang-up"],
  ];

  it.each(tricks)(
    "%s may have been done: 0x0B, recorded as unknown, sent once, the line opened anew [HP-052 refuses]",
    async (_, play) => {
      value += 1;
      await untilDone(gateway.port, writePdu(41, value));
      const [unknown, connections] = [await unknowns(), device.connections()];
      value += 1;
      trick = { code: 6, play };
      const answered = await untilSent(writePdu(41, value));
      expect(answered, answered[1] === 0x0b ? "" : await newestRecords()).toEqual([0x86, 0x0b]);
      await eventually("the outcome is recorded", async () => {
        return (await unknowns()) > unknown ? true : null;
      });
      await eventually("the line is opened anew", () => {
        return device.connections() > connections ? true : null;
      });
      const asked = value;
      value += 1;
      await untilDone(gateway.port, writePdu(41, value));
      const seen = device.requests.filter(
        (request) => request[7] === 6 && request.readUInt16BE(10) === asked,
      );
      expect(seen.length).toBe(1);
    },
  );
});

describe("a poll that the device answers wrongly", () => {
  const tricks: readonly [string, Trick][] = [
    ["with one register too few", (_, reply) => lessOneWord(reply)],
    ["with another byte count", changed(8, 2)],
    ["with another transaction id", changed(0, 1)],
    ["with silence", () => "silence"],
  ];

  it.each(tricks)("%s gives no number, and the gateway goes on by itself", async (_, play) => {
    const connections = device.connections();
    trick = { code: 4, play };
    await eventually("the line is opened anew", () => {
      return device.connections() > connections ? true : null;
    });
    await eventually("reads are answered again", async () => {
      const [code, , high, low] = await askOnce(gateway.port, readPdu(4, 98, 1));
      return code === 4 && (high ?? 0) * 256 + (low ?? 0) === 4711 ? true : null;
    });
    value += 1;
    await untilDone(gateway.port, writePdu(41, value));
    expect(memory.hr[41]).toBe(value);
  });
});

describe("an exception of the device", () => {
  it("says that the write was surely not done: 4", async () => {
    trick = { code: 6, play: (request) => replyTo(request, [0x86, 2]) };
    expect(await askOnce(gateway.port, writePdu(41, 3))).toEqual([0x86, 4]);
  });
});

describe("the evidence of all this", () => {
  it("verifies and replays", async () => {
    expect((await gateway.stop()).code).toBe(0);
    const verified = await runCli(["evidence", "verify", gateway.evidence, "--replay"]);
    expect(verified).toMatchObject({ code: 0 });
    expect(verified.output).not.toContain("FAIL");
  });
});

/** Never the same value twice: each is to be found in the device's journal. */
let value = 1_000;

async function unknowns(): Promise<number> {
  const { outcomes } = await gateway.status();
  return outcomes["unknown"] ?? 0;
}

/** The answer to the write that the trick was played on: one refused before it was sent (6) says nothing of the device. */
async function untilSent(pdu: readonly number[]): Promise<readonly number[]> {
  return await eventually("the device saw the write", async () => {
    const answered = await askOnce(gateway.port, pdu);
    return trick === null || answered[1] !== 6 ? answered : null;
  });
}

/** For the words of a failure: what the gateway judged, and by which reasons. */
async function newestRecords(): Promise<string> {
  return (await runCli(["evidence", "query", gateway.evidence, "--limit", "8"])).output;
}

function before(reply: Buffer): Buffer {
  const other = Buffer.from(reply);
  other.writeUInt16BE((reply.readUInt16BE(0) - 1) & 0xffff, 0);
  return other;
}

function lessOneWord(reply: Buffer): Buffer {
  const short = Buffer.from(reply.subarray(0, -2));
  short.writeUInt16BE(reply.readUInt16BE(4) - 2, 4);
  short[8] = (reply[8] ?? 0) - 2;
  return short;
}
