import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { createServer, Server } from "node:net";
import { CONFIG, FakeGuard, hostNowUs } from "../../../support/fake-guard.js";
import { adu, RawClient, words } from "../../../support/raw-client.js";

let guard: FakeGuard;
let clients: RawClient[];

beforeEach(async () => {
  clients = [];
  guard = new FakeGuard();
  await guard.start();
});

afterEach(async () => {
  for (const client of clients) client.close();
  await guard.close();
});

function client(listener = 0): RawClient {
  const made = new RawClient(guard.ports[listener] ?? 0);
  clients.push(made);
  return made;
}

/** A read that is answered only after the door has taken every order sent before. */
async function synced(from: RawClient): Promise<void> {
  for (;;) {
    const answer = await from.ask(adu(0, 1, 3, 0, 40, 0, 1));
    if (answer[7] === 3) return;
  }
}

describe("a Modbus door", () => {
  it("answers mapped reads of all four tables from its replica, and asks nobody [HP-054 allows]", async () => {
    const from = client();
    guard.fillImage();
    await synced(from);
    expect(await from.ask(adu(5, 1, 3, 0, 41, 0, 2))).toEqual(adu(5, 1, 3, 4, 0, 2, 0, 3));
    expect(await from.ask(adu(6, 1, 4, 0, 10, 0, 2))).toEqual(adu(6, 1, 4, 4, 0, 100, 0, 101));
    expect(await from.ask(adu(7, 1, 1, 0, 0, 0, 10))).toEqual(adu(7, 1, 1, 2, 0x55, 0x03));
    expect(guard.requests).toEqual([]);
  });

  it("answers 2 for the whole read when one register is not mapped [HP-054 refuses]", async () => {
    const from = client();
    guard.fillImage();
    await synced(from);
    for (const ask of [
      adu(1, 1, 4, 0, 11, 0, 2),
      adu(1, 1, 3, 0, 43, 0, 2),
      adu(1, 1, 2, 0, 0, 0, 1),
    ]) {
      expect((await from.ask(ask)).slice(7)).toEqual(Uint8Array.of((ask[7] ?? 0) | 0x80, 2));
    }
  });

  it("answers 0x0B before anything was read, when it is too old, and when the device is away [HP-054 refuses]", async () => {
    const from = client();
    const ask = adu(1, 1, 3, 0, 40, 0, 1);
    const silent = Uint8Array.of(0x83, 0x0b);
    expect((await from.ask(ask)).slice(7)).toEqual(silent);
    guard.fillImage(hostNowUs() - 61_000_000);
    expect((await from.ask(ask)).slice(7)).toEqual(silent);
    guard.fillImage();
    await synced(from);
    guard.send({ kind: "device", device: 0, answering: false });
    await from.until(() => true);
    for (;;) {
      const answer = await from.ask(ask);
      if (answer[7] === 0x83) {
        expect(answer[8]).toBe(0x0b);
        break;
      }
    }
  });

  it("shows a read-back at once, without making its block younger", async () => {
    const from = client();
    guard.fillImage();
    guard.send({ kind: "patch", device: 0, table: 3, start: 41, cells: words(77) });
    await synced(from);
    let answer = await from.ask(adu(1, 1, 3, 0, 41, 0, 1));
    while (answer[10] !== 77) answer = await from.ask(adu(1, 1, 3, 0, 41, 0, 1));
    expect(answer).toEqual(adu(1, 1, 3, 2, 0, 77));
  });

  it("answers a malformed read 3, a read past 65535 with 2, and keeps the connection", async () => {
    const from = client();
    const cases: readonly (readonly [Uint8Array, number])[] = [
      [adu(1, 1, 3, 0, 0, 0, 0), 3],
      [adu(1, 1, 3, 0, 0, 0, 126), 3],
      [adu(1, 1, 1, 0, 0, 0x07, 0xd1), 3],
      [adu(1, 1, 3, 0, 0, 0, 1, 9), 3],
      [adu(1, 1, 3, 0, 0, 0), 3],
      [adu(1, 1, 3, 0xff, 0xff, 0, 2), 2],
    ];
    for (const [frame, exception] of cases) {
      expect((await from.ask(frame))[8]).toBe(exception);
    }
  });

  it("answers unit 0 and an unlisted unit with 0x0A, and hands their writes to the guard", async () => {
    guard.autoReply = (request) => Uint8Array.of((request.pdu[0] ?? 0) | 0x80, 0x0a);
    const from = client();
    for (const unit of [0, 9]) {
      expect((await from.ask(adu(1, unit, 3, 0, 40, 0, 1))).slice(6)).toEqual(
        Uint8Array.of(unit, 0x83, 0x0a),
      );
      expect((await from.ask(adu(1, unit, 6, 0, 40, 0, 1))).slice(7)).toEqual(
        Uint8Array.of(0x86, 0x0a),
      );
    }
    expect(guard.requests.map(({ unit }) => unit)).toEqual([0, 9]);
  });

  it("leaves what a client that is nobody asks, and a function its controller may not use, to the guard [HP-059 refuses]", async () => {
    guard.autoReply = (request) => Uint8Array.of((request.pdu[0] ?? 0) | 0x80, 1);
    const from = client(1);
    expect((await from.ask(adu(1, 1, 3, 0, 40, 0, 1))).slice(7)).toEqual(Uint8Array.of(0x83, 1));
    expect(guard.requests).toHaveLength(1);
    expect(guard.claims).toContainEqual({
      kind: "open",
      connection: 0,
      listener: 1,
      peer: "127.0.0.1",
    });
  });

  it("hands every write and every function it does not serve to the guard, as it came", async () => {
    guard.autoReply = (request) => Uint8Array.of((request.pdu[0] ?? 0) | 0x80, 1);
    const from = client();
    for (const pdu of [
      [6, 0, 1, 0, 2],
      [8, 0, 1, 0, 0],
      [17],
      [90, 1],
      [43, 13, 0],
      [16, 0, 0, 0, 0, 0],
    ]) {
      await from.ask(adu(1, 1, ...pdu));
      expect(guard.requests.at(-1)?.pdu).toEqual(Uint8Array.from(pdu));
    }
  });

  it("answers FC43/14 with the gateway's own identity", async () => {
    const answer = await client().ask(adu(1, 1, 43, 14, 1, 0));
    expect(Buffer.from(answer.slice(15)).toString("latin1")).toContain("Holdpoint");
    expect((await client().ask(adu(1, 247, 43, 14, 4, 9))).slice(7)).toEqual(
      Uint8Array.of(0xab, 2),
    );
  });

  it.each([
    ["length 0", [0, 1, 0, 0, 0, 0, 1, 3]],
    ["length 1", [0, 1, 0, 0, 0, 1, 1, 3]],
    ["length 255", [0, 1, 0, 0, 0, 255, 1, 3]],
    ["length over 256", [0, 1, 0, 0, 1, 6, 1, 3]],
    ["a protocol id that is not 0", [0, 1, 0, 1, 0, 6, 1, 3, 0, 40, 0, 1]],
    ["plain junk", [0x47, 0x45, 0x54, 0x20, 0x2f, 0x20, 0x48, 0x54]],
  ])("closes the connection on %s, after answering what came before", async (_what, junk) => {
    const from = client();
    from.send(adu(1, 1, 3, 0, 40, 0, 1), Uint8Array.from(junk));
    expect(await from.rest()).toEqual(adu(1, 1, 0x83, 0x0b));
  });

  it("answers a request split at any byte", async () => {
    const from = client();
    guard.fillImage();
    await synced(from);
    const frame = adu(3, 1, 3, 0, 40, 0, 1);
    for (let cut = 1; cut < frame.length; cut++) {
      from.send(frame.slice(0, cut));
      await new Promise((resolve) => setImmediate(resolve));
      expect(await from.ask(frame.slice(cut))).toEqual(adu(3, 1, 3, 2, 0, 1));
    }
  });

  it("answers many requests of one segment in their order, reads behind writes and equal ids too", async () => {
    const from = client();
    guard.fillImage();
    await synced(from);
    from.send(
      adu(9, 1, 6, 0, 40, 0, 5),
      adu(9, 1, 3, 0, 40, 0, 1),
      adu(9, 1, 6, 0, 41, 0, 6),
      adu(1, 1, 3, 0, 99, 0, 1),
    );
    await guard.until(() => guard.requests.length === 2);
    const [first, second] = guard.requests;
    guard.send({
      kind: "reply",
      ticket: second?.ticket ?? 0,
      pdu: Uint8Array.of(0x86, 6),
      why: null,
    });
    guard.send(
      { kind: "patch", device: 0, table: 3, start: 40, cells: words(5) },
      { kind: "reply", ticket: first?.ticket ?? 0, pdu: Uint8Array.of(6, 0, 40, 0, 5), why: null },
    );
    const expected = [
      adu(9, 1, 6, 0, 40, 0, 5),
      adu(9, 1, 3, 2, 0, 5),
      adu(9, 1, 0x86, 6),
      adu(1, 1, 0x83, 2),
    ];
    expect(await from.take(Buffer.concat(expected).length)).toEqual(
      Uint8Array.from(Buffer.concat(expected)),
    );
  });

  it("takes no more than its limit from one connection, and the rest when answers come [HP-055]", async () => {
    const from = client();
    const frames = Array.from({ length: 40 }, (_, index) => adu(index, 1, 6, 0, 40, 0, index));
    from.send(...frames);
    await guard.until(() => guard.requests.length === 8);
    guard.autoReply = (request) => request.pdu;
    for (const { ticket, pdu } of guard.requests.slice()) {
      guard.send({ kind: "reply", ticket, pdu, why: null });
    }
    expect(await from.take(40 * 12)).toEqual(Uint8Array.from(Buffer.concat(frames)));
    expect(guard.requests.map(({ pdu }) => pdu[4])).toEqual(frames.map((_, index) => index));
  });

  it("shares its room with the guard among connections in turn [HP-055]", async () => {
    const greedy = [client(), client(), client(), client()];
    for (const each of greedy) {
      each.send(...Array.from({ length: 30 }, (_, index) => adu(index, 1, 6, 0, 40, 0, 1)));
    }
    await guard.until(() => guard.requests.length === 16);
    const modest = client();
    modest.send(adu(1, 1, 6, 0, 41, 0, 9));
    await modest.connected;
    // Every answer frees one place; the modest client's turn comes within one round of the others.
    let answered = 0;
    const isModest = (): boolean => guard.requests.some(({ pdu }) => pdu[2] === 41);
    while (!isModest() && answered < 60) {
      const next = guard.requests[answered];
      if (next === undefined) break;
      guard.send({ kind: "reply", ticket: next.ticket, pdu: next.pdu, why: null });
      answered += 1;
      const before = guard.requests.length;
      await guard.until(() => guard.requests.length > before);
    }
    expect(isModest()).toBe(true);
    expect(answered).toBeLessThan(24);
  });

  it("answers waiting writes 0x0B when the guard dies, new ones 4, and serves again when it is back [HP-080]", async () => {
    const from = client();
    from.send(adu(1, 1, 6, 0, 40, 0, 5));
    await guard.until(() => guard.requests.length === 1);
    await guard.die();
    expect(await from.take(9)).toEqual(adu(1, 1, 0x86, 0x0b));
    expect(await from.ask(adu(2, 1, 6, 0, 40, 0, 5))).toEqual(adu(2, 1, 0x86, 4));
    guard.autoReply = (request) => request.pdu;
    await guard.listen();
    // Connections of the old guard's time are ended: the new one knows nothing of them.
    await from.rest();
    const again = client();
    expect(await again.ask(adu(3, 1, 6, 0, 40, 0, 5))).toEqual(adu(3, 1, 6, 0, 40, 0, 5));
  });

  it("asks a guard that has not told its config nothing: what comes meanwhile is surely not done", async () => {
    const from = client();
    await from.ask(adu(1, 1, 3, 0, 40, 0, 1));
    await guard.die();
    guard.tellsConfig = false;
    const hellos = guard.claims.filter(({ kind }) => kind === "hello").length;
    await guard.listen();
    await guard.until(() => guard.claims.filter(({ kind }) => kind === "hello").length > hellos);
    expect(await from.ask(adu(2, 1, 6, 0, 40, 0, 5))).toEqual(adu(2, 1, 0x86, 4));
    expect(guard.requests).toEqual([]);
  });

  it("tells the guard when a client is gone", async () => {
    const from = client();
    from.send(adu(1, 1, 6, 0, 40, 0, 5));
    await guard.until(() => guard.requests.length === 1);
    from.close();
    await guard.until(() => guard.claims.some(({ kind }) => kind === "gone"));
    expect(guard.claims).toContainEqual({ kind: "gone", connection: 0 });
  });

  it("ends a connection that stops in the middle of a frame", async () => {
    const from = client();
    from.send(adu(1, 1, 3, 0, 40, 0, 1).slice(0, 9));
    expect(await from.rest()).toEqual(new Uint8Array(0));
  });

  it("ends a connection that asks and never reads, holding only a bounded part of its answers", async () => {
    const from = client();
    guard.fillImage();
    await synced(from);
    from.pauseReading();
    const many = Array.from({ length: 5_000 }, (_, index) => adu(index, 1, 1, 0, 0, 0, 10));
    for (let round = 0; round < 100; round++) from.send(...many);
    await guard.until(() => guard.claims.some(({ kind }) => kind === "gone"));
  });

  it("refuses one connection too many with a clean end", async () => {
    const limit = CONFIG.limits.connections;
    const held = Array.from({ length: limit }, () => client());
    await Promise.all(held.map(async (each) => each.ask(adu(1, 1, 3, 0, 40, 0, 1))));
    const late = client();
    expect(await late.rest()).toEqual(new Uint8Array(0));
    await guard.until(() =>
      guard.claims.some((claim) => claim.kind === "counts" && claim.counts.refusedConnections > 0),
    );
  });

  it("shows each controller its own-unit registers, and stales them with the guard gone silent", async () => {
    const from = client();
    expect((await from.ask(adu(1, 247, 4, 0, 0, 0, 1))).slice(7)).toEqual(Uint8Array.of(0x84, 2));
    guard.send({ kind: "own", controller: 0, start: 0, words: words(1, 2, 1, 0, 4_000, 1) });
    let answer = await from.ask(adu(1, 247, 4, 0, 0, 0, 6));
    while (answer[7] !== 4) answer = await from.ask(adu(1, 247, 4, 0, 0, 0, 6));
    expect(answer.slice(9)).toEqual(words(1, 2, 1, 0, 4_000, 1));
    expect((await from.ask(adu(1, 247, 4, 0, 0, 0, 7))).slice(7)).toEqual(Uint8Array.of(0x84, 2));
    expect((await from.ask(adu(1, 247, 3, 0, 0, 0, 1))).slice(7)).toEqual(
      Uint8Array.of(3, 2, 0, 0),
    );
    while (answer[7] === 4) answer = await from.ask(adu(1, 247, 4, 0, 0, 0, 6));
    expect(answer.slice(7)).toEqual(Uint8Array.of(0x84, 0x0b));
  });

  it("puts the why block in place before the answer it explains [HP-057]", async () => {
    const from = client();
    from.send(adu(1, 1, 6, 0, 40, 0, 5), adu(2, 247, 4, 0, 16, 0, 2));
    await guard.until(() => guard.requests.length === 1);
    const why = new Uint8Array(30);
    why.set(words(2, 17));
    guard.send({
      kind: "reply",
      ticket: guard.requests[0]?.ticket ?? 0,
      pdu: Uint8Array.of(0x86, 3),
      why,
    });
    expect(await from.take(9)).toEqual(adu(1, 1, 0x86, 3));
    expect(await from.take(13)).toEqual(adu(2, 247, 4, 4, 0, 2, 0, 17));
  });

  it("ends when the guard says so", async () => {
    guard.send({ kind: "stop" });
    await guard.until(() => guard.stopped);
  });
});

