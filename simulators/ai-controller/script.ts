import type { Us } from "../../src/kernel/units.js";
import type { Frame } from "./frame.js";
import type { Reply, View } from "./observation.js";

/** What a script wants next. `bad`: it must wait while the last minute has seen too many denials. */
export type Move =
  | { readonly kind: "wait" }
  | {
      readonly kind: "ask";
      readonly frames: readonly Frame[];
      readonly meant: string;
      readonly bad: boolean;
    };

/** One act, told step by step: yields a move, gets the next view. Ends by itself, however the plant answers. */
export type Script = Generator<Move, void, View>;

const WAIT: Move = { kind: "wait" };
export const SECOND_US: Us = 1_000_000;

/** Passes `seconds`; gives back the first view after them. */
export function* pass(seconds: number): Generator<Move, View, View> {
  let view = yield WAIT;
  const untilUs = view.nowUs + seconds * SECOND_US;
  while (view.nowUs < untilUs) view = yield WAIT;
  return view;
}

/** Waits until `holds`, at most `seconds`; null where it did not come to hold. */
export function* until(
  holds: (view: View) => boolean,
  seconds: number,
): Generator<Move, View | null, View> {
  let view = yield WAIT;
  const untilUs = view.nowUs + seconds * SECOND_US;
  while (!holds(view)) {
    if (view.nowUs >= untilUs) return null;
    view = yield WAIT;
  }
  return view;
}

/** Asks once and gives back the answer: the first reply of the next view. */
export function* ask(ask: {
  readonly frame: Frame;
  readonly meant: string;
  readonly bad: boolean;
}): Generator<Move, Reply | null, View> {
  const view = yield { kind: "ask", frames: [ask.frame], meant: ask.meant, bad: ask.bad };
  return view.replies[0] ?? null;
}

/** Asks for something sound, again every ten seconds while it is refused; true once it was granted. */
export function* insist(frame: Frame, meant: string): Generator<Move, boolean, View> {
  for (let attempt = 0; attempt < 4; attempt++) {
    const reply = yield* ask({ frame, meant, bad: false });
    if (reply?.outcome.kind === "done") return true;
    yield* pass(10);
  }
  return false;
}
