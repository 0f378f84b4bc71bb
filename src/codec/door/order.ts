import type { Config, DoorTable, ListenerMap, Order, ReplicaBlock } from "./message.js";
import { FrameReader, type FrameWriter } from "./wire.js";

const SAFE = Number.MAX_SAFE_INTEGER;
const IDS = 0xffff_ffff;
const ADDRESSES = 65_535;
const LIST_MAX = 65_536;
const TEXT_CHARS_MAX = 256;

/** First item of the array. */
const NUMBER = {
  config: 16,
  reply: 17,
  image: 18,
  patch: 19,
  device: 20,
  own: 21,
  stop: 22,
} as const;

/** Appends one frame. */
export function writeOrder(out: FrameWriter, order: Order): void {
  switch (order.kind) {
    case "config":
      writeConfig(out, order);
      return;
    case "reply":
      out.begin(4).uint(NUMBER.reply).uint(order.ticket).blob(order.pdu);
      optional(out, order.why).end();
      return;
    case "image":
      out.begin(4).uint(NUMBER.image).uint(order.block).uint(order.takenHostUs);
      optional(out, order.cells).end();
      return;
    case "patch":
      out.begin(5).uint(NUMBER.patch).uint(order.device).uint(order.table).uint(order.start);
      out.blob(order.cells).end();
      return;
    case "device":
      out.begin(3).uint(NUMBER.device).uint(order.device).bool(order.answering).end();
      return;
    case "own":
      out
        .begin(4)
        .uint(NUMBER.own)
        .uint(order.controller)
        .uint(order.start)
        .blob(order.words)
        .end();
      return;
    case "stop":
      out.begin(1).uint(NUMBER.stop).end();
  }
}

/** Reads one frame body of the guard; null for anything but exactly one order. */
export function readOrder(bytes: Uint8Array, at: number, end: number): Order | null {
  const from = new FrameReader(bytes, at, end);
  const items = from.array(16);
  const order = readBody(from, from.uint(NUMBER.stop), items);
  return from.complete() ? order : null;
}

function readBody(from: FrameReader, number: number, items: number): Order | null {
  switch (number) {
    case NUMBER.config:
      return items === CONFIG_ITEMS ? readConfig(from) : null;
    case NUMBER.reply:
      return items === 4
        ? { kind: "reply", ticket: from.uint(IDS), pdu: from.blob(1, 253), why: maybe(from, 128) }
        : null;
    case NUMBER.image:
      return items === 4
        ? {
            kind: "image",
            block: from.uint(LIST_MAX),
            takenHostUs: from.uint(SAFE),
            cells: maybe(from, 4_000),
          }
        : null;
    case NUMBER.patch:
      return items === 5
        ? {
            kind: "patch",
            device: from.uint(LIST_MAX),
            table: readTable(from),
            start: from.uint(ADDRESSES),
            cells: from.blob(0, 4_000),
          }
        : null;
    case NUMBER.device:
      return items === 3
        ? { kind: "device", device: from.uint(LIST_MAX), answering: from.bool() }
        : null;
    case NUMBER.own:
      return items === 4
        ? {
            kind: "own",
            controller: from.uint(LIST_MAX),
            start: from.uint(ADDRESSES),
            words: from.blob(0, 8_192),
          }
        : null;
    case NUMBER.stop:
      return items === 1 ? { kind: "stop" } : null;
    default:
      return null;
  }
}

const CONFIG_ITEMS = 10;

function writeConfig(out: FrameWriter, config: Config): void {
  out.begin(CONFIG_ITEMS).uint(NUMBER.config).uint(config.version).uint(config.boot);
  out.uint(config.ownUnit).array(config.listeners.length);
  for (const { host, port, units, peers } of config.listeners) {
    out.array(4).text(host).uint(port).array(units.length);
    for (const [unit, device] of units) out.array(2).uint(unit).uint(device);
    out.array(peers.length);
    for (const [peer, controller] of peers) out.array(2).text(peer).uint(controller);
  }
  out.array(config.blocks.length);
  for (const { device, table, start, count, areas } of config.blocks) {
    out.array(5).uint(device).uint(table).uint(start).uint(count).array(areas.length);
    for (const [offset, cells, maxAgeUs] of areas)
      out.array(3).uint(offset).uint(cells).uint(maxAgeUs);
  }
  out.uint(config.devices).array(config.functions.length);
  for (const functions of config.functions) {
    if (functions === null) out.nil();
    else {
      out.array(functions.length);
      for (const code of functions) out.uint(code);
    }
  }
  const { connections, inFlight, guardInFlight, patienceMs } = config.limits;
  out.array(4).uint(connections).uint(inFlight).uint(guardInFlight).uint(patienceMs);
  out.array(3);
  for (const text of config.identity) out.text(text);
  out.end();
}

function readConfig(from: FrameReader): Config {
  return {
    kind: "config",
    version: from.uint(255),
    boot: from.uint(SAFE),
    ownUnit: from.uint(255),
    listeners: list(from, () => readListener(from)),
    blocks: list(from, () => readBlock(from)),
    devices: from.uint(LIST_MAX),
    functions: list(from, () => (from.nil() ? null : list(from, () => from.uint(255)))),
    limits: readLimits(from),
    identity: readIdentity(from),
  };
}

function readListener(from: FrameReader): ListenerMap {
  from.exactly(4);
  return {
    host: from.text(TEXT_CHARS_MAX),
    port: from.uint(65_535),
    units: list(from, () => {
      from.exactly(2);
      return [from.uint(255), from.uint(LIST_MAX)] as const;
    }),
    peers: list(from, () => {
      from.exactly(2);
      return [from.text(TEXT_CHARS_MAX), from.uint(LIST_MAX)] as const;
    }),
  };
}

function readBlock(from: FrameReader): ReplicaBlock {
  from.exactly(5);
  return {
    device: from.uint(LIST_MAX),
    table: readTable(from),
    start: from.uint(ADDRESSES),
    count: from.uint(2_000),
    areas: list(from, () => {
      from.exactly(3);
      return [from.uint(ADDRESSES), from.uint(2_000), from.uint(SAFE)] as const;
    }),
  };
}

function readLimits(from: FrameReader): Config["limits"] {
  from.exactly(4);
  return {
    connections: from.uint(65_535),
    inFlight: from.uint(256),
    guardInFlight: from.uint(65_535),
    patienceMs: from.uint(SAFE),
  };
}

function readIdentity(from: FrameReader): Config["identity"] {
  from.exactly(3);
  return [from.text(TEXT_CHARS_MAX), from.text(TEXT_CHARS_MAX), from.text(TEXT_CHARS_MAX)];
}

function readTable(from: FrameReader): DoorTable {
  const table = from.uint(3);
  return table === 1 || table === 2 || table === 3 ? table : 0;
}

function list<Item>(from: FrameReader, item: () => Item): Item[] {
  const items: Item[] = [];
  for (let left = from.array(LIST_MAX); left > 0; left--) items.push(item());
  return items;
}

function optional(out: FrameWriter, bytes: Uint8Array | null): FrameWriter {
  return bytes === null ? out.nil() : out.blob(bytes);
}

function maybe(from: FrameReader, most: number): Uint8Array | null {
  return from.nil() ? null : from.blob(0, most);
}
