import type { Memory } from "../../kernel/condition/evaluate.js";
import { toEngineering } from "../../kernel/image/scaling.js";
import type { Drive, Input, Output, ProfileModel, Span } from "../../kernel/profile/model.js";

const F32_MOST = 3.4e38;

/** Evaluation memory in which every tag may have any value it can have at all; `cmd` anything. */
export function openMemory(model: ProfileModel): Memory {
  const spans = [
    ...model.inputs.map(spanOf),
    ...model.outputs.map(spanOf),
    { low: -F32_MOST, high: F32_MOST },
  ];
  return {
    lo: Float64Array.from(spans, (span) => span.low),
    hi: Float64Array.from(spans, (span) => span.high),
  };
}

/** The same with some outputs at one value each. */
export function pinOutputs(model: ProfileModel, drives: readonly Drive[]): Memory {
  const memory = openMemory(model);
  for (const drive of drives) {
    const output = model.outputs[drive.output];
    if (output === undefined) continue;
    const value = valueOfRaw(output, drive.raw);
    memory.lo[model.inputs.length + drive.output] = value;
    memory.hi[model.inputs.length + drive.output] = value;
  }
  return memory;
}

/** What conditions read for a raw value: engineering units, 0 or 1, the number of a state. */
export function valueOfRaw(output: Output, raw: number): number {
  return toEngineering(
    output.at.format,
    output.at.order,
    output.kind === "number" ? output.scaling : null,
    raw,
  );
}

function spanOf(tag: Input | Output): Span {
  if (tag.kind === "bool") return { low: 0, high: 1 };
  if (tag.kind === "state") {
    const raws = [...tag.states.keys()];
    return { low: Math.min(...raws), high: Math.max(...raws) };
  }
  if ("span" in tag && tag.span !== null) return tag.span;
  if (tag.scaling !== null && !("span" in tag)) return wholeFormat(tag);
  return { low: -F32_MOST, high: F32_MOST };
}

/** An output may stand anywhere its register can: somebody else may have put it there. */
function wholeFormat(tag: Output | Input): Span {
  const raws =
    tag.at.format === "u16" ? [0, 0xffff] : tag.at.format === "i16" ? [0x8000, 0x7fff] : null;
  if (raws === null || tag.scaling === null) return { low: -F32_MOST, high: F32_MOST };
  const ends = raws.map((raw) => toEngineering(tag.at.format, tag.at.order, tag.scaling, raw));
  return { low: Math.min(...ends), high: Math.max(...ends) };
}
