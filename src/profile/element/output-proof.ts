import type { Output } from "../../kernel/profile/model.js";
import type { Draft, TagShape } from "../draft.js";
import type { Path } from "../document/tree.js";
import { readIn, readProofTime } from "../notation.js";
import { complain, settle } from "../source.js";
import { suggestName } from "../suggestion.js";

type Proof = Output["proof"];
const NONE: Proof = { kind: "none" };

/** `readback 0.05 Hz within 1 s`, `feedback pump1.running within 5 s`, `none`. */
export function readProof(draft: Draft, path: Path, text: string, shape: TagShape): Proof {
  if (text === "none") return NONE;
  const [what = "", time = ""] = text.split(" within ");
  const withinUs = settle(draft.source, path, readProofTime(time));
  if (withinUs === null) return NONE;
  return what.startsWith("feedback ")
    ? readFeedback(draft, path, { name: what.slice("feedback ".length), withinUs }, shape)
    : readReadback(
        draft,
        path,
        { tolerance: what.slice("readback".length).trim(), withinUs },
        shape,
      );
}

function readReadback(
  draft: Draft,
  path: Path,
  { tolerance, withinUs }: { tolerance: string; withinUs: number },
  shape: TagShape,
): Proof {
  const { source } = draft;
  const device = draft.devices[shape.at.device];
  if (device !== null && device !== undefined && withinUs < device.timeoutUs) {
    const hint = `one read may take ${device.timeoutUs / 1000} ms (timeout:)`;
    complain(source, path, { message: "the proof has less time than one read", hint });
  }
  if (tolerance === "") return { kind: "readback", tolerance: 0, withinUs };
  if (shape.kind !== "number") {
    const place = { from: "readback ".length, to: "readback ".length + tolerance.length };
    complain(source, path, {
      message: "a tolerance is for numbers only",
      hint: "leave it out",
      ...place,
    });
    return NONE;
  }
  const value = settle(source, path, readIn(tolerance, shape.unit, "difference"));
  if (value !== null && value < 0)
    complain(source, path, { message: "a tolerance is not negative", hint: null });
  return { kind: "readback", tolerance: value ?? 0, withinUs };
}

function readFeedback(
  draft: Draft,
  path: Path,
  { name, withinUs }: { name: string; withinUs: number },
  shape: TagShape,
): Proof {
  const { source } = draft;
  const from = "feedback ".length;
  const place = { from, to: from + name.length };
  const input = draft.inputNames.indexOf(name);
  draft.used.add(name);
  if (input < 0) {
    const hint = suggestName(name, draft.inputNames);
    complain(source, path, { message: `no input is called '${name}'`, hint, ...place });
    return NONE;
  }
  const tag = draft.inputTags[input] ?? null;
  if (tag !== null && (tag.kind !== "bool" || shape.kind !== "bool")) {
    const hint = "a number is proved by its own read-back";
    complain(source, path, { message: "feedback is one bit that proves one bit", hint, ...place });
  }
  const device = tag === null ? null : (draft.devices[tag.at.device] ?? null);
  if (device !== null && withinUs < device.pollUs + device.timeoutUs) {
    const hint = "it must be longer than poll: and timeout: together";
    complain(source, path, { message: "the feedback could not be seen in that time", hint });
  }
  return { kind: "feedback", input, withinUs };
}
