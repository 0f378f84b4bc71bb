import type { CompiledProfile } from "../profile/compiled.js";
import type { FoldedState } from "./state.js";

/** Before the first entry of a log: nothing is known, nothing is released. */
export function initialState(profile: CompiledProfile): FoldedState {
  const { model } = profile;
  return {
    nextSeq: 0,
    lastUs: 0,
    boot: 0,
    mode: "starting",
    standing: "starting",
    outputs: model.outputs.map(() => ({
      proven: null,
      logged: null,
      planned: [],
      permits: [],
      starts: [],
      held: [],
    })),
    controllers: model.controllers.map(() => ({
      lease: null,
      suspendedUntilUs: null,
      permits: [],
      clamps: [],
      denials: [],
    })),
    devices: model.devices.map(() => ({ condition: "unread", open: 0 })),
    latched: [],
    open: [],
    unsettled: [],
    evidenceWritable: true,
    profileValid: false,
  };
}
