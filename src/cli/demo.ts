import { resolve } from "node:path";
import { InvalidArgumentError, Option, type Command } from "commander";
import { checkGuarded } from "./demo-check.js";
import type { DemoController, DemoParts, DemoPlant } from "./demo-parts.js";
import { chooseKey, KEY_CHOICES, type DemoTpms, type KeyChoice } from "./demo-key.js";
import { assertFree, makeDemoFolder, makeDemoSite, OWN_UNIT, type DemoSite } from "./demo-site.js";
import { checkHazards, renderChecks, type Check } from "./demo-summary.js";
import { DemoView, type Screen } from "./demo-view.js";
import type { EntryView } from "../guard/entry-view.js";
import type { GuardStatus } from "../guard/status.js";
import { watchOperator } from "./operator-link.js";
import { Refusal } from "./output.js";
import { startSite, type Programs, type RunningSite } from "./run.js";
import { askStatus } from "./status.js";

const DRAW_MS = 500;
const NOTES_EVERY = 10;
const READY_WITHIN_MS = 20_000;
/** The controller's time after its last scheduled act in which an unguarded plant shows what it did. */
const AFTERMATH_S = 1_800;

export type DemoOptions = {
  readonly for?: number;
  readonly seed: number;
  readonly scale: number;
  readonly port: number;
  readonly key: KeyChoice;
  readonly keys: string;
  readonly unguarded: boolean;
  readonly json: boolean;
  readonly color: boolean;
};

/** `holdpoint demo`: plant, gateway and an AI controller that turns bad, on this machine alone. */
export function addDemoCommand(
  program: Command,
  deps: {
    readonly parts: DemoParts;
    readonly programs: Programs;
    readonly tpms: DemoTpms;
    readonly exit: (code: number) => void;
  },
): void {
  program
    .command("demo")
    .description(
      "a lift station, the gateway and an AI controller that turns bad; Ctrl-C ends it with a summary",
    )
    .option("--for <time>", "end after so long, such as 30s or 2m", parseSeconds)
    .option("--seed <number>", "same seed, same plant and controller", parseWhole, 1)
    .option("--scale <factor>", "how much faster than real time", parseScale, 7)
    .option("--port <number>", "port of `ai`; `visitor` has the next one", parseWhole, 1502)
    .addOption(
      new Option("--key <kind>", "where the key is that signs evidence")
        .choices(KEY_CHOICES)
        .default("auto"),
    )
    .option("--keys <dir>", "folder of the keys in a TPM, if there are any", "holdpoint-key")
    .option(
      "--unguarded",
      "the same controller straight to the PLC: the hazard really happens",
      false,
    )
    .option("--json", "one JSON object a line", false)
    .option("--no-color", "no colours")
    .action(async (options: DemoOptions) => {
      const demo = options.unguarded
        ? runUnguarded(options, deps.parts)
        : runGuarded(options, deps);
      deps.exit(await demo);
    });
}

async function runGuarded(
  options: DemoOptions,
  deps: { readonly parts: DemoParts; readonly programs: Programs; readonly tpms: DemoTpms },
): Promise<number> {
  const { parts, programs, tpms } = deps;
  await assertFree(options.port);
  await assertFree(options.port + 1);
  const end = waitForEnd();
  const directory = makeDemoFolder();
  const records = resolve(options.keys);
  const key = await chooseKey({ choice: options.key, records, directory }, tpms);
  const plant = await parts.startPlant(options);
  const ports = { plc: plant.port, first: options.port };
  const demoSite = makeDemoSite(directory, parts.profile, ports, key.keys);
  const run = { site: demoSite.siteFile, scale: options.scale, tied: true, log: demoSite.log };
  const site = startSite(run, programs, () => undefined);
  let controller: DemoController | null = null;
  try {
    say(options, `evidence, site file and gateway.log are in ${demoSite.directory}`);
    for (const line of key.says) say(options, line);
    say(
      options,
      `Modbus TCP: ai on 127.0.0.1:${options.port}, visitor on 127.0.0.1:${options.port + 1}`,
    );
    await waitUntilEnforcing(site, demoSite, end);
    const { seed, scale, port } = options;
    controller = parts.startController({ port, ownUnit: OWN_UNIT, seed, scale });
    await showUntilEnd({ options, plant, controller, site, demoSite, end });
    const facts = { elapsedS: controller.elapsedS(), records: controller.records() };
    const tally = controller.tally();
    await controller.close();
    const last = await askStatus(site.runDirectory);
    await site.stop();
    const checks = await checkGuarded({ ...facts, parts, plant, demoSite });
    return conclude(options, checks, {
      counts: describeCounts(last, tally),
      key: last.evidence.key,
    });
  } finally {
    await controller?.close();
    await site.stop();
    await plant.close();
    // After the gateway, which signs a last checkpoint.
    await key.end();
  }
}

async function runUnguarded(options: DemoOptions, parts: DemoParts): Promise<number> {
  const end = waitForEnd();
  const plant = await parts.startPlant(options);
  const { seed, scale } = options;
  const controller = parts.startController({ port: plant.port, ownUnit: null, seed, scale });
  say(options, "UNGUARDED: the controller writes straight to the PLC, nothing judges it");
  const view = new DemoView(liveness(options), (text) => void process.stdout.write(text));
  const lastDueS = Math.max(...parts.badActs.map(({ dueS }) => dueS));
  const startMs = performance.now();
  for (let drawn = 0; !end.signal.aborted && !isOver(options, startMs); drawn++) {
    const evidence = "none: nothing is recorded";
    const screen = { ...screenOf({ plant, controller, status: null, evidence }), guarded: false };
    if (drawn % NOTES_EVERY === 0 && !options.json) view.note(screen);
    if (!options.json) view.draw(screen);
    if (plant.hazards().length > 0 || controller.elapsedS() > lastDueS + AFTERMATH_S) break;
    await end.pause(DRAW_MS);
  }
  const hazards = plant.hazards();
  await controller.close();
  await plant.close();
  for (const { name, rule, says, fromS } of hazards) {
    say(options, `HAZARD ${name} (${rule}) at ${fromS.toFixed(0)} s of plant time: ${says}`);
  }
  return conclude(options, [checkHazards(hazards)], { counts: "unguarded", key: null });
}

