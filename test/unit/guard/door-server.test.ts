import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { writeClaim } from "../../../src/codec/door/claim.js";
import { DOOR_PROTOCOL_VERSION, ORDER_BYTES_MAX } from "../../../src/codec/door/message.js";
import type { Order } from "../../../src/codec/door/message.js";
import { readOrder } from "../../../src/codec/door/order.js";
import { FrameSplitter, FrameWriter } from "../../../src/codec/door/wire.js";
import { DoorServer } from "../../../src/guard/door-server.js";

const PATCH: Order = { kind: "patch", device: 0, table: 3, start: 40, cells: Uint8Array.of(1, 2) };
const REPLY: Order = { kind: "reply", ticket: 7, pdu: Uint8Array.of(6), why: null };

describe("the guard's end of a door's socket", () => {
  const ends: (() => void)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  /** A door that said its hello: what the guard sends it, and in which pieces that comes. */
  async function openDoor() {
    const directory = mkdtempSync(join(tmpdir(), "holdpoint-door-"));
    const path = join(directory, "door-modbus.sock");
    let welcomed: (send: (order: Order) => void) => void = () => undefined;
    const sender = new Promise<(order: Order) => void>((resolve) => {
      welcomed = resolve;
    });
    const server = new DoorServer({
      path,
      observe: () => undefined,
      pause: () => undefined,
      welcome: (send) => {
        welcomed(send);
        return { receive: () => true, close: () => undefined, heard: () => undefined };
      },
    });
    await server.listen();
    const socket = connect(path);
    ends.push(() => {
      socket.destroy();
      server.close();
      rmSync(directory, { recursive: true, force: true });
    });
    const hello = new FrameWriter();
    writeClaim(hello, { kind: "hello", version: DOOR_PROTOCOL_VERSION, door: 0 });
    socket.write(hello.take());
    return { socket, send: await sender };
  }

  /** Kinds of the orders in the next piece of the stream. */
  async function nextPiece(socket: Socket): Promise<readonly string[]> {
    const kinds: string[] = [];
    const splitter = new FrameSplitter(ORDER_BYTES_MAX, (bytes, at, end) => {
      kinds.push(readOrder(bytes, at, end)?.kind ?? "unreadable");
      return true;
    });
    const piece = await new Promise<Buffer>((resolve) => {
      socket.once("data", resolve);
    });
    splitter.take(new Uint8Array(piece));
    return kinds;
  }

  it("sends a read-back by itself when nothing else comes", async () => {
    const { socket, send } = await openDoor();
    send(PATCH);
    expect(await nextPiece(socket)).toEqual(["patch"]);
  });

  it("sends a read-back together with the answer that follows it, in that order", async () => {
    const { socket, send } = await openDoor();
    send(PATCH);
    setImmediate(() => {
      send(REPLY);
    });
    expect(await nextPiece(socket)).toEqual(["patch", "reply"]);
  });

  it("sends an answer after a pause at once, and those that follow closely in one piece", async () => {
    const { socket, send } = await openDoor();
    send(REPLY);
    send(REPLY);
    send(REPLY);
    const kinds = [...(await nextPiece(socket))];
    while (kinds.length < 3) kinds.push(...(await nextPiece(socket)));
    expect(kinds).toEqual(["reply", "reply", "reply"]);
  });
});
