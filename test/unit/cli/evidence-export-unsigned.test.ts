import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportEvidence } from "../../../src/cli/evidence-export.js";
import { readEntries } from "../../../src/cli/evidence-files.js";
import { readCheckpoint } from "../../../src/evidence/checkpoint.js";
import { FRAME_KIND, FrameReader } from "../../../src/evidence/frame.js";
import { hex } from "../../../src/evidence/hex.js";
import { scanSegment } from "../../../src/evidence/scan.js";
import { makeCorpus, makeCorpusKey, sha256 } from "../../support/corpus.js";
import { readSegments } from "../../support/corpus-reading.js";
import { VERIFIER } from "../../support/proof-bundle.js";

const PROFILE = readFileSync(new URL("../../support/corpus-profile.yaml", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "holdpoint-unsigned-"));
const log = join(folder, "log");
let name = "";
let segment: Uint8Array = new Uint8Array(0);

type Signed = { readonly size: number; readonly end: number };
let checkpoints: readonly Signed[] = [];

beforeAll(async () => {
  mkdirSync(log);
  const { signer } = makeCorpusKey();
  const options = { directory: log, profiles: [PROFILE], seed: 20_261_123, commands: 200 };
  await makeCorpus({ ...options, segmentBytesMax: 4_000_000, signer });
  [[name, segment] = ["", segment]] = [...readSegments(log)];
  checkpoints = readCheckpoints(segment);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function readCheckpoints(bytes: Uint8Array): readonly Signed[] {
  const found: Signed[] = [];
  scanSegment(bytes, new FrameReader(sha256), {
    frame: ({ kind, bodyStart, bodyEnd, end }) => {
      const read =
        kind === FRAME_KIND.checkpoint ? readCheckpoint(bytes.slice(bodyStart, bodyEnd)) : null;
      if (read?.ok === true) found.push({ size: read.checkpoint.claim.size, end });
      return null;
    },
    gap: () => undefined,
  });
  return found;
}

/** The log as it was just before it signed once more. */
function cutBefore(checkpoint: number): string {
  const directory = join(folder, `cut-${checkpoint}`);
  mkdirSync(directory);
  const end = checkpoints[checkpoint]?.end ?? 0;
  writeFileSync(join(directory, name), segment.subarray(0, end - 1));
  return directory;
}

async function exportFrom(directory: string, seq: number): Promise<string> {
  let text = "";
  const sink = { write: (more: string) => void (text += more) };
  const out = join(directory, "proof.cbor");
  const flags = { receipt: false, withProfile: false, json: false, verifier: VERIFIER };
  await exportEvidence({ directory, seq, out, ...flags }, { out: sink, err: sink });
  return text;
}

describe("evidence export from a log whose newest entries are not signed yet", () => {
  it("refuses one of them, and says what is signed and when the rest will be", async () => {
    const directory = cutBefore(3);
    const size = checkpoints[2]?.size ?? 0;
    const refused = exportFrom(directory, size);
    const says = new RegExp(
      `entry ${size} is not signed yet: the newest checkpoint, of \\S+Z, covers entries up to ${size - 1}. A gateway that runs signs the rest within a second`,
    );
    await expect(refused).rejects.toThrow(says);
    await expect(refused).rejects.toMatchObject({ exitCode: 1 });
    expect(await exportFrom(directory, size - 1)).toContain(`${size - 1}`);
  });

  it("refuses all of them when nothing is signed", async () => {
    await expect(exportFrom(cutBefore(0), 1)).rejects.toThrow(
      /entry 1 is not signed yet, nor is any other/,
    );
  });

  it("proves a permit without its outcome when that one is not signed, and says so", async () => {
    const entries = readEntries(name, segment);
    const permits = new Map<string, number>();
    let tried = 0;
    for (const { entry } of entries) {
      const { body, seq } = entry;
      if (body.type === "decision") permits.set(hex(body.id), seq);
      if (body.type !== "outcome") continue;
      const permit = permits.get(hex(body.id)) ?? seq;
      const after = checkpoints.findIndex(({ size }) => size > seq);
      const before = checkpoints[after - 1];
      if (before === undefined || before.size <= permit || before.size > seq) continue;
      const said = await exportFrom(cutBefore(after), permit);
      expect(said).toContain(`outcome ${seq} is left out: it is not signed yet`);
      expect(said).not.toContain("Its outcome is not in the log");
      tried += 1;
      break;
    }
    expect(tried).toBe(1);
  });
});
