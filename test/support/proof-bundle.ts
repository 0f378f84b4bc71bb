import { generateKeyPairSync, sign, verify } from "node:crypto";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CborWriter } from "../../src/codec/cbor/writer.js";
import { CERTIFICATES } from "../../src/cli/certificates.js";
import { encodeBundle, type ProofBundle } from "../../src/evidence/bundle.js";
import { draftCheckpoint, finishCheckpoint } from "../../src/evidence/checkpoint.js";
import { encodeEntry } from "../../src/evidence/encode-entry.js";
import { InclusionWatch } from "../../src/evidence/inclusion-watch.js";
import { MerkleTree } from "../../src/evidence/merkle.js";
import { verifyBundle, type BundleReport } from "../../src/evidence/verify-bundle.js";
import type { Entry } from "../../src/kernel/record/entry.js";
import { sha256 as hashBytes, STAMP } from "./evidence-samples.js";

export const VERIFIER: string = fileURLToPath(
  new URL("../../clients/verifier/verify_bundle.py", import.meta.url),
);
const MANY = fileURLToPath(new URL("python/bundle_many.py", import.meta.url));
const FLIPS = fileURLToPath(new URL("python/bundle_flips.py", import.meta.url));

/** Plain bytes: what is decoded is compared with it. */
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(hashBytes(bytes));

export type LogKey = {
  readonly spki: Uint8Array;
  readonly sign: (bytes: Uint8Array) => Uint8Array;
};

export function makeLogKey(curve = "P-256"): LogKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: curve });
  return {
    spki: new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    sign: (bytes) => sign("sha256", bytes, { key: privateKey, dsaEncoding: "ieee-p1363" }),
  };
}

export type Made = { readonly bundle: ProofBundle };

/** A log of these entries under one checkpoint, and a bundle of some of them. */
export function makeBundle(
  entries: readonly Entry[],
  wanted: readonly number[],
  key: LogKey,
  gateway = "gw-7",
): Made {
  const watches = wanted.map((index) => new InclusionWatch(index, sha256));
  const tree = new MerkleTree(sha256);
  for (const watch of watches) tree.attach(watch);
  const leaves: Uint8Array[] = [];
  let prev: Uint8Array = new Uint8Array(32);
  for (const entry of entries) {
    const writer = new CborWriter(1024);
    encodeEntry(writer, entry, prev, STAMP);
    leaves.push(writer.copy());
    prev = sha256(Uint8Array.from([0, ...writer.copy()]));
    tree.push(prev);
  }
  const size = tree.size;
  const claim = {
    kid: sha256(key.spki),
    gateway,
    log: "log-0011",
    issuedUtcS: 1_790_000_000,
    size,
    previous: new Uint8Array(32).fill(2),
    boot: 1,
    counter: null,
    commitKey: null,
  };
  const draft = draftCheckpoint(claim, tree.root());
  const items = watches.map((watch) => {
    const path = watch.path(tree);
    const entry = leaves[watch.index];
    if (path === null || entry === undefined) throw new Error(`no path of ${watch.index}`);
    return { entry, proof: { size, index: watch.index, path } };
  });
  const bundle: ProofBundle = {
    checkpoint: finishCheckpoint(draft, key.sign(draft.toBeSigned), null),
    items,
    key: {
      spki: key.spki,
      certificates: [],
      endorsement: [],
      attestation: null,
      validSeq: null,
      software: true,
    },
    outside: [],
    profile: null,
    profileSignatures: [],
  };
  return { bundle };
}

export function check(
  bundle: ProofBundle | Uint8Array,
  by: {
    readonly trusted?: Uint8Array;
    readonly profile?: Uint8Array;
    readonly roots?: readonly Uint8Array[];
    readonly isStamped?: (token: Uint8Array) => boolean | null;
  } = {},
): BundleReport {
  return verifyBundle(bundle instanceof Uint8Array ? bundle : encodeBundle(bundle), {
    sha256,
    verifySignature,
    trusted: by.trusted === undefined ? null : [by.trusted],
    certificates: { reader: CERTIFICATES, roots: by.roots ?? null },
    profile: by.profile ?? null,
    isStamped: by.isStamped ?? null,
  });
}

