import type { AnchorBody, EntryBody, NoticeBody, NoticeValue } from "../kernel/record/entry.js";
import type { Sha256 } from "./frame.js";
import { ones } from "./merkle.js";
import { splitParts } from "./parts.js";

/** A segment is refused beyond this; the writer rotates long before. */
export const SEGMENT_BYTES_MAX: number = 256 * 1024 * 1024;

/**
 * What the first entry of every later segment says about all before it, so that the log can be continued,
 * and checked, where older segments are gone. The segment before also proves it, while it is there.
 */
export type SegmentLink = {
  /** Leaves before this segment: also the seq of the link entry. */
  readonly size: number;
  readonly root: Uint8Array;
  /** Roots of the perfect subtrees, largest first; together they give `root`. */
  readonly peaks: readonly Uint8Array[];
  /** Leaf hash of the last entry before. */
  readonly last: Uint8Array;
  readonly log: string;
  /** Of the newest checkpoint before: SHA-256 of its Sig_structure, and its size; null: there is none. */
  readonly checkpoint: { readonly hash: Uint8Array; readonly size: number } | null;
  /** Key (SPKI) that signs checkpoints from here on: its own entry may be in a segment that is gone. */
  readonly key: Uint8Array;
  /** Entries that damage destroyed just before; their leaf hashes count as zeros where no successor names them. */
  readonly lost: number;
  /** Digests of the profiles whose exact bytes the log holds, newest last. */
  readonly profiles: readonly Uint8Array[];
  /** Newest checkpoint before with a TPM's counter, and newest anchor before: what a boot holds against the TPM. */
  readonly counted: Uint8Array | null;
  readonly anchor: AnchorBody | null;
  /** SHA-256 of the newest time stamp before, which checkpoints go on naming; null, or left out: there is none. */
  readonly token?: Uint8Array | null;
};

const WHAT = "segment-link";
const PROFILES_MAX = 64;

export function linkNotice(link: SegmentLink): NoticeBody {
  const details = new Map<string, NoticeValue>([
    ["size", link.size],
    ["root", link.root],
    ["peaks", concatenate(link.peaks)],
    ["last", link.last],
    ["log", link.log],
    ["checkpoint", link.checkpoint?.hash ?? null],
    ["checkpoint-size", link.checkpoint?.size ?? null],
    ["key", link.key],
    ["lost", link.lost],
    ["profiles", concatenate(link.profiles.slice(-PROFILES_MAX))],
    ["counted", link.counted],
    ["anchor", link.anchor?.token ?? null],
    ["anchor-size", link.anchor?.size ?? null],
    ["anchor-signature", link.anchor?.signature ?? null],
  ]);
  if (link.token != null) details.set("token", link.token);
  return { type: "notice", what: WHAT, details };
}

export function isLinkNotice(body: EntryBody): body is NoticeBody {
  return body.type === "notice" && body.what === WHAT;
}

/** Null: not one, or not one this version understands. */
export function readLink(body: EntryBody): SegmentLink | null {
  if (!isLinkNotice(body) || body.details === null) return null;
  const of = body.details;
  const size = of.get("size");
  const root = of.get("root");
  const last = of.get("last");
  const peaks = splitHashes(of.get("peaks"));
  const profiles = splitHashes(of.get("profiles"));
  const key = of.get("key");
  const log = of.get("log");
  const lost = of.get("lost");
  const checkpoint = readCheckpointLink(of.get("checkpoint"), of.get("checkpoint-size"));
  if (!isCount(size) || !isHash(root) || !isHash(last) || peaks === null || profiles === null) {
    return null;
  }
  if (typeof log !== "string" || !(key instanceof Uint8Array) || !isCount(lost)) return null;
  const standing = readStanding(of);
  if (checkpoint === undefined || standing === null || peaks.length !== ones(size)) return null;
  return { size, root, peaks, last, log, checkpoint, key, lost, profiles, ...standing };
}

/** Details of every link; one more where there is a time stamp. */
const DETAILS = 14;

/** What opens a new segment, in order: the link, then the kernel state (in parts where it is long). */
export function segmentOpening(
  link: SegmentLink,
  snapshot: {
    readonly semantics: number;
    readonly profile: Uint8Array;
    readonly state: Uint8Array;
    readonly foldedTo: number;
  },
  sha256: Sha256,
): readonly EntryBody[] {
  return [
    linkNotice(link),
    ...splitParts(snapshot.state, sha256).map((state) => ({
      type: "snapshot" as const,
      semantics: snapshot.semantics,
      profile: snapshot.profile,
      state,
      foldedTo: snapshot.foldedTo,
    })),
  ];
}

/** `segment-<seq of its first entry>.cborseq`, sorted by name as by seq. */
export function nameSegment(firstSeq: number): string {
  return `segment-${firstSeq.toString().padStart(16, "0")}.cborseq`;
}

/** First seq of a segment file; null: the name of something else. */
export function readSegmentName(name: string): number | null {
  const match = /^segment-(\d{16})\.cborseq$/.exec(name);
  return match === null ? null : Number(match[1]);
}

function readCheckpointLink(
  hash: NoticeValue | undefined,
  size: NoticeValue | undefined,
): SegmentLink["checkpoint"] | undefined {
  if (hash === null && size === null) return null;
  return isHash(hash) && isCount(size) ? { hash, size } : undefined;
}

function readStanding(
  of: ReadonlyMap<string, NoticeValue>,
): Pick<SegmentLink, "counted" | "anchor" | "token"> | null {
  const token = readToken(of);
  if (token === undefined) return null;
  const [counted, attest] = [of.get("counted"), of.get("anchor")];
  const [size, signature] = [of.get("anchor-size"), of.get("anchor-signature")];
  if (!(counted instanceof Uint8Array || counted === null)) return null;
  if (attest === null && size === null && signature === null)
    return { counted, anchor: null, token };
  if (!(attest instanceof Uint8Array && signature instanceof Uint8Array && isCount(size))) {
    return null;
  }
  const anchor = { type: "anchor", kind: "nv-certify", token: attest, size, signature } as const;
  return { counted, anchor, token };
}

/** Null: there is none; undefined: something else. */
function readToken(of: ReadonlyMap<string, NoticeValue>): Uint8Array | null | undefined {
  const token = of.get("token");
  if (token === undefined) return of.size === DETAILS ? null : undefined;
  return isHash(token) && of.size === DETAILS + 1 ? token : undefined;
}

function concatenate(hashes: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(hashes.length * 32);
  hashes.forEach((hash, i) => {
    bytes.set(hash, i * 32);
  });
  return bytes;
}

function splitHashes(bytes: NoticeValue | undefined): readonly Uint8Array[] | null {
  if (!(bytes instanceof Uint8Array) || bytes.length % 32 !== 0) return null;
  return Array.from({ length: bytes.length / 32 }, (_, i) => bytes.slice(i * 32, i * 32 + 32));
}

function isHash(value: NoticeValue | undefined): value is Uint8Array {
  return value instanceof Uint8Array && value.length === 32;
}

function isCount(value: NoticeValue | undefined): value is number {
  return typeof value === "number" && value >= 0;
}
