import { rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { readCheckpoint, type Checkpoint } from "../evidence/checkpoint.js";
import { readTimeStamp, TIME_STAMP_BYTES_MAX } from "../codec/rfc3161/time-stamp.js";
import { FRAME_KIND, FrameReader } from "../evidence/frame.js";
import { hex } from "../evidence/hex.js";
import { equalBytes } from "../evidence/merkle-proof.js";
import { scanSegment } from "../evidence/scan.js";
import { nameStamp } from "../guard/evidence/stamp-pickup.js";
import { utcText } from "./bundle-verify.js";
import { listSegments, readSegment, sha256 } from "./evidence-files.js";
import { readNamed } from "./evidence-keys.js";
import { runOpenssl } from "./openssl.js";
import { Refusal, showPlain, type CliStreams } from "./output.js";
import { isStampSigned } from "./stamp-check.js";

export type StampCommand = {
  /** File that `evidence checkpoint --out` wrote. */
  readonly checkpoint: string;
  /** Request to write; null: none. */
  readonly request: string | null;
  /** Response to check, and the root certificates (PEM) that must vouch for who signed it; null: none. */
  readonly response: { readonly path: string; readonly roots: string } | null;
  /** Evidence directory of the gateway, which is to take the stamp into its log. */
  readonly keep?: string | null;
};

/** `holdpoint evidence stamp`: an RFC 3161 time stamp over a checkpoint. */
export function addStampCommand(
  evidence: Command,
  deps: { readonly streams: CliStreams; readonly exit: (code: number) => void },
): void {
  evidence
    .command("stamp")
    .description(
      "a time authority's word (RFC 3161) that a checkpoint was there: ask for it, check it",
    )
    .argument("<checkpoint>", "file that evidence checkpoint --out wrote")
    .option("--request <file>", "write the request for an authority to this new file")
    .option("--response <file>", "the authority's response, to be checked")
    .option("--authority <file>", "root certificates (PEM) that you trust for time")
    .option("--keep <dir>", "evidence directory whose gateway is to record a response that holds")
    .action(async (checkpoint: string, options: StampFlags) => {
      const request = options.request ?? null;
      const response = readResponse(options);
      if ((request === null) === (response === null)) {
        throw new Refusal("name one: --request FILE, or --response FILE --authority ROOTS", 2);
      }
      const keep = options.keep ?? null;
      deps.exit(await stampCheckpoint({ checkpoint, request, response, keep }, deps.streams));
    });
}

/**
 * With `request`: writes one over the SHA-256 of the checkpoint's exact bytes. With `response`: 0 when it is a token over
 * these bytes whose signer the roots vouch for, at the time it names; 1 when not. Throws a Refusal for files that cannot be used.
 */
export async function stampCheckpoint(command: StampCommand, streams: CliStreams): Promise<0 | 1> {
  const bytes = new Uint8Array(await readNamed(command.checkpoint));
  const read = readCheckpoint(bytes);
  if (!read.ok) throw new Refusal(`${command.checkpoint}: no checkpoint: ${read.why}`, 2);
  if (command.request !== null) {
    await writeRequest(command.checkpoint, command.request);
    streams.out.write(describeRequest(command.request, read.checkpoint, bytes));
  }
  return command.response === null
    ? 0
    : await checkResponse(command.response, {
        checkpoint: read.checkpoint,
        bytes,
        keep: command.keep ?? null,
        file: command.checkpoint,
        streams,
      });
}

type StampFlags = {
  readonly request?: string;
  readonly response?: string;
  readonly authority?: string;
  readonly keep?: string;
};

function readResponse({ response, authority }: StampFlags): StampCommand["response"] {
  if (response === undefined && authority === undefined) return null;
  if (response !== undefined && authority !== undefined)
    return { path: response, roots: authority };
  throw new Refusal("--response and --authority belong together", 2);
}

async function writeRequest(checkpoint: string, request: string): Promise<void> {
  if ((await stat(request).catch(() => null)) !== null) {
    throw new Refusal(`${request}: there is such a file already`, 2);
  }
  // With the signer's certificate in the response it can be checked by whoever has no more than the root.
  const how = ["-query", "-data", checkpoint, "-sha256", "-cert"];
  await runOpenssl(["ts", ...how, "-out", request]);
}

function describeRequest(request: string, checkpoint: Checkpoint, bytes: Uint8Array): string {
  return `${request}: over ${hex(sha256(bytes))}, the checkpoint over ${checkpoint.claim.size} entries
send it to a time authority (RFC 3161), keep the answer beside the checkpoint:
  curl -H 'Content-Type: application/timestamp-query' --data-binary @${request} -o ANSWER URL
  holdpoint evidence stamp CHECKPOINT --response ANSWER --authority ROOTS
`;
}

async function checkResponse(
  { path, roots }: { readonly path: string; readonly roots: string },
  by: {
    readonly checkpoint: Checkpoint;
    readonly bytes: Uint8Array;
    readonly keep: string | null;
    readonly file: string;
    readonly streams: CliStreams;
  },
): Promise<0 | 1> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw new Refusal(`${path}: there is no such file that can be read`, 2);
  if (found.size > TIME_STAMP_BYTES_MAX) throw new Refusal(`${path}: too long for a response`, 2);
  await readNamed(roots);
  const { out } = by.streams;
  const { size, gateway } = by.checkpoint.claim;
  const token = new Uint8Array(await readNamed(path));
  const stamp = readTimeStamp(token);
  if (stamp === null || !equalBytes(stamp.imprint, sha256(by.bytes))) {
    out.write(`FAIL: ${path} is no time stamp over this checkpoint\n`);
    return 1;
  }
  const signed = await isStampSigned({ ...stamp, token }, roots);
  if (signed === null) throw new Refusal("openssl is not installed: nobody can be asked", 2);
  if (!signed) {
    out.write("FAIL: no authority that you named signed it\n");
    return 1;
  }
  out.write(
    `PASS: the checkpoint over ${size} entries of ${showPlain(gateway)} was there at ${utcText(stamp.utcS)}, by an authority that you named\n`,
  );
  if (by.keep === null) return 0;
  if (!(await holdsCheckpoint(by.keep, by.bytes))) {
    const why =
      "this checkpoint is not in its log, and a time stamp over another one would be a fault in it for ever";
    throw new Refusal(`${by.keep}: ${why}. Keep ${path} beside ${by.file}`, 2);
  }
  const file = join(by.keep, nameStamp(size));
  await writeFile(`${file}.tmp`, token, { flag: "wx", mode: 0o644 }).catch(() => {
    throw new Refusal(`${file}: cannot be written, or waits there already`, 2);
  });
  await rename(`${file}.tmp`, file);
  out.write(`${file}: a running gateway takes it into its log within minutes\n`);
  return 0;
}

/** Newest segments first: it is one of the newest, most often. */
async function holdsCheckpoint(directory: string, checkpoint: Uint8Array): Promise<boolean> {
  for (const name of [...(await listSegments(directory))].reverse()) {
    const bytes = await readSegment(directory, name);
    const met = { times: 0 };
    scanSegment(bytes, new FrameReader(sha256), {
      frame: ({ kind, bodyStart, bodyEnd }) => {
        const body = bytes.subarray(bodyStart, bodyEnd);
        if (kind === FRAME_KIND.checkpoint && equalBytes(body, checkpoint)) met.times += 1;
        return null;
      },
      gap: () => undefined,
    });
    if (met.times > 0) return true;
  }
  return false;
}
