#!/usr/bin/env node
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, rmdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { makeMonotonicClock } from "./adapters/clock/monotonic-clock.js";
import { readMachineBoot } from "./adapters/clock/machine-boot.js";
import { openEvidenceDisk } from "./adapters/evidence-file/evidence-disk.js";
import { connectPlc } from "./adapters/modbus-client/plc-link.js";
import { openFileSigner } from "./adapters/signer-file/file-signer.js";
import { openRecordedSigner } from "./adapters/tpm/recorded-signer.js";
import { Refusal } from "./cli/output.js";
import { runDirectoryOf } from "./cli/run-directory.js";
import type { LoadedSite, SiteMessage } from "./cli/site-files.js";
import { beginBoot, rotationBodies, type BootFacts } from "./guard/boot.js";
import { DoorHost } from "./guard/door-host.js";
import { openEvidence } from "./guard/evidence/open.js";
import { driveLastResort } from "./guard/last-resort.js";
import { Guard } from "./guard/guard.js";
import { viewEntry } from "./guard/entry-view.js";
import { OperatorServer } from "./guard/operator-server.js";
import type { Clock, EvidenceDisk, EvidenceStore, PlcLink, Signer } from "./guard/ports.js";
import { Recollection } from "./guard/recollect.js";
import { doorSettings } from "./guard/site-doors.js";
import type { SigningKey } from "./guard/signing-watch.js";
import { tellStatus } from "./guard/status.js";
import { compileProfile } from "./kernel/profile/compile.js";
import type { Mode } from "./kernel/record/look.js";
import { initialKernelState } from "./kernel/step/step.js";
import type { Us } from "./kernel/units.js";

/** Composition root of the guard: `--site FILE [--run DIR] [--scale N] [--tied]`. */
const INTERNAL_FAULT = 70;
const SOFTWARE = "holdpoint 0.1.0";
/** For the safe state, and again for the flush of evidence, when a fault of our own ends the process. */
const LAST_RESORT_MS = 1_000;
/** Of each request to the TPM: a chip takes up to 200 ms for a signature. */
const TPM_WITHIN_MS = 2_000;
const RECONNECT = { firstUs: 100_000, mostUs: 2_000_000 };

/** How the key is spoken of. */
const KEY_WORDS: Readonly<Record<Signer["kind"], string>> = {
  file: "software, not hardware",
  "tpm-software": "in a software TPM, proves no hardware",
  tpm: "in a TPM",
};

/** What is to be done before this process ends by a fault of its own; set once the plant is ours. */
let beforeTheEnd: ((fault: string) => Promise<void>) | null = null;
process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);
await main();

async function main(): Promise<void> {
  const options = readOptions();
  const loaded = await loadSite(options.site);
  for (const warning of loaded.warnings) say(warning);
  makeRunDirectory(options.run);
  await run(loaded, options);
}

async function loadSite(siteFile: string): Promise<LoadedSite> {
  const loader = new Worker(new URL("main-site-loader.js", import.meta.url), {
    workerData: siteFile,
  });
  const message = await new Promise<SiteMessage>((resolve, reject) => {
    loader.once("message", (sent: SiteMessage) => {
      resolve(sent);
    });
    loader.once("error", reject);
  });
  if (message.ok) return message.loaded;
  throw new Refusal(message.message, message.exitCode);
}

type Options = {
  readonly site: string;
  readonly run: string;
  readonly scale: number;
  /** Ends when the launcher's pipe does. */
  readonly tied: boolean;
};

