import { UNBEATEN } from "../lease/timer.js";
import { emptyImage } from "../image/update-image.js";
import type { CompiledProfile } from "../profile/compiled.js";
import type { FoldedState } from "../state/state.js";
import { startTimer } from "../trip/timer.js";
import type { Us } from "../units.js";
import { planFlow } from "./flow-plan.js";
import type { KernelState } from "./kernel-state.js";

/**
 * A kernel that has read nothing yet. `folded` is the fold of the whole log, this run's boot entry
 * included. `gapUs`: how long the gateway was away, by a clock that cannot be set; null: nobody can say,
 * which is taken for too long.
 */
export function initialKernelState(
  profile: CompiledProfile,
  folded: FoldedState,
  nowUs: Us,
  gapUs: Us | null = null,
): KernelState {
  const { model } = profile;
  return {
    folded,
    image: emptyImage(model.inputs.length),
    live: {
      plan: planFlow(profile),
      startUs: nowUs,
      recording: [],
      queues: model.devices.map(() => []),
      flights: new Map(),
      outputs: model.outputs.map(() => ({
        writing: 0,
        flights: [],
        quietFromUs: -1,
        pulseUntilUs: -1,
      })),
      devices: model.devices.map(({ lateWindowUs }, device) => ({
        linkUp: true,
        sent: 0,
        blocks: new Set(),
        everComplete: false,
        heardUs: nowUs,
        identity: "unread",
        identityUs: nowUs,
        alive: null,
        aliveUs: nowUs,
        stopped: false,
        awaySinceUs: null,
        lost: false,
        // What an earlier run sent last, and nobody settled, may still be on its way.
        lateUntilUs: hasPlanned(profile, folded, device) ? nowUs + lateWindowUs : nowUs,
      })),
      trips: model.trips.map(() => startTimer(nowUs)),
      confirms: model.confirms.map(() => null),
      leases: model.controllers.map(() => UNBEATEN),
      drives: [],
      safeConfirmed: false,
      floods: new Map(),
      floodDueUs: nowUs,
      holds: new Set(),
      alarms: new Set(),
      awaits: "nothing",
      diskDown: false,
      restart: {
        gapUs,
        open: new Set([...folded.open, ...folded.unsettled].map(({ seq }) => seq)),
        told: false,
      },
      lateScans: 0,
      expired: false,
    },
  };
}

function hasPlanned(profile: CompiledProfile, folded: FoldedState, device: number): boolean {
  return profile.model.outputs.some(
    ({ at }, output) => at.device === device && (folded.outputs[output]?.planned.length ?? 0) > 0,
  );
}
