import type { Order } from "../codec/door/message.js";
import { windowOf } from "../kernel/decide/windows.js";
import type { CompiledProfile } from "../kernel/profile/compiled.js";
import type { Why } from "../kernel/step/effect.js";
import type { KernelState } from "../kernel/step/kernel-state.js";
import type { Us } from "../kernel/units.js";
import {
  STATUS_AT,
  WHY_AT,
  statusWords,
  whyWords,
  windowPlace,
  windowWords,
  type WindowView,
} from "./own-unit.js";

/** Windows made anew at each scan; the others show their age. One costs as much as some forty verdicts. */
const WINDOWS_PER_SCAN = 2;

/** What each controller sees of the gateway's own unit, pushed to the doors at every scan. */
export class OwnUnitBoard {
  readonly #profile: CompiledProfile;
  readonly #broadcast: (order: Order) => void;
  readonly #whys = new Map<number, Why>();
  readonly #windows = new Map<number, { readonly view: WindowView; readonly atUs: Us }>();
  /** One for each controller and output that has a window. */
  readonly #places: readonly Place[];
  #next = 0;

  /** `seen`: controllers that any listener knows; nobody could read the windows of another. */
  constructor(
    profile: CompiledProfile,
    seen: ReadonlySet<number>,
    broadcast: (order: Order) => void,
  ) {
    this.#profile = profile;
    this.#broadcast = broadcast;
    this.#places = profile.model.controllers.flatMap(({ outputs }, controller) =>
      [...(seen.has(controller) ? outputs : [])].flatMap((output) => {
        const place = windowPlace(profile.model, output);
        return place === null ? [] : [{ controller, output, ...place }];
      }),
    );
  }

  /** The controller's last command was answered so. */
  remember(controller: number, why: Why): void {
    this.#whys.set(controller, why);
  }

  push(state: KernelState, now: { readonly us: Us; readonly evidenceSound: boolean }): void {
    this.#profile.model.controllers.forEach((_, controller) => {
      const words = statusWords(this.#profile.model, state, controller, now);
      this.#broadcast({ kind: "own", controller, start: STATUS_AT, words });
      const why = this.#whys.get(controller);
      if (why === undefined) return;
      this.#broadcast({ kind: "own", controller, start: WHY_AT, words: whyWords(why, now.us) });
    });
    this.#pushWindows(state, now.us);
  }

  #pushWindows(state: KernelState, nowUs: Us): void {
    const fresh = Math.min(WINDOWS_PER_SCAN, this.#places.length);
    for (let made = 0; made < fresh; made++) {
      const at = this.#next;
      this.#next = (at + 1) % this.#places.length;
      const place = this.#places[at];
      if (place === undefined) continue;
      this.#windows.set(at, { view: viewWindow(this.#profile, state, place, nowUs), atUs: nowUs });
    }
    this.#places.forEach(({ controller, start, long }, at) => {
      const window = this.#windows.get(at);
      if (window === undefined) return;
      const words = windowWords(window.view, long, nowUs - window.atUs);
      this.#broadcast({ kind: "own", controller, start, words });
    });
  }
}

type Place = {
  readonly controller: number;
  readonly output: number;
  readonly start: number;
  readonly long: boolean;
};

/** "Unknown" where the present value is: nothing can be said about values around it. */
function viewWindow(
  profile: CompiledProfile,
  state: KernelState,
  { controller, output }: Place,
  nowUs: Us,
): WindowView {
  const unknown = state.folded.outputs[output]?.proven == null;
  const view = { image: state.image, state: state.folded, nowUs };
  const window = unknown ? null : windowOf(profile, view, controller, output);
  if (window === null) return { empty: true, unknown, low: 0, high: 0 };
  return { empty: false, unknown: false, ...window };
}
