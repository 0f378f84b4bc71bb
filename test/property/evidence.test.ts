import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameReader } from "../../src/evidence/frame.js";
import { verifyConsistency } from "../../src/evidence/merkle-proof.js";
import { MerkleTree } from "../../src/evidence/merkle.js";
import { scanSegment } from "../../src/evidence/scan.js";
import { nameSegment } from "../../src/evidence/segment.js";
import { sampleLog, verifyFiles } from "../support/evidence-rig.js";
import { sha256 } from "../support/evidence-samples.js";
import { writeLog } from "../support/replayed-log.js";
import { share } from "../support/share.js";

/** The full counts take minutes on a busy machine. */
const SOAK = { timeout: 900_000 };

const SEED = 20_261_124;

describe("a log on disk", SOAK, () => {
  const log = writeLog(sampleLog(0, 40), 5);

  it("that was changed anywhere, in any way, never verifies", () => {
    const edit = fc.record({
      from: fc.nat(log.length - 1),
      removed: fc.integer({ min: 0, max: 400 }),
      added: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(edit, ({ from, removed, added }) => {
        const changed = Buffer.concat([
          log.subarray(0, from),
          added,
          log.subarray(Math.min(log.length, from + removed)),
        ]);
        if (changed.equals(log)) return;
        // Whole groups off the end are the one change that needs a checkpoint, or a witness, to be seen.
        if (changed.equals(log.subarray(0, changed.length))) return;
        expect(verifyFiles(new Map([[nameSegment(0), new Uint8Array(changed)]])).ok).toBe(false);
      }),
      { seed: SEED, numRuns: share(20_000, 300) },
    );
  });

  it("that is any bytes at all is scanned to its end, and no byte counts twice", () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 50 }),
      fc.constant(Uint8Array.of(0xd9, 0xd9, 0xf7, 0x83)),
      fc.nat(log.length).map((at) => log.slice(at, at + 300)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const bytes = new Uint8Array(Buffer.concat(pieces));
        let covered = 0;
        const scan = scanSegment(bytes, new FrameReader(sha256), {
          frame: (frame, offset) => {
            expect(offset).toBe(covered);
            covered = frame.end;
            return null;
          },
          gap: (offset, length) => {
            expect(offset).toBe(covered);
            covered += length;
          },
        });
        expect(covered).toBe(bytes.length);
        expect(scan.goodEnd).toBeLessThanOrEqual(bytes.length);
        expect(scan.found === "clean").toBe(scan.firstFault === null);
      }),
      { seed: SEED, numRuns: share(20_000, 1_000) },
    );
  });
});

describe("consistency proofs", SOAK, () => {
  it("made while the tree grows hold between any two sizes, and for no other root", () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 3000 }));
    const leaf = (index: number): Uint8Array =>
      sha256(Uint8Array.of(0, index & 0xff, (index >> 8) & 0xff));
    fc.assert(
      fc.property(sizes, ([first, more]) => {
        const tree = new MerkleTree(sha256);
        for (let i = 0; i < first; i += 1) tree.push(leaf(i));
        const root1 = tree.root();
        const watcher = tree.watch();
        for (let i = first; i < first + more; i += 1) tree.push(leaf(i));
        const proof = { size1: first, size2: first + more, path: tree.prove(watcher) };
        expect(verifyConsistency(proof, root1, tree.root(), sha256)).toBe(true);
        expect(verifyConsistency(proof, leaf(1), tree.root(), sha256)).toBe(false);
        expect(verifyConsistency(proof, root1, leaf(1), sha256)).toBe(false);
        for (let i = 0; i < proof.path.length; i += 1) {
          const path = proof.path.with(i, leaf(0));
          expect(verifyConsistency({ ...proof, path }, root1, tree.root(), sha256)).toBe(false);
        }
      }),
      { seed: SEED, numRuns: share(600, 60) },
    );
  });
});
