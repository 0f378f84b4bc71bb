import type { LogWriter } from "../../evidence/log-writer.js";
import type { SegmentLink } from "../../evidence/segment.js";
import type { AnchorBody } from "../../kernel/record/entry.js";
import type { Us } from "../../kernel/units.js";
import type { Clock, EvidenceDisk } from "../ports.js";
import type { Checkpointer } from "./checkpointer.js";
import type { OpenSegment, Reserve } from "./segment-files.js";

/** What a store of the log is made of: where the log stands, and what it works with. */
export type StoreOptions = {
  readonly disk: EvidenceDisk;
  readonly clock: Clock;
  readonly bootId: Uint8Array;
  readonly boot: number;
  readonly writer: LogWriter;
  /** The segment to continue; null: the next entry must be a segment link. */
  readonly segment: OpenSegment | null;
  readonly segmentBytesMax: number;
  /** What is on the disk for when it is full. */
  readonly reserve: Reserve;
  /** How long an entry may wait for others before they are written; 0: no longer than the disk takes for those before. */
  readonly commitEveryUs: Us;
  /** Size of the newest checkpoint on the disk. */
  readonly covered: number;
  readonly log: string | null;
  readonly profiles: readonly Uint8Array[];
  readonly anchor: AnchorBody | null;
  /** SHA-256 of the newest time stamp in the log; null: there is none. */
  readonly token: Uint8Array | null;
  readonly rotate: (link: SegmentLink, nextKey: Uint8Array | null) => void;
  readonly report: (text: string) => void;
  readonly checkpointer: (store: {
    readonly log: () => string;
    readonly token: () => Uint8Array | null;
    readonly ready: () => void;
    readonly due: () => void;
  }) => Checkpointer;
};