async function showUntilEnd(show: {
  readonly options: DemoOptions;
  readonly plant: DemoPlant;
  readonly controller: DemoController;
  readonly site: RunningSite;
  readonly demoSite: DemoSite;
  readonly end: End;
}): Promise<void> {
  const { options, plant, controller, site, demoSite, end } = show;
  const view = new DemoView(liveness(options), (text) => void process.stdout.write(text));
  const stopWatching = watchOperator(
    site.runDirectory,
    (entry) => {
      if (!isEntryView(entry)) return;
      if (options.json) process.stdout.write(`${JSON.stringify(entry)}\n`);
      else view.add(entry);
    },
    () => undefined,
  );
  const startMs = performance.now();
  for (let drawn = 0; !end.signal.aborted && !isOver(options, startMs); drawn++) {
    const status = await askStatus(site.runDirectory).catch(() => null);
    const screen = screenOf({ plant, controller, status, evidence: `in ${demoSite.evidence}` });
    if (!options.json) {
      if (drawn % NOTES_EVERY === 0) view.note(screen);
      view.draw(screen);
    }
    await end.pause(DRAW_MS);
  }
  stopWatching();
}

function isOver(options: DemoOptions, startMs: number): boolean {
  return options.for !== undefined && performance.now() - startMs >= options.for * 1_000;
}

function screenOf(of: {
  readonly plant: DemoPlant;
  readonly controller: DemoController;
  readonly status: GuardStatus | null;
  readonly evidence: string;
}): Screen {
  const { asked, granted, refused } = of.controller.tally();
  const bad = of.controller.records().length;
  const dead = of.controller.isDead() ? ", DEAD (its sockets stay open)" : "";
  return {
    status: of.status,
    guarded: true,
    plant: of.plant.view(),
    controller: `asked ${asked}, granted ${granted}, refused ${refused}; misdeeds ${bad}${dead}`,
    evidence: of.evidence,
  };
}

async function waitUntilEnforcing(site: RunningSite, demoSite: DemoSite, end: End): Promise<void> {
  const startMs = performance.now();
  const gone = new AbortController();
  site.ended.then(
    () => {
      gone.abort();
    },
    () => undefined,
  );
  while (!end.signal.aborted) {
    const status = await askStatus(site.runDirectory).catch(() => null);
    if (status?.mode === "enforcing" && status.doors.some(({ listening }) => listening.length > 0))
      return;
    if (gone.signal.aborted || performance.now() - startMs > READY_WITHIN_MS) {
      throw new Refusal(`the gateway did not come up: ${demoSite.logFile} says why`, 2);
    }
    await end.pause(100);
  }
}

function conclude(
  options: DemoOptions,
  checks: readonly Check[],
  { counts, key }: { readonly counts: string; readonly key: string | null },
): number {
  const ok = checks.every((check) => check.ok);
  const summary = { summary: true, ok, checks, counts, key };
  if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  else process.stdout.write(`\n${counts}\n${renderChecks(checks)}\n`);
  return ok ? 0 : 1;
}

function describeCounts(status: GuardStatus, tally: ReturnType<DemoController["tally"]>): string {
  const { verdicts, reasons } = status;
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ");
  return [
    `verdicts  ${list(verdicts)}`,
    `reasons   ${list(reasons)}`,
    `sound     asked ${tally.asked}, granted ${tally.granted}, refused ${tally.refused}`,
    `UNSIGNED; split: NOT ENFORCED; key: ${status.evidence.key}`,
  ].join("\n");
}

function liveness(options: DemoOptions): { readonly live: boolean; readonly color: boolean } {
  const live = process.stdout.isTTY && !options.json;
  return { live, color: live && options.color };
}

function say(options: DemoOptions, line: string): void {
  process.stdout.write(options.json ? `${JSON.stringify({ says: line })}\n` : `${line}\n`);
}

function isEntryView(value: unknown): value is EntryView {
  return typeof value === "object" && value !== null && "type" in value && "seq" in value;
}

type End = { readonly signal: AbortSignal; readonly pause: (ms: number) => Promise<void> };

/** Ctrl-C, or a polite kill. */
function waitForEnd(): End {
  const ended = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      ended.abort();
    });
  }
  return {
    signal: ended.signal,
    pause: async (ms) => {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          ended.signal.removeEventListener("abort", done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        ended.signal.addEventListener("abort", done);
      });
    },
  };
}

function parseSeconds(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text);
  const factor = { s: 1, m: 60, h: 3_600 }[match?.[2] ?? "s"];
  const seconds = Number(match?.[1]) * (factor ?? NaN);
  if (!(seconds > 0)) throw new InvalidArgumentError("a time such as 30s or 2m");
  return seconds;
}

function parseScale(text: string): number {
  const scale = Number(text);
  if (!(scale >= 1 && scale <= 20)) throw new InvalidArgumentError("from 1 to 20");
  return scale;
}

function parseWhole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError("a whole number");
  return value;
}
