import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import type { BootBody } from "../kernel/record/entry.js";
import { ES256, verifySign1 } from "../codec/cose/sign1.js";
import { readCheckpoint, type Checkpoint } from "../evidence/checkpoint.js";
import { FRAME_KIND, FrameReader } from "../evidence/frame.js";
import { hex } from "../evidence/hex.js";
import { scanSegment } from "../evidence/scan.js";
import { readLink } from "../evidence/segment.js";
import { utcText } from "./bundle-verify.js";
import { listSegments, readEntries, readSegment, sha256, visitEntries } from "./evidence-files.js";
import { signatureVerifier } from "./evidence-keys.js";
import { alignTable, jsonText, Refusal, showPlain, type CliStreams } from "./output.js";

export type CheckpointCommand = {
  readonly directory: string;
  /** File to write; null: shown only. */
  readonly out: string | null;
  readonly json: boolean;
};

/** `holdpoint evidence checkpoint`. */
export function addCheckpointCommand(
  evidence: Command,
  deps: { readonly streams: CliStreams; readonly exit: (code: number) => void },
): void {
  evidence
    .command("checkpoint")
    .description("the newest checkpoint, to be kept where the holder of this disk cannot reach it")
    .argument("<dir>", "evidence directory")
    .option("--out <file>", "write it to this new file")
    .option("--json", "report as JSON", false)
    .action(
      async (directory: string, options: { readonly out?: string; readonly json: boolean }) => {
        const command = { directory, out: options.out ?? null, json: options.json };
        deps.exit(await takeCheckpoint(command, deps.streams));
      },
    );
}

/**
 * Shows, and with `out` writes, the newest checkpoint of a log: a few hundred bytes that the log can be held against later
 * (`evidence verify --earlier`). Throws a Refusal when there is none, or when it is not signed by a key that the log names:
 * what proves nothing is not handed out.
 */
export async function takeCheckpoint(command: CheckpointCommand, streams: CliStreams): Promise<0> {
  const { directory, out, json } = command;
  const found = await findNewest(directory);
  if (out !== null) {
    await writeFile(out, found.body, { flag: "wx", mode: 0o644 }).catch((error: unknown) => {
      const stands = error instanceof Error && "code" in error && error.code === "EEXIST";
      throw new Refusal(
        `${out}: ${stands ? "there is such a file already" : "cannot be written"}`,
        2,
      );
    });
  }
  streams.out.write(json ? renderJson(command, found) : renderText(command, found));
  return 0;
}

type Newest = {
  readonly body: Uint8Array;
  readonly checkpoint: Checkpoint;
  /** By the boot entry of its run; null: that lies further back than is read here, or is gone. */
  readonly kind: BootBody["key"] | null;
};

/** Whole segments are read, newest first, until one holds a checkpoint: the newest nearly always does. */
async function findNewest(directory: string): Promise<Newest> {
  const names = await listSegments(directory);
  for (const name of names.toReversed()) {
    const bytes = await readSegment(directory, name);
    const found = newestIn(bytes);
    if (found === null) continue;
    if (!isSigned(found.checkpoint, keysIn(name, bytes))) {
      const check = `holdpoint evidence verify ${directory} says what is wrong`;
      throw new Refusal(
        `${directory}: the newest checkpoint, in ${name}, is not signed by a key that is named there; ${check}`,
        1,
      );
    }
    const older = names.slice(0, names.indexOf(name) + 1).slice(-KIND_SEGMENTS_MAX);
    return { ...found, kind: await findKind(directory, older, found.checkpoint.claim.boot) };
  }
  const when = "a gateway that runs makes one within a second of its first entry";
  throw new Refusal(`${directory}: no checkpoint yet; ${when}`, 1);
}

function newestIn(bytes: Uint8Array): Omit<Newest, "kind"> | null {
  const found: Omit<Newest, "kind">[] = [];
  scanSegment(bytes, new FrameReader(sha256), {
    frame: ({ kind, bodyStart, bodyEnd }) => {
      if (kind !== FRAME_KIND.checkpoint) return null;
      const body = bytes.slice(bodyStart, bodyEnd);
      const read = readCheckpoint(body);
      if (read.ok) found.splice(0, 1, { body, checkpoint: read.checkpoint });
      return null;
    },
    gap: () => undefined,
  });
  return found[0] ?? null;
}

/** A run may fill hundreds of segments; what is not found in so many is said not to be known. */
const KIND_SEGMENTS_MAX = 8;

async function findKind(
  directory: string,
  names: readonly string[],
  run: number,
): Promise<Newest["kind"]> {
  for (const name of names.toReversed()) {
    const found: BootBody[] = [];
    visitEntries(name, await readSegment(directory, name), {
      only: "boot",
      entry: ({ entry: { body } }) => {
        if (body.type === "boot" && body.boot === run) found.push(body);
      },
    });
    const [boot] = found;
    if (boot !== undefined) return boot.key;
  }
  return null;
}

function keysIn(name: string, bytes: Uint8Array): readonly Uint8Array[] {
  return readEntries(name, bytes).flatMap(({ entry: { body } }) => {
    if (body.type === "key") return [body.spki];
    const link = readLink(body);
    return link === null ? [] : [link.key];
  });
}

function isSigned({ claim, sign1 }: Checkpoint, keys: readonly Uint8Array[]): boolean {
  const verify = signatureVerifier();
  return keys.some(
    (spki) =>
      hex(sha256(spki)) === hex(claim.kid) &&
      verifySign1(sign1, {
        algorithm: ES256,
        verify: (bytes, signature) => verify(spki, bytes, signature),
      }),
  );
}

const KINDS = {
  tpm: "in a TPM, by the log's own word: a key bundle shows it",
  "tpm-software": "software, not hardware",
  file: "software, not hardware",
} as const;

const UNKNOWN = "not known here: the beginning of its run is further back, or gone";

function renderText({ directory, out }: CheckpointCommand, { checkpoint, kind }: Newest): string {
  const { claim, root } = checkpoint;
  const rows = [
    ["checkpoint", `over ${claim.size} entries, run ${claim.boot}, ${utcText(claim.issuedUtcS)}`],
    ["gateway", `${showPlain(claim.gateway)}, log ${showPlain(claim.log)}`],
    ["root", hex(root)],
    ["key", hex(claim.kid)],
    ["key kind", kind === null ? UNKNOWN : KINDS[kind]],
    ["counter", claim.counter === null ? "none: no TPM signed it" : String(claim.counter)],
    ...(claim.token == null ? [] : [["time stamp", `names ${hex(claim.token)} as made before it`]]),
  ];
  const next =
    out === null
      ? "--out FILE writes it to a file, to be kept elsewhere"
      : `${out}: keep it where whoever holds this disk cannot reach it. Later:\n  holdpoint evidence verify ${directory} --earlier ${out}`;
  return `${alignTable(rows)}\n\n${next}\n`;
}

function renderJson({ directory, out }: CheckpointCommand, { checkpoint, kind }: Newest): string {
  const { kid, gateway, log, issuedUtcS, size, boot, counter, token } = checkpoint.claim;
  const about = {
    directory,
    out,
    gateway,
    log,
    size,
    root: hex(checkpoint.root),
    key: hex(kid),
    kind,
  };
  return `${jsonText({ ...about, boot, counter, token: token == null ? null : hex(token), issued: utcText(issuedUtcS) }, 2)}\n`;
}
