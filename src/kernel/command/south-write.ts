import { wordsFromRaw } from "../image/scaling.js";
import type { CompiledProfile } from "../profile/compiled.js";
import type { Output } from "../profile/model.js";
import type { Raw } from "../units.js";
import type { SouthWrite, Write, WriteRequest } from "./request.js";

/**
 * The one request that carries these writes: FC5 or FC15 for coils, FC6 or FC16 for registers, FC22 for
 * bits of a word that is not all ours. A word that is all ours goes whole: declared bits that are not
 * among the writes as `wordNow` gives them, bits that are not declared as 0.
 *
 * Throws where no single request can carry them: the profile loader and `resolveWrite` see to it that
 * this cannot happen, so it is a fault of ours and not something to go on from.
 */
export function southWrite(
  profile: CompiledProfile,
  writes: readonly Write[],
  wordNow: (device: number, register: number) => Raw | null = () => null,
): SouthWrite {
  const tagged = writes.map((write) => ({ raw: write.raw, tag: tagOf(profile, write) }));
  const first = tagged[0]?.tag.at;
  if (first === undefined) throw new Error("southWrite: nothing to write");
  const { device, table } = first;
  if (table !== "co" && table !== "hr") throw new Error(`southWrite: ${table} cannot be written`);
  if (tagged.some(({ tag }) => tag.at.device !== device || tag.at.table !== table)) {
    throw new Error("southWrite: more than one device or table");
  }
  if (table === "co") {
    const { address, cells } = joinCells(tagged.map(({ raw, tag }) => [tag.at.register, raw]));
    return { device, table, address, data: { kind: "bits", bits: cells.map((bit) => bit === 1) } };
  }
  if (tagged.every(({ tag }) => tag.bits === "mask")) {
    return { device, table, address: first.register, data: maskOf(tagged) };
  }
  const { address, cells } = joinCells(wordsOf(profile, tagged, wordNow));
  return { device, table, address, data: { kind: "words", words: cells } };
}

type Tagged = { readonly raw: Raw; readonly tag: Output };
type Cell = readonly [register: number, value: number];

function tagOf(profile: CompiledProfile, write: Write): Output {
  const tag = profile.model.outputs[write.output];
  if (tag === undefined) throw new Error(`southWrite: no output ${write.output}`);
  return tag;
}

/** Modbus Application Protocol V1.1b3, 6.16: result = (now AND and) OR (or AND NOT and). */
function maskOf(tagged: readonly Tagged[]): WriteRequest["data"] {
  let and = 0xffff;
  let or = 0;
  const register = tagged[0]?.tag.at.register;
  for (const { raw, tag } of tagged) {
    const bit = tag.at.bit;
    if (bit === null || tag.at.register !== register) {
      throw new Error("southWrite: one mask is for one register");
    }
    and &= ~(1 << bit) & 0xffff;
    or |= raw << bit;
  }
  return { kind: "mask", and, or };
}

function wordsOf(
  profile: CompiledProfile,
  tagged: readonly Tagged[],
  wordNow: (device: number, register: number) => Raw | null,
): readonly Cell[] {
  const cells: Cell[] = [];
  const words = new Map<number, Tagged[]>();
  for (const item of tagged) {
    const { at, bits } = item.tag;
    if (at.bit === null) {
      wordsFromRaw(item.raw, at.format).forEach((word, offset) => {
        cells.push([at.register + offset, word]);
      });
    } else {
      if (bits !== "whole") throw new Error("southWrite: a mask cannot be joined with words");
      words.set(at.register, [...(words.get(at.register) ?? []), item]);
    }
  }
  for (const [register, bits] of words) cells.push([register, joinBits(profile, bits, wordNow)]);
  return cells;
}

function joinBits(
  profile: CompiledProfile,
  bits: readonly Tagged[],
  wordNow: (device: number, register: number) => Raw | null,
): number {
  const at = bits[0]?.tag.at;
  const place = at === undefined ? null : profile.writableAt(at.device, "hr", at.register);
  if (at === undefined || place?.kind !== "bits") throw new Error("southWrite: no such word");
  let word = 0;
  for (const { output, bit } of place.members) {
    const given = bits.find(({ tag }) => tag.at.bit === bit);
    const now = given === undefined ? wordNow(at.device, at.register) : 0;
    if (now === null) throw new Error(`southWrite: co-written output ${output} is unknown`);
    word |= (given === undefined ? (now >>> bit) & 1 : given.raw) << bit;
  }
  return word;
}

/** Cells in order of address, each once and without a gap. */
function joinCells(cells: readonly Cell[]): {
  readonly address: number;
  readonly cells: readonly number[];
} {
  const sorted = [...cells].sort((a, b) => a[0] - b[0]);
  const address = sorted[0]?.[0] ?? 0;
  sorted.forEach(([register], offset) => {
    if (register !== address + offset)
      throw new Error("southWrite: the registers are not in a row");
  });
  return { address, cells: sorted.map(([, value]) => value) };
}
