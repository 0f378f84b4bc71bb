import type { TpmChannel } from "./channel.js";
import { faultOf, type TpmResult } from "./result.js";
import { SerialQueue } from "./serial-queue.js";
import { TpmLine } from "./tpm-line.js";

export type TpmOptions = {
  readonly channel: TpmChannel;
  /** Name of the storage root as provisioning found it; null while there is none, and then no session can be had. */
  readonly rootName: Uint8Array | null;
  /** Operations that run or wait; one more is refused as `not-done`. */
  readonly queueMax: number;
};

/**
 * One TPM and its queue. Operations run one after the other, each on a connection that is made when there is none. An
 * operation that failed is not repeated: its caller knows whether it may be.
 */
export type Tpm = {
  readonly perform: <T>(
    operation: (line: TpmLine) => Promise<TpmResult<T>>,
  ) => Promise<TpmResult<T>>;
  /** Gives its sessions back in turn: before a close that can wait, so that other clients of a bare TPM find room. */
  readonly release: () => Promise<TpmResult<null>>;
  /** What runs ends as `unknown`, what waits or comes later as `not-done`. */
  readonly close: () => void;
};

export function openTpm(options: TpmOptions): Tpm {
  const queue = new SerialQueue(options.queueMax);
  const line = new TpmLine(options.channel, options.rootName);
  const performNow = async <T>(
    operation: (line: TpmLine) => Promise<TpmResult<T>>,
  ): Promise<TpmResult<T>> => {
    const ready = await line.ready();
    const result = ready.ok ? await operation(line) : ready;
    if (!result.ok) line.settle(result.fault);
    return result;
  };
  const perform: Tpm["perform"] = async (operation) => {
    const run = queue.add(async () => await performNow(operation));
    return run === null ? FULL : await run;
  };
  return {
    perform,
    release: async () => await perform(async () => await line.release()),
    close: () => {
      line.close();
    },
  };
}

const FULL: TpmResult<never> = faultOf("not-done", "too many operations wait for the TPM");
