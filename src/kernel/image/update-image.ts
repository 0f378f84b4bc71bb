import type { CompiledProfile } from "../profile/compiled.js";
import type { Address, Input } from "../profile/model.js";
import type { Raw, Us } from "../units.js";
import { NEVER_READ, type Image, type Sample } from "./image.js";
import { judgeSample } from "./judge-sample.js";
import type { Block } from "./read-plan.js";
import { rawFromWords } from "./scaling.js";

/** One answered block. */
export type BlockAnswer = {
  readonly block: Block;
  readonly sentUs: Us;
  readonly words: readonly number[];
  readonly trusted: boolean;
  readonly mayStandStill: (input: number) => boolean;
};

export function emptyImage(inputs: number): Image {
  return { samples: new Array<Sample>(inputs).fill(NEVER_READ) };
}

/**
 * The image after one answer. Each tag is judged by itself: one that cannot be decoded leaves the others
 * of its block as good as they are.
 */
export function updateImage(image: Image, profile: CompiledProfile, answer: BlockAnswer): Image {
  const samples = [...image.samples];
  for (const position of answer.block.inputs) {
    const input = profile.model.inputs[position];
    const quantity = profile.inputs[position];
    if (input === undefined || quantity === undefined) continue;
    const raw = readRaw(answer.block, input.at, answer.words);
    samples[position] = judgeSample(input, samples[position] ?? NEVER_READ, {
      raw,
      value: raw === null ? null : quantity.valueOf(raw),
      sentUs: answer.sentUs,
      trusted: answer.trusted,
      mayStandStill: () => answer.mayStandStill(position),
    });
  }
  return { samples };
}

/** From now on, not from the next poll on: nothing of this device can be trusted. */
export function distrustDevice(image: Image, inputs: readonly Input[], device: number): Image {
  return {
    samples: image.samples.map((sample, position) =>
      inputs[position]?.at.device === device && sample.quality !== "never-read"
        ? { ...sample, quality: "device" }
        : sample,
    ),
  };
}

/** Raw value at an address of a block; null where the answer does not hold it. */
export function readRaw(
  block: { readonly address: number },
  at: Address,
  words: readonly number[],
): Raw | null {
  const offset = at.register - block.address;
  if (offset < 0) return null;
  if (at.bit === null) return rawFromWords(words, offset, at.format);
  const word = rawFromWords(words, offset, "u16");
  return word === null ? null : (word >>> at.bit) & 1;
}
