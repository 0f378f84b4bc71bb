import { describe, expect, it } from "vitest";
import {
  FRAME_KIND,
  FrameReader,
  FrameWriter,
  type FrameKind,
} from "../../../src/evidence/frame.js";
import { nameSegment } from "../../../src/evidence/segment.js";
import type { VerifyReport } from "../../../src/evidence/verify.js";
import { ForgetfulDisk } from "../../support/evidence-disk.js";
import {
  appendAll,
  failed,
  openOn,
  sampleLog,
  settle,
  verifyFiles,
} from "../../support/evidence-rig.js";
import { bytes, entryOf, sha256 } from "../../support/evidence-samples.js";
import { writeLog } from "../../support/replayed-log.js";

const FIRST = nameSegment(0);

/** 24 entries under 3 checkpoints. */
async function makeLog(): Promise<Uint8Array> {
  const disk = new ForgetfulDisk();
  const { store, clock } = await openOn(disk);
  const log = sampleLog(0, 24);
  for (let i = 0; i < 24; i += 8) {
    appendAll(store, log.slice(i, i + 8));
    await settle(20);
    clock.advance(1_000_000);
    await settle(20);
  }
  await store.close();
  return disk.files().get(FIRST) ?? new Uint8Array(0);
}

const LOG = await makeLog();

function verifyOne(log: Uint8Array): VerifyReport {
  return verifyFiles(new Map([[FIRST, log]]));
}

type Piece = { readonly kind: FrameKind; readonly body: Uint8Array; readonly whole: Uint8Array };

function split(log: Uint8Array): readonly Piece[] {
  const reader = new FrameReader(sha256);
  const pieces: Piece[] = [];
  for (let at = 0; at < log.length;) {
    const read = reader.read(log, at, log.length);
    if (read.kind !== "frame") throw new Error("the sample log is broken");
    const { kind, bodyStart, bodyEnd, end } = read.frame;
    pieces.push({ kind, body: log.slice(bodyStart, bodyEnd), whole: log.slice(at, end) });
    at = end;
  }
  return pieces;
}

const join = (pieces: readonly Piece[]): Uint8Array =>
  new Uint8Array(Buffer.concat(pieces.map(({ whole }) => whole)));

/** The frame with its body changed and its check made right again: what only the next check can find. */
function reframe(piece: Piece, change: (body: Uint8Array) => Uint8Array): Piece {
  const body = change(piece.body.slice());
  const writer = new FrameWriter();
  writer.put(piece.kind, body, sha256(Uint8Array.of(piece.kind, ...body)));
  return { kind: piece.kind, body, whole: writer.bytes().slice() };
}

function withBody(
  kind: FrameKind,
  at: number,
  change: (body: Uint8Array) => Uint8Array,
): Uint8Array {
  let seen = -1;
  return join(
    split(LOG).map((piece) => {
      if (piece.kind === kind) seen += 1;
      return piece.kind === kind && seen === at ? reframe(piece, change) : piece;
    }),
  );
}

const flipLast = (body: Uint8Array): Uint8Array => {
  body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
  return body;
};

