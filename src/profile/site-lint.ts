import type { ProfileModel } from "../kernel/profile/model.js";
import type { Path } from "./document/tree.js";
import type { Endpoint, Site } from "./site-model.js";
import { complain, complainAtKey, keysAt, textAt, warn } from "./source.js";
import type { Source } from "./source.js";
import { suggestName } from "./suggestion.js";

/** Names that must agree inside the site file and, where there is one, with the profile. */
export function lintSite(from: Source, site: Site, model: ProfileModel | null): void {
  lintDevices(from, site);
  lintListeners(from, site);
  lintClients(from, site);
  if (model !== null) lintAgainstProfile(from, site, model);
}

const say = ({ host, port }: Endpoint): string => `${host}:${port}`;

function lintDevices(from: Source, site: Site): void {
  const seen = new Map<string, string>();
  for (const device of site.devices) {
    const place = `${say(device)} unit ${device.unit}`;
    const other = seen.get(place);
    if (other !== undefined) {
      const hint = "each would see the other's writes as foreign";
      complain(from, ["devices", device.name, "tcp"], {
        message: `${other} has the same address and unit`,
        hint,
      });
    }
    seen.set(place, device.name);
  }
}

const LISTEN: Path = ["doors", "modbus", "listen"];

function lintListeners(from: Source, site: Site): void {
  const names = keysAt(from, ["devices"]);
  const served = new Set<string>();
  for (const written of keysAt(from, LISTEN)) {
    for (const unit of keysAt(from, [...LISTEN, written])) {
      const path = [...LISTEN, written, unit];
      const deviceName = textAt(from, path) ?? "";
      served.add(deviceName);
      if (!names.includes(deviceName)) {
        const hint = suggestName(deviceName, names);
        complain(from, path, { message: `no device is called '${deviceName}'`, hint });
      }
      if (Number(unit) > 255) complainAtKey(from, path, { message: "unit ids go to 255" });
      if (Number(unit) === site.ownUnit) {
        const hint = "choose another own_unit:";
        complainAtKey(from, path, { message: `unit ${unit} is the gateway's own`, hint });
      }
    }
  }
  for (const device of site.devices) {
    if (served.has(device.name)) continue;
    warn(from, ["devices", device.name], {
      message: `no listener serves ${device.name}`,
      hint: null,
    });
  }
}

const CLIENTS: Path = ["doors", "modbus", "clients"];

function lintClients(from: Source, site: Site): void {
  const listeners = keysAt(from, LISTEN);
  for (const written of keysAt(from, CLIENTS)) {
    if (!listeners.includes(written)) {
      const hint = suggestName(written, listeners);
      complainAtKey(from, [...CLIENTS, written], {
        message: `nothing listens on ${written}`,
        hint,
      });
      continue;
    }
    const loopback = written.startsWith("127.") || written.startsWith("[::1]");
    if (loopback || !keysAt(from, [...CLIENTS, written]).includes("*")) continue;
    const hint = "name the source addresses; any is for loopback listeners only";
    complainAtKey(from, [...CLIENTS, written, "*"], {
      message: "anybody who reaches this port would be a controller",
      hint,
    });
  }
  if (site.listeners.every((listener) => listener.clients.size === 0)) {
    const hint = "name them: clients: {10.0.0.2:502: {10.0.0.7: ai}}";
    warn(from, ["doors", "modbus"], {
      message: "no client is known: every write will be refused",
      hint,
    });
    return;
  }
  const hint = "until a signed binding exists, whoever can change this file can change who is who";
  warn(from, CLIENTS, { message: "clients are told apart by address alone: UNSIGNED", hint });
}

function lintAgainstProfile(from: Source, site: Site, model: ProfileModel): void {
  const inProfile = model.devices.map((device) => device.name);
  const here = keysAt(from, ["devices"]);
  for (const deviceName of here) {
    if (inProfile.includes(deviceName)) continue;
    const hint = suggestName(deviceName, inProfile);
    const message = `the profile has no device '${deviceName}'`;
    complainAtKey(from, ["devices", deviceName], { message, hint });
  }
  for (const deviceName of inProfile) {
    if (here.includes(deviceName)) continue;
    const hint = `add  ${deviceName}: {tcp: 192.168.10.5:502, unit: 1}`;
    const message = `the profile's device ${deviceName} has no address`;
    complain(from, ["devices"], { message, hint });
  }
  const controllers = model.controllers.map((controller) => controller.name);
  for (const listener of keysAt(from, CLIENTS)) {
    for (const client of keysAt(from, [...CLIENTS, listener])) {
      const path = [...CLIENTS, listener, client];
      const controller = textAt(from, path) ?? "";
      if (controllers.includes(controller)) continue;
      const hint = suggestName(controller, controllers);
      complain(from, path, { message: `the profile has no controller '${controller}'`, hint });
    }
  }
  for (const controller of model.controllers) {
    const beat = controller.lease?.beat;
    if (beat?.kind !== "register" || beat.unit === site.ownUnit) continue;
    const hint = `the profile beats unit ${beat.unit}`;
    complain(from, ["doors", "modbus", "own_unit"], {
      message: `${controller.name} could never keep its lease`,
      hint,
    });
  }
}
