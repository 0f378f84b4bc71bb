import type { SpaceWatch } from "./evidence/space-watch.js";
import type { SignedStore } from "./evidence/signed-store.js";
import type { Guard } from "./guard.js";

const ALARM = "evidence-space";

/** Ties the watch over the evidence disk to the guard. Returns after its first look, before any permit is given. */
export async function watchSpace(
  space: SpaceWatch,
  guard: Guard,
  store: SignedStore,
): Promise<void> {
  await space.start({
    log: {
      head: () => store.head(),
      signedSize: () => store.signedSize,
      checkpoint: () => {
        store.checkpoint("retention");
      },
      record: (bodies) => {
        guard.record(() => bodies);
      },
    },
    written: () => store.written,
    withhold: (why) => {
      guard.withhold(why);
    },
    alarm: (raised, text) => {
      if (raised) guard.alarms.set(ALARM, text);
      else guard.alarms.delete(ALARM);
    },
  });
}
