import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { verifyConsistency, verifyInclusion } from "../../src/evidence/merkle-proof.js";
import { sha256 } from "../support/evidence-samples.js";
import { countVectors, vectorsDir } from "../support/vectors.js";

type Probe = {
  readonly desc: string;
  readonly wantErr: boolean;
  readonly proof: readonly string[] | null;
  readonly leafIdx?: number;
  readonly treeSize?: number;
  readonly root?: string;
  readonly leafHash?: string;
  readonly size1?: number;
  readonly size2?: number;
  readonly root1?: string;
  readonly root2?: string;
};

function isProbe(value: unknown): value is Probe {
  return typeof value === "object" && value !== null && "wantErr" in value && "desc" in value;
}

const decode = (text: string | null | undefined): Uint8Array =>
  new Uint8Array(Buffer.from(text ?? "", "base64"));

function probes(folder: string): readonly Probe[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".json"))
    .map((entry) => {
      const parsed: unknown = JSON.parse(readFileSync(join(entry.parentPath, entry.name), "utf8"));
      if (!isProbe(parsed)) throw new Error(`${entry.name} is no probe`);
      return parsed;
    });
}

describe("the proofs of transparency-dev", () => {
  it("are accepted or refused as they say", () => {
    const root = vectorsDir();
    if (root === undefined) {
      countVectors("merkle", 0);
      return;
    }
    const testdata = join(root, "merkle", "testdata");
    let ran = 0;
    for (const probe of probes(join(testdata, "inclusion"))) {
      const proof = {
        size: probe.treeSize ?? 0,
        index: probe.leafIdx ?? 0,
        path: (probe.proof ?? []).map(decode),
      };
      const ok = verifyInclusion(proof, decode(probe.leafHash), decode(probe.root), sha256);
      expect(ok, `inclusion: ${probe.desc}`).toBe(!probe.wantErr);
      ran += 1;
    }
    for (const probe of probes(join(testdata, "consistency"))) {
      const proof = {
        size1: probe.size1 ?? 0,
        size2: probe.size2 ?? 0,
        path: (probe.proof ?? []).map(decode),
      };
      const ok = verifyConsistency(proof, decode(probe.root1), decode(probe.root2), sha256);
      expect(ok, `consistency: ${probe.desc} ${probe.size1} ${probe.size2}`).toBe(!probe.wantErr);
      ran += 1;
    }
    expect(ran).toBeGreaterThan(150);
    countVectors("merkle", ran);
  });
});
