import { open, type FileHandle } from "node:fs/promises";
import { responseLength } from "../../codec/tpm2/command.js";
import { SIZE } from "../../codec/tpm2/constant.js";
import type { TpmChannel } from "./channel.js";
import { faultOf, type TpmResult } from "./result.js";

/** The kernel's resource manager. */
export const TPM_DEVICE = "/dev/tpmrm0";

/**
 * A TPM character device. The kernel gives no way to cancel a command: one that outlives its time limit keeps its
 * thread, and until it ends nothing else is sent. Only ending the process gets rid of a chip that never answers.
 */
export function openDeviceChannel(timeoutMs: number, path: string = TPM_DEVICE): TpmChannel {
  const line = new DeviceLine(path, timeoutMs);
  return {
    managed: true,
    connected: () => line.connected(),
    connect: async () => await line.connect(),
    exchange: async (command) => await line.exchange(command),
    drop: () => {
      line.drop();
    },
  };
}

class DeviceLine {
  readonly #path: string;
  readonly #timeoutMs: number;
  #file: FileHandle | null = null;
  /** A command is in the kernel, waited for or given up. */
  #busy = false;

  constructor(path: string, timeoutMs: number) {
    this.#path = path;
    this.#timeoutMs = timeoutMs;
  }

  connected(): boolean {
    return this.#file !== null;
  }

  async connect(): Promise<TpmResult<null>> {
    this.drop();
    if (this.#busy) return faultOf("not-done", STUCK);
    try {
      this.#file = await open(this.#path, "r+");
      return { ok: true, value: null };
    } catch (error) {
      return faultOf("not-done", `the TPM at ${this.#path}: ${wordsOf(error)}`);
    }
  }

  async exchange(command: Uint8Array): Promise<TpmResult<Uint8Array>> {
    const file = this.#file;
    if (file === null) return faultOf("not-done", "the TPM is not connected");
    if (this.#busy) return faultOf("not-done", STUCK);
    this.#busy = true;
    return await new Promise((resolve) => {
      const limit = setTimeout(() => {
        this.#file = null;
        resolve(faultOf("unknown", "the TPM did not answer in time"));
      }, this.#timeoutMs);
      callDevice(file, command, (result) => {
        clearTimeout(limit);
        this.#busy = false;
        if (!result.ok && this.#file === file) this.#file = null;
        // Given up meanwhile, or out of step: this file is not used again.
        if (this.#file !== file) close(file);
        resolve(result);
      });
    });
  }

  drop(): void {
    const file = this.#file;
    this.#file = null;
    // One that is at work is closed when its command ends.
    if (file !== null && !this.#busy) close(file);
  }
}

const STUCK = "the TPM is still at work on a command that was given up";

function callDevice(
  file: FileHandle,
  command: Uint8Array,
  settled: (result: TpmResult<Uint8Array>) => void,
): void {
  transfer(file, command).then(settled, (error: unknown) => {
    settled(faultOf("unknown", `the TPM device failed: ${wordsOf(error)}`));
  });
}

/** Writes the whole command in one call, as the driver wants it, and reads to the end of the response. */
async function transfer(file: FileHandle, command: Uint8Array): Promise<TpmResult<Uint8Array>> {
  const { bytesWritten } = await file.write(command, 0, command.length, null);
  if (bytesWritten !== command.length) {
    return faultOf("unknown", "the TPM device took only part of the command");
  }
  const response = Buffer.alloc(SIZE.frame);
  let filled = 0;
  while (filled < response.length) {
    const { bytesRead } = await file.read(response, filled, response.length - filled, null);
    if (bytesRead === 0) return faultOf("unknown", "the TPM device ended its response early");
    filled += bytesRead;
    const length = responseLength(response.subarray(0, filled));
    if (length === "bad" || (length !== null && filled > length)) break;
    if (filled === length) return { ok: true, value: response.subarray(0, filled) };
  }
  return faultOf("malformed", "the TPM's response has an impossible length");
}

/** Nothing hangs on how it ends: the file is out of use either way. */
function close(file: FileHandle): void {
  file.close().catch(() => undefined);
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
