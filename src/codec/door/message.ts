/**
 * What a door and the guard say to each other over `door-<kind>.sock`. Each message is one CBOR array in
 * one length-prefixed frame. `Claim`s come from the untrusted edge and are read as hostile input;
 * `Order`s come from the guard.
 *
 * Times are `hostUs`: real microseconds of the machine's monotonic clock, one number in every process of
 * the machine, so that an age keeps growing while a frame waits in a socket.
 */
export type Claim =
  | { readonly kind: "hello"; readonly version: number; readonly door: number }
  /** A client connected. The door claims the listener it came by and its source address, never a controller. */
  | {
      readonly kind: "open";
      readonly connection: number;
      readonly listener: number;
      readonly peer: string;
    }
  /** The client is gone: what it asked for and was not sent is withdrawn. */
  | { readonly kind: "gone"; readonly connection: number }
  | Request
  | { readonly kind: "counts"; readonly counts: Counts }
  /** Addresses really bound, by position of the listener (a configured port 0 becomes the port taken). */
  | { readonly kind: "listening"; readonly ports: readonly number[] }
  /** The door cannot serve; it exits after this. */
  | { readonly kind: "fault"; readonly text: string };

/** Every write and every function the door does not serve itself. `ticket` is the door's, unique while unanswered. */
export type Request = {
  readonly kind: "request";
  readonly ticket: number;
  readonly connection: number;
  readonly unit: number;
  /** Function code and body, 1..253 bytes, as received. */
  readonly pdu: Uint8Array;
  /** When the bytes came in, at the latest: an older claim makes a command older, never younger. */
  readonly receivedHostUs: number;
};

/** What the door did by itself since the last such message. */
export type Counts = {
  readonly reads: number;
  readonly staleReads: number;
  readonly unmappedReads: number;
  readonly malformedReads: number;
  readonly unitFaults: number;
  readonly frameFaults: number;
  readonly refusedConnections: number;
  readonly connections: number;
};

export type Order =
  | Config
  | {
      readonly kind: "reply";
      readonly ticket: number;
      readonly pdu: Uint8Array;
      /** Words of the why block from IR16 on, as they stand for the asking controller from this reply on. */
      readonly why: Uint8Array | null;
    }
  /** A planned block was read. `cells` null: nothing changed but the age. */
  | {
      readonly kind: "image";
      readonly block: number;
      readonly takenHostUs: number;
      readonly cells: Uint8Array | null;
    }
  /** Newer than its block: a read-back. The age of the block stays. */
  | {
      readonly kind: "patch";
      readonly device: number;
      readonly table: DoorTable;
      readonly start: number;
      readonly cells: Uint8Array;
    }
  /** While false, every read of the device is answered "silent". */
  | { readonly kind: "device"; readonly device: number; readonly answering: boolean }
  /** Input registers of the own unit, as one controller sees them, from `start` on. */
  | {
      readonly kind: "own";
      readonly controller: number;
      readonly start: number;
      readonly words: Uint8Array;
    }
  | { readonly kind: "stop" };

/** 0 coils, 1 discrete inputs, 2 input registers, 3 holding registers. */
export type DoorTable = 0 | 1 | 2 | 3;

export type Config = {
  readonly kind: "config";
  readonly version: number;
  readonly boot: number;
  /** Unit id of the gateway itself. */
  readonly ownUnit: number;
  readonly listeners: readonly ListenerMap[];
  readonly blocks: readonly ReplicaBlock[];
  readonly devices: number;
  /** By position of the controller: Modbus functions it may use; null: every one that is served. */
  readonly functions: readonly (readonly number[] | null)[];
  readonly limits: DoorLimits;
  /** FC43/14 objects 0..2: vendor, product, revision. */
  readonly identity: readonly [string, string, string];
};

export type ListenerMap = {
  readonly host: string;
  readonly port: number;
  /** Which unit is which device, by position. */
  readonly units: readonly (readonly [unit: number, device: number])[];
  /** Who comes by this listener: a source address, or "*" for everyone else. */
  readonly peers: readonly (readonly [peer: string, controller: number])[];
};

export type DoorLimits = {
  readonly connections: number;
  /** Requests of one connection taken and not answered. */
  readonly inFlight: number;
  /** Requests of all connections that wait for the guard. */
  readonly guardInFlight: number;
  /** How long a begun frame may stay unfinished, and a reader may not read. */
  readonly patienceMs: number;
};

/**
 * One request of the guard's read plan. A cell is a register (two bytes) or a bit (one byte, 0 or 1).
 * `areas` are the runs that may be read, each with the age past which it is no longer answered.
 */
export type ReplicaBlock = {
  readonly device: number;
  readonly table: DoorTable;
  readonly start: number;
  readonly count: number;
  readonly areas: readonly (readonly [offset: number, count: number, maxAgeHostUs: number])[];
};

export const DOOR_PROTOCOL_VERSION = 1;
/** Bytes of one frame without its length prefix. A claim is a PDU and a few numbers; a config may be long. */
export const CLAIM_BYTES_MAX = 1_024;
export const ORDER_BYTES_MAX = 1_048_576;

/**
 * Position of the controller that a connection speaks as; null: nobody. The guard asks it for itself;
 * a door asks only to pick which controller's own-unit registers to show.
 */
export function controllerOf(listener: ListenerMap, peer: string): number | null {
  let anyone: number | null = null;
  for (const [known, controller] of listener.peers) {
    if (known === peer) return controller;
    if (known === "*") anyone = controller;
  }
  return anyone;
}
