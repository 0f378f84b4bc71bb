import { readCheckpoint, type Checkpoint } from "../evidence/checkpoint.js";
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

/** So many checkpoints with outside evidence are looked at, the first ones. */
const SIZES_MAX = 64;

/** Outside evidence that a log holds over checkpoints that may cover what is exported; memory does not grow with the log. */
export class OutsideWatch {
  private readonly bySize = new Map<number, AnchorBody[]>();
  private beyond = 0;

  /** Only checkpoints over more than so many entries count from now on. */
  over(size: number): void {
    this.beyond = Math.max(this.beyond, size);
    for (const known of this.bySize.keys()) if (known <= this.beyond) this.bySize.delete(known);
  }

  anchor(body: AnchorBody): void {
    if (body.size <= this.beyond) return;
    const known = this.bySize.get(body.size);
    if (known === undefined) this.bySize.set(body.size, [body]);
    else if (known.length < OUTSIDE_MAX) known.push(body);
    if (this.bySize.size > SIZES_MAX) this.bySize.delete(Math.max(...this.bySize.keys()));
  }

  /** In the order of the log. */
  at(size: number): readonly AnchorBody[] {
    return this.bySize.get(size) ?? [];
  }

  get sizes(): readonly number[] {
    return [...this.bySize.keys()].sort((a, b) => a - b);
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
  const wanted = new Set(watch.sizes);
  for (const checkpoint of await findCheckpoints(directory, segments, wanted)) {
    const held = gather(checkpoint, watch);
    const has = (kind: AnchorBody["kind"]): boolean => held.good.some((one) => one.kind === kind);
    if (wish.anchored && !has("nv-certify")) continue;
    if (wish.stamped && !has("rfc3161")) continue;
    return describe(held, checkpoint, wish);
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
  const count = (kind: AnchorBody["kind"], one: string): readonly string[] => {
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

/** Those over these sizes, by size: read until all are found. */
async function findCheckpoints(
  directory: string,
  segments: readonly string[],
  sizes: ReadonlySet<number>,
): Promise<readonly Checkpoint[]> {
  const found = new Map<number, Checkpoint>();
  const reader = new FrameReader(sha256);
  for (const name of segments) {
    if (found.size === sizes.size) break;
    const bytes = await readSegment(directory, name);
    scanSegment(bytes, reader, {
      frame: ({ kind, bodyStart, bodyEnd }) => {
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
