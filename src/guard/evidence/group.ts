import { FrameWriter } from "../../evidence/frame.js";
import type { Us } from "../../kernel/units.js";

/** Frames that go to disk in one write. */
export type Group = {
  readonly frames: FrameWriter;
  /** First seq of the segment that begins with this group. */
  opens: number | null;
  lastSeq: number;
  /** When its first entry came. */
  sinceUs: Us;
};

export function emptyGroup(): Group {
  return { frames: new FrameWriter(), opens: null, lastSeq: -1, sinceUs: 0 };
}
