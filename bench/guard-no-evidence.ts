/**
 * The guard as `holdpoint run` has it, but for its log: nothing is kept. The bench's own, to tell what evidence costs;
 * the product has no such switch. usage: guard-no-evidence --site FILE --run DIR
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeMonotonicClock } from "../src/adapters/clock/monotonic-clock.js";
import { connectPlc } from "../src/adapters/modbus-client/plc-link.js";
import { readSiteFiles, type LoadedSite } from "../src/cli/site-files.js";
import { beginBoot } from "../src/guard/boot.js";
import { DoorHost } from "../src/guard/door-host.js";
import { Guard } from "../src/guard/guard.js";
import { Recollection } from "../src/guard/recollect.js";
import { doorSettings } from "../src/guard/site-doors.js";
import { compileProfile } from "../src/kernel/profile/compile.js";
import { initialKernelState } from "../src/kernel/step/step.js";
import { makeNoEvidenceStore } from "./no-evidence-store.js";

const RECONNECT = { firstUs: 100_000, mostUs: 2_000_000 };
/** As after a first start on an empty folder. */
const NOTHING_RECOVERED = {
  found: "clean",
  fromSeq: 0,
  cutBytes: 0,
  cutHash: null,
  nextSeq: 0,
  boot: 1,
  profiles: [],
  link: null,
  standing: { counted: null, anchor: null, boot: 0, anchoredUtcS: [] },
} as const;

const { values } = parseArgs({
  options: { site: { type: "string" }, run: { type: "string" }, scale: { type: "string" } },
});
const loaded = readSiteFiles(values.site ?? "");
const profile = compileProfile(loaded.model);
const clock = makeMonotonicClock();
const store = makeNoEvidenceStore();
const boot = beginBoot(
  profile,
  { ...new Recollection(profile).finish(null), recovered: NOTHING_RECOVERED },
  {
    software: new Uint8Array(32),
    site: loaded.siteDigest,
    key: "file",
    spki: new Uint8Array(91),
    splitEnforced: false,
    nv: null,
    lost: null,
    profileBytes: loaded.profileBytes,
    machineBoot: null,
  },
  clock,
);
for (const entry of boot.entries) store.append(entry);
const door = doorSettings(loaded.site, loaded.model);
const guard = new Guard({
  key: { spki: new Uint8Array(0), need: "none" },
  profile,
  state: initialKernelState(profile, boot.state, clock.nowUs(), null),
  clock,
  store,
  links: linksOf(loaded),
  door,
  newId: makeIds(),
  alarm: () => undefined,
  failed: (error) => {
    throw new Error("the guard failed", { cause: error });
  },
});
const run = values.run ?? "";
mkdirSync(run, { recursive: true, mode: 0o700 });
const hosts = door.listeners.map(({ host }) => host);
const doors = new DoorHost(guard, { path: join(run, "door-modbus.sock"), hosts }, () => undefined);
process.on("SIGTERM", () => process.exit(0));
await doors.listen();
guard.start();

function linksOf({ model, site }: LoadedSite): ConstructorParameters<typeof Guard>[0]["links"] {
  return model.devices.map(({ name, timeoutUs }) => {
    const place = site.devices.find((device) => device.name === name);
    if (place === undefined) throw new Error(`the site file does not say where ${name} is`);
    const { host, port, unit } = place;
    const settings = { host, port, unit, timeoutUs, clock, hostClock: clock, reconnect: RECONNECT };
    return { link: connectPlc(settings), safeLink: connectPlc(settings) };
  });
}

function makeIds(): () => Uint8Array {
  let count = 0;
  return () => {
    const id = new Uint8Array(16);
    new DataView(id.buffer).setUint32(12, (count += 1));
    return id;
  };
}
