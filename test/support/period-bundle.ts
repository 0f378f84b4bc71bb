import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CERTIFICATES } from "../../src/cli/certificates.js";
import { encodeBundle, type ProofBundle } from "../../src/evidence/bundle.js";
import {
  carryConsistency,
  readCheckpoint,
  type Checkpoint,
} from "../../src/evidence/checkpoint.js";
import { MerkleTree } from "../../src/evidence/merkle.js";
import type { ConsistencyProof } from "../../src/evidence/merkle-proof.js";
import { verifyBundle, type BundleReport } from "../../src/evidence/verify-bundle.js";
import type { Period } from "../../src/evidence/verify-growth.js";
import type { Entry } from "../../src/kernel/record/entry.js";
import { sha256 as hashBytes } from "./evidence-samples.js";
import {
  makeBundle,
  runPython,
  verifySignature,
  VERIFIER,
  type LogKey,
  type PythonReport,
} from "./proof-bundle.js";

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(hashBytes(bytes));

export type MadePeriod = {
  readonly bundle: ProofBundle;
  readonly proof: ConsistencyProof;
  /** The checkpoint that the proof leads from, as a file. */
  readonly earlier: Uint8Array;
};

/** A log of these entries under one checkpoint, a period of it, and what it was at `size1` entries. */
export function makePeriod(
  entries: readonly Entry[],
  { from, to }: Period,
  size1: number,
  key: LogKey,
): MadePeriod {
  const all = entries.map((_, i) => i);
  const { bundle } = makeBundle(entries, all, key);
  const leaves = bundle.items.map(({ entry }) => sha256(Uint8Array.from([0, ...entry])));
  const tree = new MerkleTree(sha256);
  for (const leaf of leaves.slice(0, size1)) tree.push(leaf);
  const watch = tree.watch();
  for (const leaf of leaves.slice(size1)) tree.push(leaf);
  const proof = { size1, size2: entries.length, path: tree.prove(watch) };
  const earlier = makeBundle(entries.slice(0, size1), [0], key).bundle.checkpoint;
  const items = bundle.items.slice(from, to + 1);
  return { bundle: carry({ ...bundle, items }, proof), proof, earlier };
}

/** The same bundle with another proof in its checkpoint. */
export function carry(bundle: ProofBundle, proof: ConsistencyProof | null): ProofBundle {
  return { ...bundle, checkpoint: carryConsistency(checkpointOf(bundle), proof) };
}

export function checkpointOf({ checkpoint }: ProofBundle): Checkpoint {
  const read = readCheckpoint(checkpoint);
  if (!read.ok) throw new Error(read.why);
  return read.checkpoint;
}

export type Asked = {
  readonly earlier?: Uint8Array;
  readonly period?: Period;
  readonly trusted?: Uint8Array;
};

export function checkPeriod(
  bundle: ProofBundle,
  { earlier, period, trusted }: Asked = {},
): BundleReport {
  return verifyBundle(encodeBundle(bundle), {
    sha256,
    verifySignature,
    trusted: trusted === undefined ? null : [trusted],
    certificates: { reader: CERTIFICATES, roots: null },
    profile: null,
    earlier: earlier ?? null,
    period: period ?? null,
  });
}

/** The same by Debian's Python. */
export function checkPeriodByPython(bundle: ProofBundle, asked: Asked = {}): PythonReport {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-period-"));
  try {
    const args: string[] = [];
    for (const [flag, bytes] of [
      ["--earlier", asked.earlier],
      ["--trust", asked.trusted],
    ] as const) {
      if (bytes === undefined) continue;
      const file = join(folder, flag);
      writeFileSync(file, bytes);
      args.push(flag, file);
    }
    if (asked.period !== undefined)
      args.push("--period", `${asked.period.from}-${asked.period.to}`);
    const file = join(folder, "proof.cbor");
    writeFileSync(file, encodeBundle(bundle));
    return runPython([VERIFIER, file, ...args]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
