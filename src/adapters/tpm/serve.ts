import type { Readable } from "node:stream";
import { FrameSplitter } from "../../codec/door/wire.js";
import { decodeRequest, encodeAnswer, MESSAGE_BYTES_MAX } from "./message.js";
import { performRequest } from "./perform.js";
import type { Tpm } from "./tpm.js";

export type TpmServing = {
  readonly tpm: Tpm;
  readonly input: Readable;
  readonly write: (frame: Uint8Array) => void;
  /** Nobody asks any more: `done` the input ended, `broken` it held what is no request. */
  readonly over: (how: "done" | "broken") => void;
};

/** Does what is asked on `input`, one request after the other, and answers each on `write`. */
export function serveTpm({ tpm, input, write, over }: TpmServing): void {
  const end = (how: "done" | "broken"): void => {
    input.removeAllListeners("data");
    over(how);
  };
  const splitter = new FrameSplitter(MESSAGE_BYTES_MAX, (bytes, at, until) => {
    const asked = decodeRequest(bytes.slice(at, until));
    if (asked === null) return false;
    // What the TPM's queue does not take is answered too, as `not-done`; it rejects only for a bug.
    performRequest(tpm, asked.request).then(
      (answer) => {
        write(encodeAnswer(asked.id, answer));
      },
      () => {
        end("broken");
      },
    );
    return true;
  });
  input.on("data", (chunk: Uint8Array) => {
    if (!splitter.take(chunk)) end("broken");
  });
  input.on("end", () => {
    end("done");
  });
  input.on("error", () => {
    end("done");
  });
}
