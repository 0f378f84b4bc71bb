import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readCheckpoint, type CheckpointClaim } from "../../src/evidence/checkpoint.js";
import { FRAME_KIND, FrameReader } from "../../src/evidence/frame.js";
import { listSegments, readEntries, readSegment, sha256 } from "../../src/cli/evidence-files.js";
import { verifyEvidence } from "../../src/cli/evidence-verify.js";
import type { BootBody, Entry } from "../../src/kernel/record/entry.js";
import { connectBytes, word } from "./byte-client.js";
import type { ModbusServer } from "./modbus-server.js";

/** `dose.amount` of the live profile: 32 bits in two registers, so that no value is asked for twice. */
const ADDRESS = 50;
const VALUES_MAX = 1_000_000;

/** Clients that write as fast as they are answered, no value twice, until they are told to end or their gateway dies. */
export class KillLoad {
  /** Values whose write was answered as done. */
  readonly acknowledged: number[] = [];
  /** Values whose write was answered by an exception, and which. */
  readonly refused: { readonly value: number; readonly exception: number | undefined }[] = [];
  #asked = 0;

  /** `end` waits for the answers that are still to come. */
  start(port: number, clients: number): { readonly end: () => Promise<void> } {
    const state = { ending: false };
    const runs = Array.from({ length: clients }, async () => {
      await this.#write(port, state).catch(() => undefined);
    });
    return {
      end: async () => {
        state.ending = true;
        await Promise.all(runs);
      },
    };
  }

  async #write(port: number, state: { readonly ending: boolean }): Promise<void> {
    const client = await connectBytes(port);
    while (!state.ending) {
      this.#asked += 1;
      const value = this.#asked;
      if (value > VALUES_MAX) throw new Error("every value was asked for");
      const answer = await client.ask(1, [16, ...word(ADDRESS), 0, 2, 4, ...long(value)]);
      if (answer[0] === 16) this.acknowledged.push(value);
      else this.refused.push({ value, exception: answer[1] });
    }
    client.socket.destroy();
  }
}

/** Values that reached the device, in order. */
export function valuesAt(device: ModbusServer): readonly number[] {
  return device.received
    .filter((pdu) => pdu[0] === 16 && pdu[1] === 0 && pdu[2] === ADDRESS)
    .map((pdu) => new DataView(Uint8Array.from(pdu).buffer).getUint32(6));
}

export type ReadLog = {
  readonly entries: readonly Entry[];
  readonly checkpoints: readonly CheckpointClaim[];
};

export async function readLog(directory: string): Promise<ReadLog> {
  const entries: Entry[] = [];
  const checkpoints: CheckpointClaim[] = [];
  for (const name of await listSegments(directory)) {
    const bytes = await readSegment(directory, name);
    entries.push(...readEntries(name, bytes).map(({ entry }) => entry));
    checkpoints.push(...claimsIn(bytes));
  }
  return { entries, checkpoints };
}

/** Values that the log says may be written. */
export function permittedIn({ entries }: ReadLog): ReadonlySet<number> {
  const values = entries.flatMap(({ body }) =>
    body.type === "decision" && body.verdict === "permit" && !(body.writes instanceof Uint8Array)
      ? body.writes.map(({ given }) => given)
      : [],
  );
  return new Set(values.filter((value) => value !== null));
}

export function bootsIn({ entries }: ReadLog): readonly BootBody[] {
  return entries.flatMap(({ body }) => (body.type === "boot" ? [body] : []));
}

/** Hashes of what recovery cut off and kept. */
export function cutHashesIn(directory: string): ReadonlySet<string> {
  const cut = readdirSync(directory).filter((name) => name.startsWith("cut-"));
  return new Set(cut.map((name) => hashOf(readFileSync(join(directory, name)))));
}

/** Null when every check holds, else the lines that do not. */
export async function faultsIn(directory: string, replay: boolean): Promise<string | null> {
  let out = "";
  const command = { directory, replay, profile: null, trust: null, json: false };
  const code = await verifyEvidence(command, {
    out: { write: (text) => (out += text) },
    err: { write: () => undefined },
  });
  return code === 0 ? null : out;
}

function claimsIn(bytes: Uint8Array): readonly CheckpointClaim[] {
  const frames = new FrameReader(sha256);
  const claims: CheckpointClaim[] = [];
  for (let at = 0; at < bytes.length;) {
    const read = frames.read(bytes, at, bytes.length);
    if (read.kind !== "frame") throw new Error(`no frame at ${at}`);
    const { kind, bodyStart, bodyEnd, end } = read.frame;
    if (kind === FRAME_KIND.checkpoint) {
      const checkpoint = readCheckpoint(bytes.slice(bodyStart, bodyEnd));
      if (!checkpoint.ok) throw new Error(checkpoint.why);
      claims.push(checkpoint.checkpoint.claim);
    }
    at = end;
  }
  return claims;
}

function long(value: number): readonly number[] {
  return [...word(Math.floor(value / 0x1_0000)), ...word(value & 0xffff)];
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
