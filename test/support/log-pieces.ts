import { readCommit, type SignedCommit } from "../../src/evidence/commit.js";
import { FRAME_KIND, FrameReader, FrameWriter, type FrameKind } from "../../src/evidence/frame.js";
import { sha256 } from "./evidence-samples.js";

/** One frame of a log, to be put together anew. */
export type Piece = { readonly kind: FrameKind; readonly body: Uint8Array };

export function takeApart(log: Uint8Array): readonly Piece[] {
  const reader = new FrameReader(sha256);
  const pieces: Piece[] = [];
  for (let at = 0; at < log.length;) {
    const read = reader.read(log, at, log.length);
    if (read.kind !== "frame") throw new Error(`no frame at ${at}`);
    const { kind, bodyStart, bodyEnd, end } = read.frame;
    pieces.push({ kind, body: log.slice(bodyStart, bodyEnd) });
    at = end;
  }
  return pieces;
}

/** Every frame with the check that its body has now. */
export function putTogether(pieces: readonly Piece[]): Uint8Array {
  const frames = new FrameWriter();
  for (const { kind, body } of pieces) frames.put(kind, body, sha256(Uint8Array.of(kind, ...body)));
  return frames.bytes().slice();
}

/** Null: it is no signed commit. */
export function signedIn({ kind, body }: Piece): SignedCommit | null {
  const commit = kind === FRAME_KIND.commit ? readCommit(body) : null;
  return commit?.kind === "signed" ? commit : null;
}

/** Null: it is no root commit. */
export function rootIn({ kind, body }: Piece): Uint8Array | null {
  const commit = kind === FRAME_KIND.commit ? readCommit(body) : null;
  return commit?.kind === "root" ? commit.root : null;
}