async function run(loaded: LoadedSite, options: Options): Promise<void> {
  const { site } = loaded;
  if (options.scale !== 1) refuseScaleBut(loaded);
  const profile = compileProfile(loaded.model);
  const clock = makeMonotonicClock(options.scale);
  const machineBoot = readMachineBoot();
  const recollection = new Recollection(profile);
  const { disk, signer, need } = await openFiles(loaded);
  let guard: Guard | null = null;
  const { store, recovered } = await openEvidence({
    disk,
    clock,
    signer,
    gateway: site.gateway,
    bootId: randomBytes(16),
    visitor: recollection.visitor,
    rotate: (link) => {
      guard?.record((state) => rotationBodies(profile, state, link, { clock, machineBoot }));
    },
    report: say,
  });
  const before = recollection.finish(machineBoot);
  const boot = beginBoot(
    profile,
    { ...before, recovered },
    { ...factsOf(loaded, signer), machineBoot, scale: options.scale },
    clock,
  );
  for (const entry of boot.entries) store.append(entry);
  const gapUs =
    before.lastUs === null || options.scale !== 1 ? null : clock.nowUs() - before.lastUs;
  const door = doorSettings(loaded.site, loaded.model);
  const links = linksOf(loaded, clock);
  guard = new Guard({
    profile,
    state: initialKernelState(profile, boot.state, clock.nowUs(), gapUs),
    clock,
    store,
    links,
    door,
    key: { spki: signer.spki, need },
    newId: makeIds(),
    alarm: (id, raised, text) => {
      say(raised ? `ALARM ${id}: ${text}` : `alarm ${id} is over`);
    },
  });
  const hosts = door.listeners.map(({ host }) => host);
  const doors = new DoorHost(guard, { path: join(options.run, "door-modbus.sock"), hosts }, say);
  const facts = {
    site: site.name,
    gateway: site.gateway,
    split: "NOT ENFORCED",
    key: KEY_WORDS[signer.kind],
    pid: process.pid,
    head: store.head.bind(store),
    doors: () => doors.views(),
  } as const;
  await openSockets(guard, { doors, facts, options });
  store.checkpoint("boot");
  const running = guard;
  beforeTheEnd = async (fault) => {
    const driven = await driveLastResort(profile, links, LAST_RESORT_MS);
    say(`safe state: ${driven.length === 0 ? "nothing was acknowledged" : driven.join(", ")}`);
    await lockOut(store, { fault, from: running.state.folded.mode, atUs: clock.nowUs() });
  };
  guard.start();
  say(
    `site ${site.name}, gateway ${site.gateway}, boot ${boot.state.boot}: UNSIGNED; split: NOT ENFORCED`,
  );
}

type Files = {
  readonly disk: EvidenceDisk;
  readonly signer: Signer;
  readonly need: SigningKey["need"];
};

async function openFiles(loaded: LoadedSite): Promise<Files> {
  const { evidenceDir, keyFile, tpm } = loaded;
  const disk = await openEvidenceDisk(evidenceDir).catch(
    refuseOver(`evidence folder ${evidenceDir}`),
  );
  const inTpm = tpm === null ? null : await openTpm(tpm);
  if (inTpm !== null) return { disk, signer: inTpm, need: tpm?.need ?? "required" };
  const signer = await openFileSigner(keyFile).catch(refuseOver(`signing key ${keyFile}`));
  return { disk, signer, need: "none" };
}

/** The TPM itself may come later. Null: there is no record of keys in one, where that is only preferred. */
async function openTpm({
  directory,
  need,
}: NonNullable<LoadedSite["tpm"]>): Promise<Signer | null> {
  const program = fileURLToPath(new URL("main-tpm.js", import.meta.url));
  const opened = await openRecordedSigner({ directory, program, deadlineMs: TPM_WITHIN_MS });
  if (opened.ok) return opened.signer;
  const why = `the TPM's keys cannot be used: ${opened.says}`;
  if (need === "required") {
    throw new Refusal(`${why}. Mend it, or say need: preferred under tpm: in the site file`, 2);
  }
  say(`ALARM tpm: ${why}; this run is signed with the file key, which is software, not hardware`);
  return null;
}

function factsOf(loaded: LoadedSite, signer: Signer): Omit<BootFacts, "machineBoot"> {
  return {
    software: Uint8Array.from(createHash("sha256").update(SOFTWARE).digest()),
    site: loaded.siteDigest,
    key: signer.kind,
    spki: signer.spki,
    splitEnforced: false,
    profileBytes: loaded.profileBytes,
  };
}

/**
 * The last entry of a run that ended by a fault of ours: the next one stays locked out, with the safe state
 * driven, until a person takes over. Bounded: a disk that does not answer keeps nobody.
 */
async function lockOut(
  store: EvidenceStore,
  end: { readonly fault: string; readonly from: Mode; readonly atUs: Us },
): Promise<void> {
  store.append({
    seq: store.head().nextSeq,
    monoUs: end.atUs,
    cause: null,
    body: {
      type: "mode",
      from: end.from,
      to: "locked-out",
      why: `internal fault: ${end.fault}`.slice(0, 200),
      look: null,
    },
  });
  await Promise.race([store.close(), wait(LAST_RESORT_MS)]);
}

/** Time may run faster in a simulation alone: with a real plant every limit would be a lie. */
function refuseScaleBut({ site }: LoadedSite): void {
  const hosts = [...site.devices, ...site.listeners].map(({ host }) => host);
  const stranger = hosts.find((host) => !host.startsWith("127."));
  if (stranger === undefined) return;
  throw new Refusal(
    `time can be scaled for a simulation on loopback only, not with ${stranger}`,
    2,
  );
}

