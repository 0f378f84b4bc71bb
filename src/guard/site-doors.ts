import type { DoorLimits, ListenerMap } from "../codec/door/message.js";
import type { ProfileModel } from "../kernel/profile/model.js";
import type { Site } from "../profile/site-model.js";

const LIMITS: DoorLimits = {
  connections: 2_000,
  inFlight: 32,
  guardInFlight: 512,
  patienceMs: 5_000,
};

/** What the Modbus door is told of the site, with names as positions in the profile. */
export function doorSettings(
  site: Site,
  model: ProfileModel,
): {
  readonly listeners: readonly ListenerMap[];
  readonly ownUnit: number;
  readonly limits: DoorLimits;
  readonly identity: readonly [string, string, string];
} {
  const positions = (names: readonly { readonly name: string }[]): ReadonlyMap<string, number> =>
    new Map(names.map(({ name }, position) => [name, position]));
  const devices = positions(model.devices);
  const controllers = positions(model.controllers);
  return {
    listeners: site.listeners.map(({ host, port, units, clients }) => ({
      host,
      port,
      units: known([...units], devices),
      peers: known([...clients], controllers),
    })),
    ownUnit: site.ownUnit,
    limits: LIMITS,
    identity: ["Holdpoint", "gateway", "0.1.0"],
  };
}

/** Names that the profile does not have were refused at load; here they would simply serve nobody. */
function known<Key>(
  pairs: readonly (readonly [Key, string])[],
  positions: ReadonlyMap<string, number>,
): readonly (readonly [Key, number])[] {
  return pairs.flatMap(([key, name]) => {
    const position = positions.get(name);
    return position === undefined ? [] : [[key, position] as const];
  });
}
