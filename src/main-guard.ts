#!/usr/bin/env node
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { makeMonotonicClock } from "./adapters/clock/monotonic-clock.js";
import { readMachineBoot } from "./adapters/clock/machine-boot.js";
import { openCommitKeys } from "./adapters/commit-keys/commit-keys.js";
import { lockDirectory } from "./adapters/evidence-file/directory-lock.js";
import { openEvidenceDisk } from "./adapters/evidence-file/evidence-disk.js";
import { connectPlc } from "./adapters/modbus-client/plc-link.js";
import { openFileSigner } from "./adapters/signer-file/file-signer.js";
import { makeMissingSigner } from "./adapters/tpm/missing-signer.js";
import { openRecordedSigner } from "./adapters/tpm/recorded-signer.js";
import { openWitnessFolder } from "./adapters/witness-folder/witness-folder.js";
import {
  readGuardOptions,
  refuseOver,
  refuseScaleBut,
  type GuardOptions,
} from "./cli/guard-options.js";
import { openSockets } from "./cli/guard-sockets.js";
import { keyInWords } from "./cli/key-in-words.js";
import { Refusal } from "./cli/output.js";
import { makeRunDirectory } from "./cli/run-directory.js";
import type { LoadedSite, SiteMessage } from "./cli/site-files.js";
import { beginBoot, rotationBodies, type BootFacts } from "./guard/boot.js";
import { makeIds } from "./guard/command-ids.js";
import { DoorHost } from "./guard/door-host.js";
import { prepareAnchors, type Anchoring } from "./guard/evidence/anchoring.js";
import { compareWithTpm, type Compared } from "./guard/evidence/compare.js";
import { openEarly } from "./guard/evidence/open-early.js";
import { openEvidence } from "./guard/evidence/open.js";
import { SpaceWatch } from "./guard/evidence/space-watch.js";
import { watchSpace } from "./guard/space.js";
import { endInSafeState } from "./guard/last-resort.js";
import { OwnFault, wordsOf } from "./guard/own-fault.js";
import { Guard } from "./guard/guard.js";
import type { HostClock } from "./guard/host-clock.js";
import type {
  AnchorKey,
  Clock,
  EvidenceDisk,
  EvidenceSpace,
  EvidenceStore,
  PlcLink,
  Signer,
} from "./guard/ports.js";
import { Recollection } from "./guard/recollect.js";
import { doorSettings } from "./guard/site-doors.js";
import type { SigningKey } from "./guard/signing-watch.js";
import { statusFacts } from "./guard/status.js";
import { compileProfile } from "./kernel/profile/compile.js";
import type { CompiledProfile } from "./kernel/profile/compiled.js";
import type { EntryBody } from "./kernel/record/entry.js";
import { initialKernelState } from "./kernel/step/step.js";

/** Composition root of the guard: `--site FILE [--run DIR] [--scale N] [--tied]`. */
const SOFTWARE = "holdpoint 0.1.0";
/** For the safe state, and again for the flush of evidence, when a fault of our own ends the process. */
const LAST_RESORT_MS = 1_000;
/** Of each request to the TPM: a chip takes up to 200 ms for a signature. */
const TPM_WITHIN_MS = 2_000;
/** Of a log that a TPM which came late was found to be ahead of. */
const START_ANEW = "start the gateway anew with its TPM there, then accept-log";
const RECONNECT = { firstUs: 100_000, mostUs: 2_000_000 };

const ownFault = new OwnFault({ say, exit: (code) => process.exit(code) });
// A plant does not fall because nobody reads any more what its guard says.
process.stderr.on("error", () => undefined);
process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);
await main();

