import { sigStructure } from "../../src/codec/cose/sign1.js";
import {
  draftCheckpoint,
  finishCheckpoint,
  readCheckpoint,
} from "../../src/evidence/checkpoint.js";
import { commitKeyId, encodeCommitKey } from "../../src/evidence/commit-key.js";
import { commitSigned, draftCommit, finishCommit, readCommit } from "../../src/evidence/commit.js";
import { decodeEntry } from "../../src/evidence/decode-entry.js";
import { FRAME_KIND, FrameReader, FrameWriter, type Frame } from "../../src/evidence/frame.js";
import { LogWriter } from "../../src/evidence/log-writer.js";
import type { ConsistencyProof } from "../../src/evidence/merkle-proof.js";
import type { Consistency } from "../../src/evidence/merkle.js";
import { linkNotice, readLink } from "../../src/evidence/segment.js";
import type { Entry } from "../../src/kernel/record/entry.js";
import { makeCommitKey } from "./commit-keys.js";
import { sha256 } from "./corpus.js";
import type { Segments } from "./corpus-reading.js";

/** Where a frame stands; `seq`: number of entries before it. */
export type FramePlace = {
  readonly segment: string;
  readonly offset: number;
  readonly end: number;
  readonly seq: number;
};

export function framesOf(segments: Segments): readonly FramePlace[] {
  const places: FramePlace[] = [];
  let seq = 0;
  for (const [segment, bytes] of segments) {
    eachFrame(bytes, (frame, offset) => {
      places.push({ segment, offset, end: frame.end, seq });
      if (frame.kind === FRAME_KIND.leaf) seq += 1;
    });
  }
  return places;
}

/**
 * What somebody who holds the key can do: entries changed as they like, and chain, tree, commits, segment
 * links and checkpoints all made anew over them, so that nothing but the content can give it away. With
 * `spki`, checkpoints and links name that key.
 */
export function forgeLog(
  segments: Segments,
  sign: (bytes: Uint8Array) => Uint8Array,
  change: (entry: Entry) => Entry,
  spki: Uint8Array | null = null,
): Segments {
  const forging = new Forging({ sign, spki, change }, signedSizes(segments));
  return new Map(
    [...segments].map(([name, bytes]) => {
      const frames = new FrameWriter();
      eachFrame(bytes, (frame) => {
        forging.frame(bytes, frame, frames);
      });
      return [name, frames.bytes().slice()];
    }),
  );
}

type Root = { readonly root: Uint8Array; readonly proof: ConsistencyProof | null };

type Forger = {
  readonly sign: (bytes: Uint8Array) => Uint8Array;
  readonly spki: Uint8Array | null;
  readonly change: (entry: Entry) => Entry;
};

class Forging {
  readonly #writer = new LogWriter(sha256);
  readonly #by: Forger;
  readonly #signedSizes: ReadonlySet<number>;
  readonly #roots = new Map<number, Root>();
  readonly #commits = new Map<number, Uint8Array>();
  readonly #commitKey = makeCommitKey();
  #watcher: Consistency | null = null;
  #newest: { readonly hash: Uint8Array; readonly size: number } | null = null;

  constructor(by: Forger, sizes: ReadonlySet<number>) {
    this.#by = by;
    this.#signedSizes = sizes;
  }

  frame(bytes: Uint8Array, frame: Frame, frames: FrameWriter): void {
    const body = bytes.subarray(frame.bodyStart, frame.bodyEnd);
    switch (frame.kind) {
      case FRAME_KIND.leaf:
        this.#leaf(body, frames);
        return;
      case FRAME_KIND.commit:
        this.#commit(body, frames);
        return;
      case FRAME_KIND.checkpoint:
        this.#checkpoint(body, frames);
    }
  }

  #leaf(body: Uint8Array, frames: FrameWriter): void {
    const read = decodeEntry(body);
    if (!read.ok) throw new Error("not an entry");
    const { entry, stamp } = read;
    const link = readLink(entry.body);
    if (link === null) {
      this.#writer.append(this.#by.change(entry), stamp, frames);
      return;
    }
    const { tree, last } = this.#writer;
    const key = this.#by.spki ?? link.key;
    const there = { root: tree.root(), peaks: tree.peaks(), last, checkpoint: this.#newest, key };
    this.#writer.append({ ...entry, body: linkNotice({ ...link, ...there }) }, stamp, frames);
  }

  #commit(body: Uint8Array, frames: FrameWriter): void {
    const { tree } = this.#writer;
    const commit = readCommit(body);
    if (commit?.kind === "signed") {
      this.#signedCommit(commit.size, frames);
      return;
    }
    const root = this.#writer.commit(frames);
    this.#commits.set(tree.size, root);
    if (!this.#signedSizes.has(tree.size) || this.#roots.has(tree.size)) return;
    const watcher = this.#watcher;
    const proof =
      watcher === null
        ? null
        : { size1: watcher.size, size2: tree.size, path: tree.prove(watcher) };
    if (watcher !== null) tree.forget(watcher);
    this.#watcher = tree.watch();
    this.#roots.set(tree.size, { root, proof });
  }

  /** By a key of the forger's own, which each checkpoint names where it named one. */
  #signedCommit(size: number, frames: FrameWriter): void {
    const { publicKey, signNow } = this.#commitKey;
    const protectedBytes = draftCommit(commitKeyId(encodeCommitKey(publicKey), sha256), size);
    const root = this.#commits.get(size) ?? new Uint8Array(32);
    const signature = signNow(commitSigned(protectedBytes, root));
    this.#writer.signedCommit(frames, finishCommit(protectedBytes, signature));
  }

  #checkpoint(body: Uint8Array, frames: FrameWriter): void {
    const read = readCheckpoint(body);
    if (!read.ok) throw new Error(read.why);
    const { claim } = read.checkpoint;
    const signed = this.#roots.get(claim.size);
    if (signed === undefined) throw new Error(`no commit at ${claim.size}`);
    const previous = this.#newest?.hash ?? new Uint8Array(32);
    const kid = this.#by.spki === null ? claim.kid : sha256(this.#by.spki);
    const commitKey = claim.commitKey === null ? null : encodeCommitKey(this.#commitKey.publicKey);
    const draft = draftCheckpoint({ ...claim, previous, kid, commitKey }, signed.root);
    const hash = sha256(sigStructure(draft.protectedBytes, draft.root));
    this.#newest = { hash, size: claim.size };
    const signature = this.#by.sign(draft.toBeSigned);
    this.#writer.checkpoint(frames, finishCheckpoint(draft, signature, signed.proof));
  }
}

function signedSizes(segments: Segments): ReadonlySet<number> {
  const sizes = new Set<number>();
  for (const bytes of segments.values()) {
    eachFrame(bytes, (frame) => {
      if (frame.kind !== FRAME_KIND.checkpoint) return;
      const read = readCheckpoint(bytes.slice(frame.bodyStart, frame.bodyEnd));
      if (read.ok) sizes.add(read.checkpoint.claim.size);
    });
  }
  return sizes;
}

function eachFrame(bytes: Uint8Array, visit: (frame: Frame, offset: number) => void): void {
  const reader = new FrameReader(sha256);
  for (let at = 0; at < bytes.length;) {
    const read = reader.read(bytes, at, bytes.length);
    if (read.kind !== "frame") throw new Error(`no frame at ${at}`);
    visit(read.frame, at);
    at = read.frame.end;
  }
}
