import type { Part } from "../kernel/record/entry.js";
import type { Sha256 } from "./frame.js";
import { equalBytes } from "./merkle-proof.js";

/** Longest profile or snapshot that stands in one entry; a longer one comes in parts of this size. */
export const PART_BYTES_MAX: number = 48 * 1024;
/** Longest whole that is put together again. */
export const WHOLE_BYTES_MAX: number = 16 * 1024 * 1024;

/** One item for each entry to write, in order; a single one is the bytes themselves. */
export function splitParts(bytes: Uint8Array, sha256: Sha256): readonly (Uint8Array | Part)[] {
  if (bytes.length <= PART_BYTES_MAX) return [bytes];
  const whole = sha256(bytes);
  const of = Math.ceil(bytes.length / PART_BYTES_MAX);
  return Array.from({ length: of }, (_, part) => ({
    part,
    of,
    whole,
    bytes: bytes.slice(part * PART_BYTES_MAX, (part + 1) * PART_BYTES_MAX),
  }));
}

export type Joined =
  | { readonly kind: "whole"; readonly bytes: Uint8Array }
  | { readonly kind: "more" }
  | { readonly kind: "wrong"; readonly why: string };

/** Puts the parts of one whole together; they must come in order, without anything of the same sort between. */
export class PartJoiner {
  private parts: Uint8Array[] = [];
  private whole: Uint8Array | null = null;
  private readonly sha256: Sha256;

  constructor(sha256: Sha256) {
    this.sha256 = sha256;
  }

  /** Between two parts of a whole. */
  get isPending(): boolean {
    return this.parts.length > 0;
  }

  add(item: Uint8Array | Part): Joined {
    if (item instanceof Uint8Array) {
      this.clear();
      return { kind: "whole", bytes: item };
    }
    const problem = this.problem(item);
    if (problem !== null) {
      this.clear();
      return { kind: "wrong", why: problem };
    }
    this.whole = item.whole;
    this.parts.push(item.bytes);
    if (this.parts.length < item.of) return { kind: "more" };
    const bytes = join(this.parts);
    this.clear();
    if (!equalBytes(this.sha256(bytes), item.whole)) {
      return { kind: "wrong", why: "the parts together do not have the hash they name" };
    }
    return { kind: "whole", bytes };
  }

  private problem(item: Part): string | null {
    if (item.of < 2 || item.of > WHOLE_BYTES_MAX / PART_BYTES_MAX)
      return "an impossible number of parts";
    if (item.part !== this.parts.length) {
      return `part ${item.part} came where part ${this.parts.length} was due`;
    }
    if (this.whole !== null && !equalBytes(this.whole, item.whole)) {
      return "parts of two different wholes";
    }
    return null;
  }

  private clear(): void {
    this.parts = [];
    this.whole = null;
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