async function main(): Promise<void> {
  const options = readGuardOptions();
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

/** What the log asks for, and what is only there when the guard is. */
type Late = {
  guard: Guard | null;
  admit: ((anchors: AnchorKey) => string | null) | null;
  /** The log is not the one that its key signed last: nothing is handed over in it. */
  isLost: boolean;
};

async function run(loaded: LoadedSite, options: GuardOptions): Promise<void> {
  const { site } = loaded;
  if (options.scale !== 1) refuseScaleBut(loaded);
  const profile = compileProfile(loaded.model);
  const clock = makeMonotonicClock(options.scale);
  const machineBoot = readMachineBoot();
  const late: Late = { guard: null, admit: null, isLost: false };
  const log = await openLog(loaded, { profile, clock, machineBoot, late });
  const { store, signer, compared, before, space } = log;
  const boot = beginBoot(
    profile,
    before,
    { ...factsOf(loaded, signer, compared), machineBoot, scale: options.scale },
    clock,
  );
  for (const entry of boot.entries) store.append(entry);
  const gapUs =
    before.lastUs === null || options.scale !== 1 ? null : clock.nowUs() - before.lastUs;
  const anchoring = anchor(loaded, log, { clock, late });
  const door = doorSettings(loaded.site, loaded.model);
  const links = linksOf(loaded, clock);
  const guard = new Guard({
    profile,
    state: initialKernelState(profile, boot.state, clock.nowUs(), gapUs),
    clock,
    store,
    links,
    door,
    key: {
      get spki() {
        return store.key;
      },
      need: log.need,
    },
    newId: makeIds(),
    alarm: (id, raised, text) => {
      say(raised ? `ALARM ${id}: ${text}` : `alarm ${id} is over`);
    },
    beforeClose: anchoring.close,
    failed: fail,
  });
  late.guard = guard;
  const cut = await serve(guard, { loaded, options, signer, store, anchoring, space, door });
  ownFault.arm({
    halts: [
      () => {
        guard.halt();
      },
      cut,
      () => {
        space.stop();
      },
      anchoring.halt,
    ],
    lastResort: async (fault) => {
      const end = { fault, from: guard.state.folded.mode, atUs: clock.nowUs() };
      await endInSafeState({ profile, links, store, say }, end, LAST_RESORT_MS);
    },
  });
  await watchSpace(space, guard, store);
  guard.start();
  // After the guard has begun to wait for it.
  store.checkpoint("boot");
  anchoring.start();
  say(
    `site ${site.name}, gateway ${site.gateway}, boot ${boot.state.boot}: UNSIGNED; split: NOT ENFORCED`,
  );
}

type Log = Awaited<ReturnType<typeof openLog>>;

/** The log as it was found, the key that signs it, and what that key's TPM says of it. */
async function openLog(
  loaded: LoadedSite,
  of: {
    readonly profile: CompiledProfile;
    readonly clock: HostClock;
    readonly machineBoot: Uint8Array | null;
    readonly late: Late;
  },
) {
  const { profile, clock, machineBoot, late } = of;
  const { disk, signer, need } = await openFiles(loaded);
  const { commitEveryUs, space: policy } = loaded.site.evidence;
  const space = new SpaceWatch({ disk, policy, clock, report: say });
  const recollection = new Recollection(profile);
  const { store, recovered } = await openEvidence({
    disk,
    clock,
    signer,
    commitKeys: openCommitKeys(),
    gateway: loaded.site.gateway,
    bootId: randomBytes(16),
    visitor: recollection.visitor,
    rotate: (link, next) => {
      const nextKey = late.isLost ? null : next;
      late.guard?.record((now) => rotationBodies(profile, now, link, { machineBoot, nextKey }));
    },
    admit: (anchors) => late.admit?.(anchors) ?? null,
    report: say,
    reserve: space.reserve,
    commitEveryUs,
  });
  const before = { ...recollection.finish(machineBoot), recovered };
  // The TPM may come later in the run; what it says now stands in the boot entry. The plant does not wait for it.
  const early = await openEarly(signer, TPM_WITHIN_MS);
  const compared =
    early?.ok === true ? compareWithTpm(recovered.standing, signer, early.anchors) : null;
  late.isLost = compared?.lost != null;
  if (compared?.lost != null) say(`ALARM log: ${compared.lost}; locked out until accept-log`);
  return { disk, signer, need, space, store, before, compared };
}

/** Anchors begin when the TPM has been found and the log goes with it: now, or when it comes. */
function anchor(
  loaded: LoadedSite,
  { disk, store, signer, compared, before }: Log,
  { clock, late }: { readonly clock: HostClock; readonly late: Late },
): Anchoring {
  const { standing } = before.recovered;
  const record = (body: EntryBody): void => {
    late.guard?.record(() => [body]);
  };
  const { anchoredUtcS } = standing;
  const to = loaded.witness;
  const witness = to === null ? null : { ...to, folder: openWitnessFolder(to.directory) };
  const needs = { clock, disk, store, anchoredUtcS, record, report: say, witness };
  const anchoring = prepareAnchors(loaded.tpm, needs);
  late.admit = (anchors) => {
    const held = compared ?? compareWithTpm(standing, signer, anchors);
    if (compared === null && held.lost !== null) return `${held.lost}; ${START_ANEW}`;
    anchoring.adopt(anchors, held.newest);
    return null;
  };
  return anchoring;
}

/** Its doors and its operator socket; what it returns cuts them off. */
async function serve(
  guard: Guard,
  of: {
    readonly loaded: LoadedSite;
    readonly options: GuardOptions;
    readonly signer: Signer;
    readonly store: EvidenceStore;
    readonly anchoring: Anchoring;
    readonly space: SpaceWatch;
    readonly door: ReturnType<typeof doorSettings>;
  },
): Promise<() => void> {
  const { loaded, options, signer, store, anchoring, space, door } = of;
  const hosts = door.listeners.map(({ host }) => host);
  const doors = new DoorHost(guard, { path: join(options.run, "door-modbus.sock"), hosts }, say);
  const key = keyInWords(signer);
  const { flash } = anchoring;
  const facts = statusFacts(loaded.site, { key, pid: process.pid, store, flash, doors, space });
  const isFailing = (): boolean => ownFault.isEnding;
  return await openSockets(guard, { doors, facts, options, isFailing, fail });
}

type Files = {
  readonly disk: EvidenceDisk & EvidenceSpace;
  readonly signer: Signer;
  readonly need: SigningKey["need"];
};

async function openFiles(loaded: LoadedSite): Promise<Files> {
  const { evidenceDir, keyFile, tpm } = loaded;
  const folder = `evidence folder ${evidenceDir}`;
  const log = await openEvidenceDisk(evidenceDir).catch(refuseOver(folder));
  const held = [log.release];
  // What is held is let go together, after the last signature.
  const release = async (): Promise<void> => {
    for (const free of held) await free();
  };
  const disk = { ...log, release };
  const inTpm = tpm === null ? null : await openTpm(tpm, held);
  if (inTpm !== null) return { disk, signer: inTpm, need: tpm?.need ?? "required" };
  const signer = await openFileSigner(keyFile).catch(refuseOver(`signing key ${keyFile}`));
  return { disk, signer, need: "none" };
}

/** The TPM itself may come later. Null: there is no record of keys in one, where that is only preferred. */
async function openTpm(
  { directory, need }: NonNullable<LoadedSite["tpm"]>,
  held: (() => Promise<void>)[],
): Promise<Signer | null> {
  const program = fileURLToPath(new URL("main-tpm.js", import.meta.url));
  const hold = async (path: string): Promise<unknown> => held.push(await lockDirectory(path));
  const ask = { directory, program, deadlineMs: TPM_WITHIN_MS, hold };
  const opened = await openRecordedSigner(ask);
  if (opened.ok) return opened.signer;
  const why = `the TPM's keys cannot be used: ${opened.says}`;
  if (need === "required") {
    // Plants have a safe state to be driven to also where nobody knows whose signature to wait for.
    say(`ALARM tpm: ${why}; nothing is permitted until it is mended and the gateway started anew`);
    return makeMissingSigner(`${why}; mend it and start the gateway anew`);
  }
  say(`ALARM tpm: ${why}; this run is signed with the file key, which is software, not hardware`);
  return null;
}

function factsOf(
  loaded: LoadedSite,
  signer: Signer,
  compared: Compared | null,
): Omit<BootFacts, "machineBoot"> {
  return {
    software: Uint8Array.from(createHash("sha256").update(SOFTWARE).digest()),
    site: loaded.siteDigest,
    key: signer.kind,
    spki: signer.spki,
    // In a log that is not the one which the old key signed last nothing is handed over.
    next: compared?.lost == null ? (signer.handover?.to?.spki ?? null) : null,
    givenUp: signer.handover?.to === null ? (signer.before?.spki ?? null) : null,
    splitEnforced: false,
    nv: compared?.nv ?? null,
    lost: compared?.lost ?? null,
    profileBytes: loaded.profileBytes,
  };
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

function say(line: string): void {
  process.stderr.write(`holdpoint: ${line}\n`);
}

/** A refusal is for a person to mend, but not once the plant is ours: then it is a fault like any other. */
function fail(error: unknown): void {
  if (error instanceof Refusal && !ownFault.isArmed) {
    process.stderr.write(`${error.message}\n`);
    process.exit(error.exitCode);
  }
  if (process.env["HOLDPOINT_DEBUG"] !== undefined && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ""}\n`);
  }
  ownFault.take(wordsOf(error));
}
