import { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chooseThreads, SegmentChecking } from "../../src/cli/segment-checking.js";
import { recordSegment, type SegmentTape } from "../../src/evidence/segment-tape.js";
import { makeCorpus, makeCorpusKey, sha256 } from "../support/corpus.js";
import { readSegments, type Segments } from "../support/corpus-reading.js";

const SEED = 20_261_125;
const PROGRAM = new URL("../../dist/src/main-segment-checker.js", import.meta.url);
const PROFILE = readFileSync(new URL("../support/corpus-profile.yaml", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "holdpoint-threads-"));
const directory = join(folder, "log");
let segments: Segments = new Map();

beforeAll(async () => {
  if (!existsSync(fileURLToPath(PROGRAM))) {
    throw new Error("system tests run what was built: npm run build first");
  }
  mkdirSync(directory);
  const options = { profiles: [PROFILE], seed: SEED, commands: 600, segmentBytesMax: 40_000 };
  await makeCorpus({ directory, ...options, signer: makeCorpusKey().signer });
  segments = readSegments(directory);
}, 120_000);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const here = (name: string, isFirst: boolean): SegmentTape =>
  recordSegment({ name, bytes: segments.get(name) ?? new Uint8Array(0), isFirst }, sha256);

describe("segments checked in threads", () => {
  it("are told of in their order, in the same words as here", async () => {
    const names = [...segments.keys()];
    expect(names.length).toBeGreaterThan(5);
    const jobs = names.map((name, i) => ({ directory, name, isFirst: i === 0 }));
    const checking = new SegmentChecking(PROGRAM, jobs, 2);
    for (const [i, name] of names.entries()) {
      expect(await checking.take(name)).toEqual(structuredClone(here(name, i === 0)));
    }
    await checking.stop();
  });

  it("are left to the caller where a thread dies, and all where no thread is left", async () => {
    const [first = "", second = "", third = ""] = segments.keys();
    const missing = ["segment-9999999999999998.cborseq", "segment-9999999999999999.cborseq"];
    const names = [first, ...missing, second, third];
    const jobs = names.map((name) => ({ directory, name, isFirst: name === first }));
    const checking = new SegmentChecking(PROGRAM, jobs, 2);
    expect(await checking.take(first)).toEqual(structuredClone(here(first, true)));
    for (const name of missing) expect(await checking.take(name)).toBeNull();
    expect(await checking.take(second)).toBeNull();
    expect(await checking.take(third)).toBeNull();
    await checking.stop();
  });

  it("are so only where it is worth starting threads, and never in more than there are cores", () => {
    const large = 1e9;
    expect(chooseThreads(1, large, 8)).toBe(0);
    expect(chooseThreads(4, 1_000_000, 8)).toBe(0);
    expect(chooseThreads(4, large, 1)).toBe(0);
    expect(chooseThreads(4, large, 8)).toBe(4);
    expect(chooseThreads(400, large, 8)).toBe(8);
  });
});