/** Thousands of verifications of one log: seconds, but minutes on a busy machine. */
describe("verification", { timeout: 300_000 }, () => {
  it("passes a log as it was written, and says what it did not meet [HP-072 allows] [HP-073 allows]", () => {
    const report = verifyOne(LOG);
    expect(failed(report)).toEqual([]);
    const notPresent = report.checks.filter(({ status }) => status === "NOT PRESENT");
    expect(notPresent.map(({ id }) => id)).toEqual([
      "keys",
      "counters",
      "held",
      "parts",
      "safe-steps",
      "anchors",
      "anchor-signatures",
      "stamps",
      "stamp-signatures",
      "tokens",
      "verdicts",
      "facts",
    ]);
    expect(report.keyKinds).toEqual(["file"]);
  });

  it("fails an empty log", () => {
    expect(verifyOne(new Uint8Array(0)).ok).toBe(false);
    expect(verifyFiles(new Map()).ok).toBe(false);
  });

  it("reports every flipped bit of every byte, with the frame it is in [HP-077]", () => {
    const starts: number[] = [];
    for (const piece of split(LOG)) starts.push((starts.at(-1) ?? 0) + piece.whole.length);
    for (let at = 0; at < LOG.length; at += 1) {
      const flipped = LOG.slice();
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at & 7));
      const report = verifyOne(flipped);
      expect(report.ok, `byte ${at}`).toBe(false);
      const first = report.checks.find(({ id }) => id === "frames")?.first;
      const frameStart = starts.filter((start) => start <= at).at(-1) ?? 0;
      expect(first?.place).toMatchObject({ segment: FIRST, offset: frameStart });
    }
  });

  it("reports a log that was cut anywhere but between frames", () => {
    for (let length = 1; length < LOG.length; length += 7) {
      const isWhole = verifyOne(LOG.slice(0, length)).checks[0]?.status === "PASS";
      const ends = split(LOG).reduce<number[]>(
        (list, piece) => [...list, (list.at(-1) ?? 0) + piece.whole.length],
        [],
      );
      expect(isWhole).toBe(ends.includes(length));
    }
  });

  it("finds an entry that was left out, doubled, or moved [HP-072 refuses]", () => {
    const pieces = split(LOG);
    const leaves = pieces.flatMap(({ kind }, i) => (kind === FRAME_KIND.leaf ? [i] : []));
    const [at = 0] = leaves.slice(5);
    const out = join(pieces.filter((_, i) => i !== at));
    expect(failed(verifyOne(out))).toContain("order");
    const doubled = join(pieces.flatMap((piece, i) => (i === at ? [piece, piece] : [piece])));
    expect(failed(verifyOne(doubled))).toContain("order");
    const swapped = [...pieces];
    const [a, b] = [pieces[at], pieces[at + 1]];
    if (a === undefined || b === undefined) throw new Error("too short");
    swapped[at] = b;
    swapped[at + 1] = a;
    expect(failed(verifyOne(join(swapped)))).toContain("order");
  });

  it("finds an entry whose content was changed and whose check was made right again [HP-072 refuses]", () => {
    const changed = withBody(FRAME_KIND.leaf, 6, (body) => {
      // The wall time, in the stamp: a number more or less breaks no form.
      const stamp = Buffer.from(body).indexOf(Buffer.from("851b0006", "hex"));
      body[stamp + 9] = (body[stamp + 9] ?? 0) ^ 1;
      return body;
    });
    const ids = failed(verifyOne(changed));
    expect(ids).not.toContain("frames");
    expect(ids).not.toContain("entries");
    expect(ids).toEqual(expect.arrayContaining(["chain", "commits", "checkpoint-roots"]));
  });

  it("finds an entry that is no entry", () => {
    const changed = withBody(FRAME_KIND.leaf, 6, (body) => body.slice(0, -1));
    expect(failed(verifyOne(changed))).toContain("entries");
  });

  it("finds a commit with another root", () => {
    expect(failed(verifyOne(withBody(FRAME_KIND.commit, 1, flipLast)))).toContain("commits");
  });

  it("finds a checkpoint with another signature [HP-073 refuses]", () => {
    const report = verifyOne(withBody(FRAME_KIND.checkpoint, 1, flipLast));
    // What it says of the key of the commits after it counts for nothing then.
    expect(failed(report)).toEqual(["signed-commits", "signatures"]);
  });

  it("finds any byte of a checkpoint changed, though its check was made right again", () => {
    const checkpoint = split(LOG).filter(({ kind }) => kind === FRAME_KIND.checkpoint)[1];
    if (checkpoint === undefined) throw new Error("no checkpoint");
    for (let at = 0; at < checkpoint.body.length; at += 1) {
      const changed = withBody(FRAME_KIND.checkpoint, 1, (body) => {
        body[at] = (body[at] ?? 0) ^ 1;
        return body;
      });
      expect(verifyOne(changed).ok, `byte ${at}`).toBe(false);
    }
  });

  it("finds a checkpoint that was left out", () => {
    const pieces = split(LOG);
    const at = pieces.findIndex(({ kind }) => kind === FRAME_KIND.checkpoint);
    expect(failed(verifyOne(join(pieces.filter((_, i) => i !== at))))).toContain(
      "checkpoint-chain",
    );
  });

  it("finds checkpoints signed by a key the log does not name", () => {
    const pieces = split(LOG);
    const withoutKey = writeLog(
      sampleLog(0, 24).map((entry, i) =>
        i === 1 ? entryOf({ type: "site", digest: bytes(32, 1), event: "seen" }, 1) : entry,
      ),
    );
    const checkpoints = pieces.filter(({ kind }) => kind === FRAME_KIND.checkpoint);
    const log = new Uint8Array([...withoutKey, ...join(checkpoints)]);
    const signatures = verifyOne(log).checks.find(({ id }) => id === "signatures");
    expect(signatures?.first?.why).toContain("the log names no such key");
  });

  it("says how many of the newest entries no checkpoint covers", () => {
    const pieces = split(LOG);
    const at = pieces.findIndex(({ kind }) => kind === FRAME_KIND.checkpoint);
    const cut = pieces.filter(({ kind }, i) => i <= at || kind !== FRAME_KIND.checkpoint);
    const isRoot = ({ kind, body }: Piece): boolean =>
      kind !== FRAME_KIND.commit || body.length === 34;
    const bare = join(cut.filter((piece, i) => i <= at || isRoot(piece)));
    expect(verifyOne(bare)).toMatchObject({ ok: true, uncovered: 16, underSignedCommit: 0 });
    const upToSigned = join(
      cut.slice(0, cut.findIndex((piece, i) => i > at && !isRoot(piece)) + 1),
    );
    expect(verifyOne(upToSigned)).toMatchObject({ ok: true, uncovered: 8, underSignedCommit: 0 });
  });
});