describe("a Modbus door whose port is taken", () => {
  it("says so in one line that names the port", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => {
      taken.listen(0, "127.0.0.1", resolve);
    });
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const other = new FakeGuard({
      ...CONFIG,
      listeners: [{ host: "127.0.0.1", port, units: [], peers: [] }],
    });
    await other.start();
    expect(other.failures).toEqual([
      `127.0.0.1:${port} is taken by another program: stop it, or change the site's listener`,
    ]);
    expect(other.mendable).toEqual([true]);
    await other.close();
    taken.close();
  });
});

describe("a Modbus door whose machine has no room for another connection", () => {
  it("lets go of everything so that it is started again: nobody has to mend its port", async () => {
    const listen = vi.spyOn(Server.prototype, "listen");
    onTestFinished(() => {
      listen.mockRestore();
    });
    const other = new FakeGuard();
    await other.start();
    for (const server of listen.mock.contexts) {
      // The fake guard's own is a socket in a folder.
      if (!(server instanceof Server) || typeof server.address() === "string") continue;
      server.emit("error", Object.assign(new Error("accept ENFILE"), { code: "ENFILE" }));
      break;
    }
    expect(other.failures).toEqual(["cannot take connections on 127.0.0.1:0 any more (ENFILE)"]);
    expect(other.mendable).toEqual([false]);
    await other.close();
  });
});
