import type { Claim, Counts } from "./message.js";
import { FrameReader, type FrameWriter } from "./wire.js";

const SAFE = Number.MAX_SAFE_INTEGER;
const IDS = 0xffff_ffff;
const LISTENERS_MAX = 64;
const PEER_CHARS_MAX = 64;
const TEXT_CHARS_MAX = 512;

/** First item of the array. */
const NUMBER = {
  hello: 0,
  open: 1,
  gone: 2,
  request: 3,
  counts: 4,
  listening: 5,
  fault: 6,
} as const;

const COUNTS: readonly (keyof Counts)[] = [
  "reads",
  "staleReads",
  "unmappedReads",
  "malformedReads",
  "unitFaults",
  "frameFaults",
  "refusedConnections",
  "connections",
];

/** Appends one frame. */
export function writeClaim(out: FrameWriter, claim: Claim): void {
  switch (claim.kind) {
    case "hello":
      out.begin(3).uint(NUMBER.hello).uint(claim.version).uint(claim.door).end();
      return;
    case "open":
      out.begin(4).uint(NUMBER.open).uint(claim.connection).uint(claim.listener);
      out.text(claim.peer.slice(0, PEER_CHARS_MAX)).end();
      return;
    case "gone":
      out.begin(2).uint(NUMBER.gone).uint(claim.connection).end();
      return;
    case "request":
      out.begin(6).uint(NUMBER.request).uint(claim.ticket).uint(claim.connection).uint(claim.unit);
      out.blob(claim.pdu).uint(claim.receivedHostUs).end();
      return;
    case "counts":
      out.begin(1 + COUNTS.length).uint(NUMBER.counts);
      for (const name of COUNTS) out.uint(claim.counts[name]);
      out.end();
      return;
    case "listening":
      out.begin(2).uint(NUMBER.listening).array(claim.ports.length);
      for (const port of claim.ports) out.uint(port);
      out.end();
      return;
    case "fault":
      out.begin(2).uint(NUMBER.fault).text(claim.text.slice(0, TEXT_CHARS_MAX)).end();
  }
}

/**
 * Reads one frame body of a door, which may be hostile: null for anything but exactly one claim in its
 * one encoding. All numbers are in their ranges, nothing is believed beyond that.
 */
export function readClaim(bytes: Uint8Array, at: number, end: number): Claim | null {
  const from = new FrameReader(bytes, at, end);
  const items = from.array(1 + COUNTS.length);
  const number = from.uint(NUMBER.fault);
  const claim = readBody(from, number, items);
  return from.complete() ? claim : null;
}

function readBody(from: FrameReader, number: number, items: number): Claim | null {
  switch (number) {
    case NUMBER.hello:
      return items === 3 ? { kind: "hello", version: from.uint(255), door: from.uint(255) } : null;
    case NUMBER.open:
      return items === 4
        ? {
            kind: "open",
            connection: from.uint(IDS),
            listener: from.uint(LISTENERS_MAX - 1),
            peer: from.text(PEER_CHARS_MAX),
          }
        : null;
    case NUMBER.gone:
      return items === 2 ? { kind: "gone", connection: from.uint(IDS) } : null;
    case NUMBER.request:
      return items === 6
        ? {
            kind: "request",
            ticket: from.uint(IDS),
            connection: from.uint(IDS),
            unit: from.uint(255),
            pdu: from.blob(1, 253),
            receivedHostUs: from.uint(SAFE),
          }
        : null;
    case NUMBER.counts:
      return items === 1 + COUNTS.length ? { kind: "counts", counts: readCounts(from) } : null;
    case NUMBER.listening:
      return items === 2 ? { kind: "listening", ports: readPorts(from) } : null;
    case NUMBER.fault:
      return items === 2 ? { kind: "fault", text: from.text(TEXT_CHARS_MAX) } : null;
    default:
      return null;
  }
}

function readCounts(from: FrameReader): Counts {
  return {
    reads: from.uint(SAFE),
    staleReads: from.uint(SAFE),
    unmappedReads: from.uint(SAFE),
    malformedReads: from.uint(SAFE),
    unitFaults: from.uint(SAFE),
    frameFaults: from.uint(SAFE),
    refusedConnections: from.uint(SAFE),
    connections: from.uint(SAFE),
  };
}

function readPorts(from: FrameReader): readonly number[] {
  const ports: number[] = [];
  for (let left = from.array(LISTENERS_MAX); left > 0; left--) ports.push(from.uint(65_535));
  return ports;
}