export function verifySignature(
  spki: Uint8Array,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    const key = { key: Buffer.from(spki), format: "der", type: "spki" } as const;
    return verify("sha256", bytes, { ...key, dsaEncoding: "ieee-p1363" }, signature);
  } catch {
    return false;
  }
}

/** Lines of every check, as both verifiers print them. */
export function checkLines(report: BundleReport): readonly string[] {
  return report.checks.flatMap(({ status, label, looked, faults, why, note }) => {
    const line = `${status.padEnd(11)}  ${label}${looked === 0 ? "" : ` (${looked})`}${note === null ? "" : `; ${note}`}`;
    const more = faults > 1 ? ` (and ${faults - 1} more)` : "";
    return why === null ? [line] : [line, `             ${why}${more}`];
  });
}

export type PythonReport = {
  readonly code: number | null;
  readonly out: string;
  readonly lines: readonly string[];
};

/** The exported verifier over these bytes, by Debian's Python. */
export function checkByPython(
  bytes: Uint8Array,
  trusted?: Uint8Array,
  more: readonly string[] = [],
): PythonReport {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-proof-"));
  try {
    const file = join(folder, "proof.cbor");
    const key = join(folder, "key.der");
    writeFileSync(file, bytes);
    writeFileSync(key, trusted ?? new Uint8Array(0));
    return runPython([VERIFIER, file, ...(trusted === undefined ? [] : ["--trust", key]), ...more]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Exit code and lines of the Python verifier for each of these, in one process. */
export function checkManyByPython(
  bundles: readonly Uint8Array[],
): readonly (readonly [number, readonly string[]])[] {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-proofs-"));
  try {
    const files = bundles.map((bytes, at) => {
      writeFileSync(join(folder, String(at)), bytes);
      return join(folder, String(at));
    });
    const reports: unknown = JSON.parse(runPython([MANY, VERIFIER, ...files]).out);
    return listOf(reports).map((report) => {
      const [code, lines] = listOf(report);
      return [Number(code), listOf(lines).map(String)];
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value.map((one: unknown) => one) : [];
}

export function runPython(args: readonly string[]): PythonReport {
  const { status, stdout, stderr } = spawnSync("/usr/bin/python3", ["-B", ...args], {
    encoding: "utf8",
  });
  const out = `${stdout}${stderr}`;
  const lines = out
    .split("\n")
    .filter((line) => /^(?:PASS|FAIL|NOT PRESENT) {2}| {13}\S/.test(line));
  return { code: status, out, lines };
}

/** The steps of an export's README, in bash, in its folder. */
export function runSteps(
  directory: string,
  readme: string,
): { readonly status: number | null; readonly out: string } {
  const text = readFileSync(join(directory, readme), "utf8");
  const steps = [...text.matchAll(/```bash\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
  if (steps.length < 3) throw new Error(`${readme}: where are its steps?`);
  const args = ["-c", steps.join("\n")];
  const { status, stdout, stderr } = spawnSync("bash", args, { cwd: directory, encoding: "utf8" });
  return { status, out: `${stdout}${stderr}` };
}

/** Bits of a bundle, every `stride`th, whose change the Python verifier would accept; `trust` as for --trust. */
export function flipByPython(bundle: Uint8Array, stride: number, trust?: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-flips-"));
  try {
    const file = join(folder, "proof.cbor");
    writeFileSync(file, bundle);
    const named = trust === undefined ? "" : join(folder, "trust.pem");
    if (trust !== undefined) writeFileSync(named, trust);
    // The library may warn of a certificate; that comes behind it.
    const [first = ""] = runPython([FLIPS, VERIFIER, file, String(stride), named]).out.split("\n");
    return first;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
