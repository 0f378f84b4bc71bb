import { readCheckpoint, type Checkpoint } from "../evidence/checkpoint.js";
import { decodeEntry, mayBeOfType } from "../evidence/decode-entry.js";
import { FRAME_KIND, FrameReader } from "../evidence/frame.js";
import { bytesInLog, OUTSIDE_MAX, type Outside } from "../evidence/outside.js";
import { scanSegment } from "../evidence/scan.js";
import { findFault } from "../evidence/verify-outside.js";
import type { AnchorBody } from "../kernel/record/entry.js";
import { readSegment, sha256 } from "./evidence-files.js";
import { Refusal } from "./output.js";

/** What a person wants the checkpoint of an export to have; neither: the first that covers what is exported. */
export type OutsideWish = { readonly anchored: boolean; readonly stamped: boolean };

export const NO_WISH: OutsideWish = { anchored: false, stamped: false };

type Kind = AnchorBody["kind"];

/** So many checkpoints with outside evidence of a kind are looked at, the first ones. */
const SIZES_MAX = 64;
/** Of so many it is known that there is evidence of a kind: one an hour for seven years. */
const KNOWN_MAX = 65_536;
/** Over one checkpoint so many of a kind are kept: two kinds can be good, and a bundle brings them all. */
const EACH_MAX = OUTSIDE_MAX / 2;

type Kept = { readonly place: number; readonly body: AnchorBody };

type OfKind = {
  readonly known: Set<number>;
  /** Those with the smallest sizes. */
  readonly bySize: Map<number, Kept[]>;
};

/** Outside evidence that a log holds over checkpoints that may cover what is exported; memory does not grow with the log. */
export class OutsideWatch {
  private readonly kinds = new Map<Kind, OfKind>();
  private beyond = 0;
  private met = 0;

  /** Only checkpoints over more than so many entries count from now on. */
  over(size: number): void {
    this.beyond = Math.max(this.beyond, size);
    for (const { known, bySize } of this.kinds.values()) {
      for (const size of known) if (size <= this.beyond) known.delete(size);
      for (const size of bySize.keys()) if (size <= this.beyond) bySize.delete(size);
    }
  }

  anchor(body: AnchorBody): void {
    const { kind, size } = body;
    if (size <= this.beyond) return;
    const of = this.kinds.get(kind) ?? { known: new Set(), bySize: new Map<number, Kept[]>() };
    this.kinds.set(kind, of);
    if (of.known.size < KNOWN_MAX) of.known.add(size);
    const kept = of.bySize.get(size) ?? [];
    of.bySize.set(size, kept);
    if (kept.length < EACH_MAX) kept.push({ place: (this.met += 1), body });
    if (of.bySize.size > SIZES_MAX) of.bySize.delete(Math.max(...of.bySize.keys()));
  }

  /** In the order of the log. */
  at(size: number): readonly AnchorBody[] {
    return [...this.kinds.values()]
      .flatMap(({ bySize }) => bySize.get(size) ?? [])
      .sort((a, b) => a.place - b.place)
      .map(({ body }) => body);
  }

  /** The smallest sizes of checkpoints with evidence of all these kinds; its bytes may not be here. */
  sizes([first, ...more]: readonly Kind[]): readonly number[] {
    const knownOf = (kind: Kind | undefined): ReadonlySet<number> =>
      (kind === undefined ? undefined : this.kinds.get(kind))?.known ?? new Set();
    return [...knownOf(first)]
      .filter((size) => more.every((kind) => knownOf(kind).has(size)))
      .sort((a, b) => a - b)
      .slice(0, SIZES_MAX);
  }
}

export type Chosen = {
  readonly checkpoint: Checkpoint;
  readonly outside: Outside;
  readonly notes: readonly string[];
};

type From = {
  readonly directory: string;
  readonly segments: readonly string[];
  /** The first that covers what is exported. */
  readonly covering: Checkpoint;
  readonly watch: OutsideWatch;
};

/**
 * The checkpoint of an export and the outside evidence that goes along. Without a wish it is the first that covers it, with the
 * anchors that the log holds over it; else the first that has what is wanted. Time stamps go along only when they are wanted:
 * each takes some 5 kB. A Refusal when no checkpoint has what is wanted.
 */