/** What cannot be mended by starting again: a person reads one line, and the supervisor stops. */
function refuseOver(what: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Error)) throw new Refusal(`${what} cannot be used: ${String(error)}`, 2);
    // The operating system's own refusals have a code; ours are sentences already.
    const code = "code" in error ? String(error.code) : null;
    if (code === null) throw new Refusal(error.message, 2);
    const why = { EEXIST: "a file stands there", ENOTDIR: "a file stands in its path" }[code];
    const said = why ?? (code === "EACCES" ? "this user may not write there" : code);
    throw new Refusal(`${what} cannot be used (${said}): mend it, or name another in the site`, 2);
  };
}

async function openSockets(
  guard: Guard,
  parts: {
    readonly doors: DoorHost;
    readonly facts: Parameters<typeof tellStatus>[1];
    readonly options: Options;
  },
): Promise<void> {
  const { doors, facts, options } = parts;
  const operators = new OperatorServer({
    path: join(options.run, "operator.sock"),
    status: () => tellStatus(guard, facts),
    act: (act) => {
      guard.act(act);
    },
  });
  guard.onEntry((entry) => {
    if (!operators.isWatched) return;
    const view = viewEntry(guard.profile, entry);
    if (view !== null) operators.tell(view);
  });
  await doors.listen();
  await operators.listen();
  let ending = false;
  const end = (why: string): void => {
    if (ending) return;
    ending = true;
    doors.close();
    operators.close();
    guard.stop(why).then(() => {
      leaveRunDirectory(options.run);
      process.exit(0);
    }, fail);
  };
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(signal, () => {
      end(signal);
    });
  }
  process.stdin.on("error", () => undefined);
  process.stdin.on("end", () => {
    if (options.tied) end("the launcher is gone");
  });
  process.stdin.resume();
}

/** Two connections to each device: the second is kept ready for safe writes alone. */
function linksOf(
  loaded: LoadedSite,
  clock: Clock,
): readonly { readonly link: PlcLink; readonly safeLink: PlcLink }[] {
  const hostClock = makeMonotonicClock();
  return loaded.model.devices.map(({ name, timeoutUs }) => {
    const place = loaded.site.devices.find((device) => device.name === name);
    if (place === undefined) throw new Refusal(`the site file does not say where ${name} is`, 1);
    const { host, port, unit } = place;
    const settings = { host, port, unit, timeoutUs, clock, hostClock, reconnect: RECONNECT };
    return { link: connectPlc(settings), safeLink: connectPlc(settings) };
  });
}

/** Eight random bytes of this run and a count: never the same twice. */
function makeIds(): () => Uint8Array {
  const run = randomBytes(8);
  let count = 0;
  return () => {
    count += 1;
    const id = new Uint8Array(16);
    id.set(run);
    // Big end first; a count is never so large that a number could not hold it.
    for (let at = 15, rest = count; at >= 8; at -= 1, rest = Math.floor(rest / 256)) {
      id[at] = rest % 256;
    }
    return id;
  };
}

/** Whoever can write here could stand in for the guard: this user's own, or nothing. */
function makeRunDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const found = statSync(path);
  if (found.uid !== process.getuid?.()) throw new Refusal(`${path} belongs to another user`, 2);
  chmodSync(path, 0o700);
}

/** Its sockets are closed and gone. What somebody else put there stays, and the directory with it. */
function leaveRunDirectory(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    return;
  }
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      site: { type: "string" },
      run: { type: "string" },
      scale: { type: "string", default: "1" },
      tied: { type: "boolean", default: false },
    },
  });
  if (values.site === undefined) throw new Refusal("holdpoint guard: --site FILE is missing", 2);
  const scale = Number(values.scale);
  if (!(scale >= 1 && scale <= 100)) throw new Refusal("the time scale must be from 1 to 100", 2);
  return {
    site: values.site,
    run: values.run ?? runDirectoryOf(values.site),
    scale,
    tied: values.tied,
  };
}

function say(line: string): void {
  process.stderr.write(`holdpoint: ${line}\n`);
}

/** A fault of ours: the safe state, the flush, and out. A second one while that goes on ends it at once. */
function fail(error: unknown): void {
  if (error instanceof Refusal) {
    process.stderr.write(`${error.message}\n`);
    process.exit(error.exitCode);
  }
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`holdpoint: internal fault: ${message}\n`);
  if (process.env["HOLDPOINT_DEBUG"] !== undefined && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ""}\n`);
  }
  const last = beforeTheEnd;
  beforeTheEnd = null;
  if (last === null) process.exit(INTERNAL_FAULT);
  const end = (): never => process.exit(INTERNAL_FAULT);
  last(message).then(end, end);
}
