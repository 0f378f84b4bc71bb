import { readTree } from "../../src/profile/document/read.js";
import { findNode } from "../../src/profile/document/tree.js";

/** What a profile calls things; the place in a list is the number in evidence. */
export type Names = {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly controllers: readonly string[];
  readonly devices: readonly string[];
};

/** Where no profile is at hand, things go by their numbers. */
export const NO_NAMES: Names = { inputs: [], outputs: [], controllers: [], devices: [] };

/**
 * Names in the text of a profile, which numbers them in the order of the file. It must be the very profile that was in
 * force, so that it once loaded without a fault: nothing else of it is checked here. No names: it cannot be read. Never throws.
 */
export function readNames(text: string): Names {
  if (text.length > TEXT_MAX) return NO_NAMES;
  const { root } = readTree(text);
  const keysOf = (section: string): readonly string[] => {
    const node = findNode(root, [section]);
    return node?.kind === "map" ? node.entries.map(({ key }) => key) : [];
  };
  return {
    inputs: keysOf("inputs"),
    outputs: keysOf("outputs"),
    controllers: keysOf("controllers"),
    devices: keysOf("devices"),
  };
}

/** `level (input 3)`, or `input 3` alone. */
export function nameThing(names: Names, sort: keyof Names, index: number): string {
  const number = `${SINGULAR[sort]} ${index}`;
  const name = names[sort][index];
  return name === undefined ? number : `${name} (${number})`;
}

const SINGULAR = {
  inputs: "input",
  outputs: "output",
  controllers: "controller",
  devices: "device",
} as const;
/** Characters; the longest profiles have some hundred thousand. */
const TEXT_MAX = 1_048_576;