export async function chooseOutside(from: From, wish: OutsideWish): Promise<Chosen> {
  const { directory, segments, covering, watch } = from;
  if (!wish.anchored && !wish.stamped) return describe(gather(covering, watch), covering, wish);
  const kinds: readonly Kind[] = [
    ...(wish.anchored ? (["nv-certify"] as const) : []),
    ...(wish.stamped ? (["rfc3161"] as const) : []),
  ];
  const sizes = new Set(watch.sizes(kinds));
  const again = new OutsideWatch();
  for (const checkpoint of await findCheckpoints({ directory, segments, sizes }, again)) {
    const held = gather(checkpoint, again);
    if (kinds.every((kind) => held.good.some((one) => one.kind === kind))) {
      return describe(held, checkpoint, wish);
    }
  }
  const what = [...(wish.anchored ? ["an anchor"] : []), ...(wish.stamped ? ["a time stamp"] : [])];
  throw new Refusal(
    `${directory}: no checkpoint that covers this has ${what.join(" and ")} in the log yet; without ${flags(wish)} it is proven under the first that covers it`,
    1,
  );
}

type Held = {
  /** Those over the very bytes of the checkpoint. */
  readonly good: readonly AnchorBody[];
  readonly bad: number;
};

function gather(checkpoint: Checkpoint, watch: OutsideWatch): Held {
  const { claim, consistency: proof } = checkpoint;
  const hash = sha256(bytesInLog(checkpoint, { proof, anchors: [] }));
  const all = watch.at(claim.size);
  const good = all.filter((one) => findFault(one, { size: claim.size, hash }, sha256) === null);
  return { good, bad: all.length - good.length };
}

function describe({ good, bad }: Held, checkpoint: Checkpoint, wish: OutsideWish): Chosen {
  const anchors = good.filter(({ kind }) => wish.stamped || kind !== "rfc3161");
  const left = good.length - anchors.length;
  const count = (kind: Kind, one: string): readonly string[] => {
    const found = anchors.filter((anchor) => anchor.kind === kind).length;
    return found === 0 ? [] : [`${found} ${one}${found === 1 ? "" : "s"}`];
  };
  const along = [...count("nv-certify", "anchor"), ...count("rfc3161", "time stamp")];
  const notes = [
    ...(along.length > 0 ? [`Outside evidence over the checkpoint: ${along.join(", ")}.`] : []),
    ...(left > 0 ? ["The log also has a time stamp over it, which --stamped takes along."] : []),
    ...(bad > 0 ? [`${bad} said to be over it in the log are not, and are left out.`] : []),
  ];
  const proof = anchors.length > 0 ? checkpoint.consistency : null;
  return { checkpoint, outside: { proof, anchors }, notes };
}

function flags({ anchored, stamped }: OutsideWish): string {
  return [...(anchored ? ["--anchored"] : []), ...(stamped ? ["--stamped"] : [])].join(" and ");
}

/** Those over these sizes, by size; `outside` is told all outside evidence over them. */
async function findCheckpoints(
  {
    directory,
    segments,
    sizes,
  }: Pick<From, "directory" | "segments"> & {
    readonly sizes: ReadonlySet<number>;
  },
  outside: OutsideWatch,
): Promise<readonly Checkpoint[]> {
  const found = new Map<number, Checkpoint>();
  const reader = new FrameReader(sha256);
  for (const name of segments) {
    if (sizes.size === 0) break;
    const bytes = await readSegment(directory, name);
    scanSegment(bytes, reader, {
      frame: ({ kind, bodyStart, bodyEnd }) => {
        if (kind === FRAME_KIND.leaf && mayBeOfType(bytes, bodyStart, "anchor")) {
          const leaf = decodeEntry(bytes, bodyStart, bodyEnd);
          const body = leaf.ok ? leaf.entry.body : null;
          if (body?.type === "anchor" && sizes.has(body.size)) outside.anchor(body);
        }
        if (kind !== FRAME_KIND.checkpoint) return null;
        const read = readCheckpoint(bytes.slice(bodyStart, bodyEnd));
        if (!read.ok || !sizes.has(read.checkpoint.claim.size)) return null;
        found.set(read.checkpoint.claim.size, read.checkpoint);
        return null;
      },
      gap: () => undefined,
    });
  }
  return [...found.values()].sort((a, b) => a.claim.size - b.claim.size);
}
