import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addEvidenceCommands } from "../../src/cli/evidence-commands.js";
import { decodeBundle } from "../../src/evidence/bundle.js";
import { readCheckpoint, type Checkpoint } from "../../src/evidence/checkpoint.js";
import { FRAME_KIND, FrameReader } from "../../src/evidence/frame.js";
import { scanSegment } from "../../src/evidence/scan.js";
import { sha256 } from "./corpus.js";
import { VERIFIER } from "./proof-bundle.js";

export type Ran = { readonly code: number; readonly out: string; readonly err: string };

/** `holdpoint evidence` with these arguments, in this process; a Refusal is thrown. */
export async function runEvidence(...args: readonly string[]): Promise<Ran> {
  let [code, out, err] = [-1, "", ""];
  const program = new Command()
    .exitOverride()
    .configureOutput({ writeErr: (text) => (err += text) });
  addEvidenceCommands(program, {
    streams: { out: { write: (text) => (out += text) }, err: { write: (text) => (err += text) } },
    verifier: VERIFIER,
    stop: new AbortController().signal,
    exit: (given) => {
      code = given;
    },
  });
  await program.parseAsync(["evidence", ...args], { from: "user" });
  return { code, out, err };
}

/** Options that name a period by numbers. */
export function bySeq(from: number, to: number): readonly string[] {
  return ["--from-seq", String(from), "--to-seq", String(to)];
}

/** Numbers of the entries of a bundle. */
export function numbersIn(file: string): readonly number[] {
  const decoded = decodeBundle(new Uint8Array(readFileSync(file)));
  if (!decoded.ok) throw new Error(decoded.why);
  return decoded.bundle.items.map(({ proof }) => proof.index);
}

/** Checkpoints of a segment, each with the place of its frame. */
export function checkpointsIn(
  bytes: Uint8Array,
): readonly (Checkpoint & { readonly offset: number })[] {
  const found: (Checkpoint & { readonly offset: number })[] = [];
  scanSegment(bytes, new FrameReader(sha256), {
    frame: ({ kind, bodyStart, bodyEnd }, offset) => {
      const read =
        kind === FRAME_KIND.checkpoint ? readCheckpoint(bytes.slice(bodyStart, bodyEnd)) : null;
      if (read?.ok === true) found.push({ ...read.checkpoint, offset });
      return null;
    },
    gap: () => undefined,
  });
  return found;
}
