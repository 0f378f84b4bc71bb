import { DOOR_PROTOCOL_VERSION, type Config } from "../codec/door/message.js";
import { planReads } from "../kernel/image/read-plan.js";
import type { ProfileModel } from "../kernel/profile/model.js";
import { planReplica } from "./replica-plan.js";

/** What the site says of the Modbus door, with names as positions in the profile. */
export type DoorSite = Pick<Config, "listeners" | "ownUnit" | "limits" | "identity">;

/** Everything a door has to know, in its first order. */
export function makeDoorConfig(
  model: ProfileModel,
  site: DoorSite,
  run: { readonly boot: number; readonly scale: number },
): Config {
  return {
    kind: "config",
    version: DOOR_PROTOCOL_VERSION,
    boot: run.boot,
    ...site,
    blocks: planReplica(model, planReads(model), run.scale),
    devices: model.devices.length,
    functions: model.controllers.map(({ functions }) =>
      functions === null ? null : [...functions],
    ),
  };
}
