import { generateKeyPairSync, sign } from "node:crypto";
import {
  commitSigned,
  draftCommit,
  finishCommit,
  type SignedCommit,
} from "../../src/evidence/commit.js";
import { decodeEntry } from "../../src/evidence/decode-entry.js";
import { FRAME_KIND, FrameWriter } from "../../src/evidence/frame.js";
import { LogWriter } from "../../src/evidence/log-writer.js";
import type { Entry } from "../../src/kernel/record/entry.js";
import { sha256 } from "./evidence-samples.js";
import { rootIn, signedIn, takeApart } from "./log-pieces.js";

/** What becomes of the signed commits behind the newest checkpoint. */
export type SignedCommits = "kept" | "signed anew by another key" | "taken out";

/**
 * What somebody without any key makes of a log of one segment: entries changed, and chain, tree and root commits made
 * anew behind them. Checkpoints stay as they are, so nothing under one may be changed.
 */
export function rewriteTail(
  log: Uint8Array,
  change: (entry: Entry) => Entry,
  commits: SignedCommits,
): Uint8Array {
  const frames = new FrameWriter();
  const writer = new LogWriter(sha256);
  const roots = new Map<number, Uint8Array>();
  const pieces = takeApart(log);
  const newest = pieces.findLastIndex(({ kind }) => kind === FRAME_KIND.checkpoint);
  const signer = makeCommitSigner();
  pieces.forEach((piece, at) => {
    const signed = signedIn(piece);
    if (piece.kind === FRAME_KIND.leaf) {
      const read = decodeEntry(piece.body);
      if (!read.ok) throw new Error("no entry");
      writer.append(change(read.entry), read.stamp, frames);
    } else if (rootIn(piece) !== null) {
      roots.set(writer.tree.size, writer.commit(frames));
    } else if (signed === null) writer.checkpoint(frames, piece.body);
    else if (at < newest || commits === "kept") writer.signedCommit(frames, piece.body);
    else if (commits !== "taken out") writer.signedCommit(frames, signer(signed, roots));
  });
  return frames.bytes().slice();
}

/** Signs in the name of the interval's key, with another. */
function makeCommitSigner(): (
  commit: SignedCommit,
  roots: ReadonlyMap<number, Uint8Array>,
) => Uint8Array {
  const { privateKey } = generateKeyPairSync("ed25519");
  return ({ keyId, size }, roots) => {
    const protectedBytes = draftCommit(keyId, size);
    const root = roots.get(size) ?? new Uint8Array(32);
    return finishCommit(protectedBytes, sign(null, commitSigned(protectedBytes, root), privateKey));
  };
}
