import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { runLiftStation } from "./lift-station/main.js";
import type { RunningStation, StationReport } from "./lift-station/main.js";

/** `holdpoint sim lift-station`: the demo plant for other people's tests. Throws a Refusal for a person to read. */
export function addSimCommands(program: Command): void {
  const sim = program
    .command("sim")
    .description("plants to test against, with a PLC that speaks Modbus TCP");
  sim
    .command("lift-station")
    .description("a wastewater lift station: wet well, two pumps, discharge valve, PLC")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <number>", "port to listen on; 0 takes any free one", parsePort, 1502)
    .option("--seed <number>", "same seed, same inflow and noise", parseSeed, 1)
    .option("--scale <factor>", "plant seconds per second", parseScale, 1)
    .option("--journal <file>", "append every write received, one JSON object a line")
    .option("--idle", "start with pumps stopped and the valve closed")
    .option("--loose-terminal", "the pressure transmitter drops out for 3 s in every 25 s")
    .option("--for <seconds>", "end after so many real seconds", parseScale)
    .option("--json", "one JSON object a line")
    .action(async (options: SimOptions) => {
      await showLiftStation(options);
    });
}

type SimOptions = {
  readonly host: string;
  readonly port: number;
  readonly seed: number;
  readonly scale: number;
  readonly journal?: string;
  readonly idle?: boolean;
  readonly looseTerminal?: boolean;
  readonly for?: number;
  readonly json?: boolean;
};

async function showLiftStation(options: SimOptions): Promise<void> {
  const running = await runLiftStation({
    host: options.host,
    port: options.port,
    seed: options.seed,
    scale: options.scale,
    journalFile: options.journal ?? null,
    start: options.idle === true ? "idle" : "running",
    looseTerminal: options.looseTerminal === true,
  });
  const asJson = options.json === true;
  sayStart(running, options, asJson);
  let toldHazards = 0;
  const telling = setInterval(() => {
    const report = running.state();
    for (const hazard of report.hazards.slice(toldHazards)) {
      if (!asJson)
        say(`HAZARD ${hazard.name} at ${toS(hazard.fromUs)} s: ${hazard.says} (${hazard.rule})`);
    }
    toldHazards = report.hazards.length;
    say(asJson ? JSON.stringify(report) : describeReport(report));
  }, 1_000);
  await untilStopped(options.for ?? null);
  clearInterval(telling);
  const last = running.state();
  await running.close();
  say(asJson ? JSON.stringify({ ended: true, ...last }) : summarise(last));
}

/** Ctrl-C, a polite kill, or the time given. */
async function untilStopped(seconds: number | null): Promise<void> {
  return new Promise((resolve) => {
    const timer = seconds === null ? null : setTimeout(stop, seconds * 1_000);
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
    function stop(): void {
      if (timer !== null) clearTimeout(timer);
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
      resolve();
    }
  });
}

function sayStart(running: RunningStation, options: SimOptions, asJson: boolean): void {
  const { host, port, unit } = running.address;
  if (asJson) {
    say(
      JSON.stringify({ started: true, host, port, unit, seed: options.seed, scale: options.scale }),
    );
    return;
  }
  say(
    `lift station: Modbus TCP on ${host}:${port}, unit ${unit}; seed ${options.seed}, ${options.scale}x real time; Ctrl-C ends it`,
  );
}

function describeReport(report: StationReport): string {
  const { plant } = report;
  const pumps = plant.pumps.map((pump) => (pump.powered ? `${pump.shaftHz.toFixed(1)} Hz` : "off"));
  return [
    `${report.plantS.toFixed(0)} s`,
    report.onFloats ? "LOCAL (floats)" : report.mode,
    `level ${plant.levelM.toFixed(2)} m`,
    `pumps ${pumps.join(", ")}`,
    `valve ${(plant.valve * 100).toFixed(0)} %`,
    `in ${(plant.inflowM3S * 1_000).toFixed(1)} l/s, out ${(plant.flowM3S * 1_000).toFixed(1)} l/s`,
    `${plant.pressureBar.toFixed(2)} bar`,
    `${report.writes} writes`,
  ].join("  ");
}

function summarise(report: StationReport): string {
  const starts = report.starts.ever;
  const hazards =
    report.hazards.length === 0
      ? "no hazard"
      : report.hazards.map((hazard) => `${hazard.name} from ${toS(hazard.fromUs)} s`).join(", ");
  return `ended after ${report.plantS.toFixed(0)} s of plant time: ${report.writes} writes received, ${starts[0]} and ${starts[1]} pump starts, ${hazards}`;
}

function toS(us: number): string {
  return (us / 1_000_000).toFixed(1);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidArgumentError("a port is a whole number from 0 to 65535");
  }
  return port;
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (!Number.isSafeInteger(seed)) throw new InvalidArgumentError("a seed is a whole number");
  return seed;
}

function parseScale(text: string): number {
  const factor = Number(text);
  if (!(factor > 0 && factor <= 1_000_000)) {
    throw new InvalidArgumentError("it must be a number above 0");
  }
  return factor;
}
