import type { EvidenceStore } from "../ports.js";

/** A checkpoint that is on the disk: the exact bytes of its frame's body, and its size. */
export type DurableCheckpoint = { readonly body: Uint8Array; readonly size: number };

/** A log that tells how far it got, and of every checkpoint once that is durable. */
export type SignedStore = EvidenceStore & {
  /** Size of the newest checkpoint that is on the disk. */
  readonly signedSize: number;
  /** The key (SPKI) that signs from here on, and the one that waits to take over from it; null: none does. */
  readonly key: Uint8Array;
  readonly nextKey: Uint8Array | null;
  /** Bytes and groups that reached the disk in this run. */
  readonly written: { readonly bytes: number; readonly groups: number };
  readonly onCheckpoint: (run: (checkpoint: DurableCheckpoint) => void) => void;
};
