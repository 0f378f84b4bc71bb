import type { Input } from "../kernel/step/input.js";
import { MS } from "../kernel/units.js";
import type { HostClock } from "./host-clock.js";

/** The wall clock may drift this far from the monotonic one between two scans before it counts as a step. */
const CLOCK_STEP_US = 500 * MS;

/** Notices that wall time was stepped, or has left the window that the profile is valid in. */
export class WallClockWatch {
  readonly #clock: HostClock;
  readonly #valid: { readonly fromUtcUs: number; readonly untilUtcUs: number };
  readonly #tell: (input: Input) => void;
  #offsetUs: number;

  constructor(
    clock: HostClock,
    valid: { readonly fromUtcUs: number; readonly untilUtcUs: number },
    tell: (input: Input) => void,
  ) {
    this.#clock = clock;
    this.#valid = valid;
    this.#tell = tell;
    this.#offsetUs = clock.utcUs() - clock.nowUs() / clock.scale;
  }

  look(): void {
    const utcUs = this.#clock.utcUs();
    const offsetUs = utcUs - this.#clock.nowUs() / this.#clock.scale;
    const stepUs = Math.round(offsetUs - this.#offsetUs);
    this.#offsetUs = offsetUs;
    const stepped = Math.abs(stepUs) > CLOCK_STEP_US;
    // A profile runs out without any step of the clock: the kernel says so once.
    const { fromUtcUs, untilUtcUs } = this.#valid;
    const outside = !(utcUs >= fromUtcUs && utcUs < untilUtcUs);
    if (!stepped && !outside) return;
    this.#tell({ kind: "clock-stepped", stepUs: stepped ? stepUs : 0, utcUs });
  }
}
