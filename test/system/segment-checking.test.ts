import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chooseThreads, SegmentChecking } from "../../src/cli/segment-checking.js";
import { verifyEvidence } from "../../src/cli/evidence-verify.js";
import { FrameWriter } from "../../src/evidence/frame.js";
import { LogWriter } from "../../src/evidence/log-writer.js";
import { nameSegment, segmentOpening } from "../../src/evidence/segment.js";
import { hex } from "../../src/evidence/hex.js";
import { replaySegment, type SegmentFound } from "../../src/evidence/segment-replay.js";
import { recordSegment } from "../../src/evidence/segment-tape.js";
import type { CompiledProfile } from "../../src/kernel/profile/compiled.js";
import type { EntryBody } from "../../src/kernel/record/entry.js";
import { compileCorpus, makeCorpus, makeCorpusKey, sha256 } from "../support/corpus.js";
import { readSegments, type Segments } from "../support/corpus-reading.js";
import {
  bootBody,
  decisionBody,
  entryOf,
  outcomeBody,
  STAMP,
} from "../support/evidence-samples.js";

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

const here = (name: string, isFirst: boolean): SegmentFound => ({
  tape: recordSegment({ name, bytes: segments.get(name) ?? new Uint8Array(0), isFirst }, sha256),
  replayed: null,
});

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

  it("are replayed there as here, when they are told the profiles of the log [HP-180 allows]", async () => {
    const profile = compileCorpus(PROFILE);
    const names = [...segments.keys()];
    const jobs = names.map((name, i) => ({ directory, name, isFirst: i === 0 }));
    const models = new Map([[hex(profile.model.digest), profile.model]]);
    const checking = new SegmentChecking(PROGRAM, jobs, 2, models);
    const profileOf = (digest: Uint8Array): CompiledProfile | null =>
      hex(digest) === hex(profile.model.digest) ? profile : null;
    let replayed = 0;
    for (const [i, name] of names.entries()) {
      const bytes = segments.get(name) ?? new Uint8Array(0);
      const expected = replaySegment({ name, bytes, isFirst: i === 0 }, { sha256, profileOf });
      expect(await checking.take(name)).toEqual(structuredClone(expected));
      replayed += expected.replayed?.counts.secondLooks ?? 0;
    }
    await checking.stop();
    expect(replayed).toBeGreaterThan(20);
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

  it("are so only where it is worth starting threads, and in no more than the machine can bear", () => {
    const large = 1e9;
    const spare = { cores: 8, memoryBytes: 64e9 };
    expect(chooseThreads(1, large, spare)).toBe(0);
    expect(chooseThreads(4, 1_000_000, spare)).toBe(0);
    expect(chooseThreads(4, large, { ...spare, cores: 1 })).toBe(0);
    expect(chooseThreads(4, large, { ...spare, memoryBytes: 3e8 })).toBe(0);
    expect(chooseThreads(4, large, spare)).toBe(4);
    expect(chooseThreads(400, large, spare)).toBe(8);
    expect(chooseThreads(400, large, { ...spare, memoryBytes: 1e9 })).toBe(3);
  });
});

describe("evidence verify of a long log", () => {
  const long = join(folder, "long");
  const verify = async (
    checker?: URL,
    replay = false,
  ): Promise<{ readonly out: string; readonly err: string }> => {
    let [out, err] = ["", ""];
    const command = { directory: long, replay, profile: null, trust: null, json: true };
    await verifyEvidence(
      { ...command, checker },
      {
        out: { write: (text) => void (out += text) },
        err: { write: (text) => void (err += text) },
      },
    );
    return { out, err };
  };

  it("reports the same from threads as without, whole and damaged, and nothing beside it", async () => {
    const files = writeLongLog(3, 12_000);
    mkdirSync(long);
    for (const [name, content] of files) writeFileSync(join(long, name), content);
    expect([...files.values()].reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(9e6);
    const whole = await verify(PROGRAM);
    expect(whole).toEqual(await verify());
    expect(whole.err).toBe("");
    expect(JSON.parse(whole.out)).toMatchObject({ ok: true, segments: 3 });
    // Of no profile that it holds: what a replay can say is the same too.
    expect(await verify(PROGRAM, true)).toEqual(await verify(undefined, true));
    const [, name = ""] = files.keys();
    const content = files.get(name)?.slice() ?? new Uint8Array(0);
    content[1_000_000] = (content[1_000_000] ?? 0) ^ 1;
    writeFileSync(join(long, name), content);
    const damaged = await verify(PROGRAM);
    expect(damaged).toEqual(await verify());
    expect(JSON.parse(damaged.out)).toMatchObject({ ok: false, segments: 3 });
  });
});

/** Segments of so many commands each, every one with its outcome, without a signature. */
function writeLongLog(count: number, commands: number): ReadonlyMap<string, Uint8Array> {
  const writer = new LogWriter(sha256);
  const files = new Map<string, Uint8Array>();
  for (let i = 0; i < count; i += 1) {
    const frames = new FrameWriter();
    const { size } = writer.tree;
    const add = (body: EntryBody): void => {
      writer.append(entryOf(body, writer.tree.size), STAMP, frames);
    };
    const position = { size, root: writer.tree.root(), peaks: writer.tree.peaks() };
    const rest = {
      log: "long",
      checkpoint: null,
      key: new Uint8Array(91),
      lost: 0,
      profiles: [],
      counted: null,
      anchor: null,
    };
    const link = { ...position, last: writer.last, ...rest };
    const state = { semantics: 1, profile: new Uint8Array(32), state: new Uint8Array(9) };
    if (i === 0) add(bootBody(1));
    else
      for (const body of segmentOpening(link, { ...state, foldedTo: size - 1 }, sha256)) add(body);
    for (let n = 0; n < commands; n += 1) {
      add(decisionBody(n % 256));
      add(outcomeBody(n % 256));
      if (n % 8 === 7) writer.commit(frames);
    }
    writer.commit(frames);
    files.set(nameSegment(size), frames.bytes().slice());
  }
  return files;
}
