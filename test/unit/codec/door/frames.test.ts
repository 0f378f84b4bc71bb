import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { readClaim, writeClaim } from "../../../../src/codec/door/claim.js";
import {
  CLAIM_BYTES_MAX,
  controllerOf,
  type Claim,
  type Order,
} from "../../../../src/codec/door/message.js";
import { readOrder, writeOrder } from "../../../../src/codec/door/order.js";
import { FrameSplitter, FrameWriter } from "../../../../src/codec/door/wire.js";

const CLAIMS: readonly Claim[] = [
  { kind: "hello", version: 1, door: 0 },
  { kind: "open", connection: 4_294_967_295, listener: 2, peer: "10.0.0.7" },
  { kind: "gone", connection: 0 },
  {
    kind: "request",
    ticket: 70_000,
    connection: 3,
    unit: 247,
    pdu: Uint8Array.of(6, 0, 1, 0, 2),
    receivedHostUs: 5_000_000_000_000,
  },
  {
    kind: "counts",
    counts: {
      reads: 1,
      staleReads: 2,
      unmappedReads: 3,
      malformedReads: 4,
      unitFaults: 5,
      frameFaults: 6,
      refusedConnections: 7,
      connections: 8,
    },
  },
  { kind: "listening", ports: [1502, 1503] },
  { kind: "fault", text: "127.0.0.1:502 is taken" },
];

const ORDERS: readonly Order[] = [
  {
    kind: "config",
    version: 1,
    boot: 12,
    ownUnit: 247,
    listeners: [{ host: "127.0.0.1", port: 502, units: [[1, 0]], peers: [["*", 0]] }],
    blocks: [{ device: 0, table: 3, start: 10, count: 4, areas: [[0, 4, 1_000_000]] }],
    devices: 1,
    functions: [null, [3, 4, 6]],
    limits: { connections: 2_000, inFlight: 32, guardInFlight: 512, patienceMs: 5_000 },
    identity: ["Holdpoint", "gateway", "0.1.0"],
  },
  { kind: "reply", ticket: 1, pdu: Uint8Array.of(0x86, 3), why: new Uint8Array(30) },
  { kind: "reply", ticket: 2, pdu: Uint8Array.of(6, 0, 1, 0, 2), why: null },
  { kind: "image", block: 0, takenHostUs: 123_456_789_012, cells: null },
  { kind: "image", block: 0, takenHostUs: 1, cells: Uint8Array.of(1, 2) },
  { kind: "patch", device: 0, table: 0, start: 7, cells: Uint8Array.of(1) },
  { kind: "device", device: 0, answering: true },
  { kind: "own", controller: 1, start: 16, words: new Uint8Array(30) },
  { kind: "stop" },
];

function claimBody(claim: Claim): Uint8Array {
  const out = new FrameWriter();
  writeClaim(out, claim);
  return out.take().slice(4);
}

describe("frames of a door socket", () => {
  it("brings every claim to the other side as it was", () => {
    for (const claim of CLAIMS) {
      const body = claimBody(claim);
      expect(readClaim(body, 0, body.length)).toEqual(claim);
      expect(body.length).toBeLessThanOrEqual(CLAIM_BYTES_MAX);
    }
  });

  it("brings every order to the other side as it was", () => {
    for (const order of ORDERS) {
      const out = new FrameWriter();
      writeOrder(out, order);
      const body = out.take().slice(4);
      expect(readOrder(body, 0, body.length)).toEqual(order);
    }
  });

  it("refuses every claim with one byte cut off or one byte more", () => {
    for (const claim of CLAIMS) {
      const body = claimBody(claim);
      expect(readClaim(body, 0, body.length - 1)).toBeNull();
      const longer = new Uint8Array(body.length + 1);
      longer.set(body);
      expect(readClaim(longer, 0, longer.length)).toBeNull();
    }
  });

  it("refuses a request with an empty PDU, one of 254 bytes, or a unit above 255", () => {
    const request = (pdu: Uint8Array, unit: number): Claim => ({
      kind: "request",
      ticket: 1,
      connection: 1,
      unit,
      pdu,
      receivedHostUs: 1,
    });
    const read = (claim: Claim): Claim | null => {
      const body = claimBody(claim);
      return readClaim(body, 0, body.length);
    };
    expect(read(request(new Uint8Array(253), 255))).not.toBeNull();
    expect(read(request(new Uint8Array(0), 1))).toBeNull();
    expect(read(request(new Uint8Array(254), 1))).toBeNull();
    expect(read(request(new Uint8Array(5), 256))).toBeNull();
  });

  it("never throws on hostile bytes, and reads back only what it would write", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const claim = readClaim(bytes, 0, bytes.length);
        if (claim !== null) expect(claimBody(claim)).toEqual(bytes);
        readOrder(bytes, 0, bytes.length);
      }),
      { seed: 20_261_123, numRuns: 5_000 },
    );
  });

  it("never throws on a claim with any one byte changed, and keeps its ranges", () => {
    for (const claim of CLAIMS) {
      const body = claimBody(claim);
      for (let at = 0; at < body.length; at++) {
        for (let value = 0; value < 256; value++) {
          const changed = body.slice();
          changed[at] = value;
          const read = readClaim(changed, 0, changed.length);
          if (read?.kind === "request") expect(read.pdu.length).toBeGreaterThan(0);
        }
      }
    }
  });

  it("cuts a stream into the same frames wherever it is split", () => {
    const out = new FrameWriter();
    for (const claim of CLAIMS) writeClaim(out, claim);
    const stream = out.take();
    for (let cut = 1; cut < stream.length; cut++) {
      const seen: unknown[] = [];
      const splitter = new FrameSplitter(CLAIM_BYTES_MAX, (bytes, at, end) => {
        seen.push(readClaim(bytes, at, end));
        return true;
      });
      expect(splitter.take(stream.slice(0, cut))).toBe(true);
      expect(splitter.take(stream.slice(cut))).toBe(true);
      expect(seen).toEqual(CLAIMS);
    }
  });

  it("gives a stream up at a length over the limit, at an empty frame, and at a bad frame", () => {
    const splitter = (): FrameSplitter => new FrameSplitter(16, () => false);
    expect(splitter().take(Uint8Array.of(0, 0, 0, 17))).toBe(false);
    expect(splitter().take(Uint8Array.of(0xff, 0xff, 0xff, 0xff))).toBe(false);
    expect(splitter().take(Uint8Array.of(0, 0, 0, 0))).toBe(false);
    expect(splitter().take(Uint8Array.of(0, 0, 0, 1, 0x80))).toBe(false);
    expect(splitter().take(Uint8Array.of(0, 0, 0, 16))).toBe(true);
  });

  it("knows a client by its address first and by the listener's anyone second [HP-059]", () => {
    const listener = {
      host: "127.0.0.1",
      port: 1502,
      units: [],
      peers: [
        ["10.0.0.7", 1],
        ["*", 0],
      ],
    } as const;
    expect(controllerOf(listener, "10.0.0.7")).toBe(1);
    expect(controllerOf(listener, "10.0.0.8")).toBe(0);
    expect(controllerOf({ ...listener, peers: [["10.0.0.7", 1]] }, "10.0.0.8")).toBeNull();
  });
});
