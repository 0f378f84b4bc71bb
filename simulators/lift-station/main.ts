import { createWriteStream } from "node:fs";
import type { WriteStream } from "node:fs";
import { Refusal } from "../../src/cli/output.js";
import type { HazardEpisode } from "./hazards.js";
import type { JournalEntry } from "./journal.js";
import type { PlantState } from "./physics.js";
import type { StationMode } from "./program.js";
import { servePlc } from "./server.js";
import type { PlcServer } from "./server.js";
import { createLiftStation } from "./station.js";
import type { LiftStation, Starts, StationOptions } from "./station.js";

export type LiftStationOptions = StationOptions & {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Modbus unit the PLC answers to; 1 where it is not said. */
  readonly unit?: number;
  /** Plant seconds per real second. */
  readonly scale: number;
  /** Every write received, one JSON object a line; null: kept in memory only. */
  readonly journalFile: string | null;
};

/** A lift station that runs by the wall clock and answers on a socket, until it is closed. */
export type RunningStation = {
  readonly address: { readonly host: string; readonly port: number; readonly unit: number };
  readonly station: LiftStation;
  readonly server: PlcServer;
  readonly journal: () => readonly JournalEntry[];
  readonly hazards: () => readonly HazardEpisode[];
  readonly state: () => StationReport;
  /** May be called again: it ends once. */
  readonly close: () => Promise<void>;
};

/** What a person wants to see of it; plant time in seconds. */
export type StationReport = {
  readonly plantS: number;
  readonly mode: StationMode;
  readonly onFloats: boolean;
  readonly plant: PlantState;
  readonly starts: Starts;
  readonly writes: number;
  readonly connections: number;
  readonly hazards: readonly HazardEpisode[];
};

const TICK_MS = 10;
/** After a halt of this machine at most this much plant time is made up for in one go; the rest follows. */
const CATCH_UP_US = 600_000_000;
/** A million writes: then the file says that it ends. */
const JOURNAL_LINES_MAX = 1_000_000;

/** Rejects with a {@link Refusal} when the port or the journal's file cannot be had. */
export async function runLiftStation(options: LiftStationOptions): Promise<RunningStation> {
  if (!(options.scale > 0 && options.scale <= 1_000)) {
    throw new Refusal("the time scale must be above 0 and at most 1000", 2);
  }
  const station = createLiftStation(options);
  const file = options.journalFile === null ? null : await openJournal(options.journalFile);
  if (file !== null) keepJournal(station, file);

  const startMs = performance.now();
  let advancedUs = 0;
  const catchUp = (): void => {
    const dueUs = Math.floor((performance.now() - startMs) * 1_000 * options.scale);
    const us = Math.min(dueUs - advancedUs, CATCH_UP_US);
    if (us <= 0) return;
    advancedUs += us;
    station.advance(us);
  };
  const unit = options.unit ?? 1;
  const server = await servePlc(station, { ...options, unit, beforeRequest: catchUp }).catch(
    async (error: unknown) => {
      if (file !== null) await closeJournal(file);
      throw error;
    },
  );
  const ticking = setInterval(catchUp, TICK_MS);
  const end = async (): Promise<void> => {
    clearInterval(ticking);
    await server.close();
    if (file !== null) await closeJournal(file);
  };
  let ending: Promise<void> | null = null;

  return {
    address: { host: server.host, port: server.port, unit },
    station,
    server,
    journal: station.journal.entries,
    hazards: station.hazards,
    state: () => reportStation(station, server.connections()),
    close: async () => (ending ??= end()),
  };
}

export function reportStation(station: LiftStation, connections: number): StationReport {
  return {
    plantS: station.nowUs() / 1_000_000,
    mode: station.mode(),
    onFloats: station.program().rule === "floats",
    plant: station.plant(),
    starts: station.starts(),
    writes: station.journal.count(),
    connections,
    hazards: station.hazards(),
  };
}

async function openJournal(path: string): Promise<WriteStream> {
  return new Promise((resolve, reject) => {
    const file = createWriteStream(path, { flags: "a" });
    file.once("open", () => {
      // A disk that fills later costs the file, never the plant.
      file.on("error", () => undefined);
      resolve(file);
    });
    file.once("error", (error) => {
      reject(new Refusal(`cannot write the journal ${path}: ${error.message}`, 2));
    });
  });
}

function keepJournal(station: LiftStation, file: WriteStream): void {
  station.journal.onEntry((entry) => {
    if (entry.number <= JOURNAL_LINES_MAX) file.write(`${JSON.stringify(entry)}\n`);
    else if (entry.number === JOURNAL_LINES_MAX + 1) file.write('{"ends":"file is full"}\n');
  });
}

async function closeJournal(file: WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (file.destroyed) {
      resolve();
      return;
    }
    file.once("close", resolve);
    file.end();
  });
}
