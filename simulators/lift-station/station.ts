import type { Us } from "../../src/kernel/units.js";
import { createHazardLog, findHazards } from "./hazards.js";
import type { HazardEpisode } from "./hazards.js";
import { latchImage } from "./image.js";
import type { Scanned } from "./image.js";
import { createInflow } from "./inflow.js";
import { createJournal } from "./journal.js";
import type { Journal } from "./journal.js";
import { startIdle, startRunning, stepPlant } from "./physics.js";
import type { Actuators, PlantState } from "./physics.js";
import { createProgram, scanProgram, stationMode } from "./program.js";
import type { Orders, Program, StationMode } from "./program.js";
import { createRegisters } from "./registers.js";
import type { PlcReply, Registers, Table } from "./registers.js";
import { createSensors } from "./sensors.js";
import type { Field, Sensors, Transmitter, TransmitterFault } from "./sensors.js";
import { WATCHDOG_LEASE_MS, createWatchdogBlock, scanWatchdogBlock } from "./watchdog-block.js";
import type { WatchdogBlock } from "./watchdog-block.js";

/** One PLC scan and one step of the physics, in plant time. */
export const SCAN_US: Us = 100_000;
const SCAN_S = 0.1;

export type StationOptions = {
  readonly seed: number;
  /** `running`: valve open, pump 1 at 30 Hz (standard). `idle`: nothing turns, the discharge is closed. */
  readonly start?: "running" | "idle";
  /** True level at the start, m; 2.4 where it is not said. */
  readonly levelM?: number;
  /** The pressure transmitter drops out for 3 s in every 25 s, as a loose terminal does. */
  readonly looseTerminal?: boolean;
  /** How many writes the journal keeps; 100,000 where it is not said. */
  readonly journalEntries?: number;
};

/**
 * Plant and PLC in one, without sockets. Time passes only by `advance`; same seed and same calls, same run.
 * Bits are 0 and 1; addresses are zero-based.
 */
export type LiftStation = {
  readonly seed: number;
  readonly nowUs: () => Us;
  /** Whole scans are carried out; a remainder waits for the next call. */
  readonly advance: (us: Us) => void;
  readonly read: (table: Table, address: number, quantity: number) => PlcReply;
  readonly write: (write: PlcWrite) => PlcReply;
  /** Enters a write in the journal as refused with this exception, and does nothing else. */
  readonly refuse: (write: PlcWrite, code: number) => PlcReply;
  /** What is true, not what is measured. */
  readonly plant: () => PlantState;
  readonly mode: () => StationMode;
  readonly program: () => Program;
  readonly block: () => WatchdogBlock;
  readonly hazards: () => readonly HazardEpisode[];
  readonly starts: () => Starts;
  readonly journal: Journal;
  readonly panel: Panel;
  readonly faults: Faults;
};

export type PlcWrite = {
  readonly table: "co" | "hr";
  readonly address: number;
  readonly words: readonly number[];
  /** For the journal only. */
  readonly stamp?: { readonly function: number; readonly unit: number; readonly wallMs: number };
};

export type Starts = {
  readonly lastHour: readonly [number, number];
  readonly ever: readonly [number, number];
};

/** What people do at the cabinet. */
export type Panel = {
  readonly select: (mode: StationMode) => void;
  readonly pressEstop: () => void;
  readonly releaseEstop: () => void;
  /** One push: acknowledges the emergency stop and arms the watchdog block if three good beats came before. */
  readonly pressReset: () => void;
  /** Gives the station back from its floats: co 1 becomes FALSE. */
  readonly giveBack: () => void;
};

export type Faults = {
  readonly transmitter: (which: Transmitter, fault: TransmitterFault) => void;
  /** STOP: the image, the scan counter and the outputs stand as they are; reads and writes are answered on. */
  readonly freezeProgram: (frozen: boolean) => void;
  /** The valve stays where it is, whatever it is told. */
  readonly jamValve: (jammed: boolean) => void;
};

const LOOSE_EVERY_US: Us = 25_000_000;
const LOOSE_FOR_US: Us = 3_000_000;
const HOUR_US: Us = 3_600_000_000;
const STARTS_MAX = 1_000;

/** Everything that changes from scan to scan. */
type Live = {
  nowUs: Us;
  owedUs: Us;
  plant: PlantState;
  field: Field;
  program: Program;
  block: WatchdogBlock;
  actuators: Actuators;
  scans: number;
  starts: readonly [readonly Us[], readonly Us[]];
  startsEver: readonly [number, number];
  /** What the last scan saw, not laid out in registers yet. */
  image: Scanned | null;
  selector: StationMode;
  estopHealthy: boolean;
  reset: boolean;
  frozen: boolean;
  jammed: boolean;
  runWordWritten: boolean;
  valveBitWritten: boolean;
};

export function createLiftStation(options: StationOptions): LiftStation {
  const sensors = createSensors(options.seed);
  const inflow = createInflow(options.seed);
  const registers = createRegisters();
  const hazards = createHazardLog();
  const journal = createJournal(options.journalEntries ?? 100_000);
  const live = startLive(options, sensors);
  presetRegisters(registers, live.plant);
  live.image = takeImage(registers, live);

  const step = (): void => {
    live.nowUs += SCAN_US;
    if (options.looseTerminal === true) swingTerminal(sensors, live.nowUs);
    const actuators = applyHardwiring(live);
    const before = live.plant;
    live.plant = stepPlant(before, actuators, inflow.next(SCAN_S), SCAN_S);
    countStarts(live, before);
    hazards.note(findHazards(live.plant), live.nowUs);
    if (!live.frozen) scan(registers, live, sensors);
  };

  return {
    seed: options.seed,
    nowUs: () => live.nowUs,
    advance: (us) => {
      for (live.owedUs += us; live.owedUs >= SCAN_US; live.owedUs -= SCAN_US) step();
    },
    read: (table, address, quantity) => {
      // Laid out for whoever looks; what it shows was taken at the scan, so that nobody can tell.
      if (live.image !== null) latchImage(registers, live.image);
      live.image = null;
      return registers.read(table, address, quantity);
    },
    write: (write) => {
      const reply = registers.write(write.table, write.address, write.words);
      if (reply.kind === "written") markWritten(live, write);
      enter(journal, live.nowUs, write, reply);
      return reply;
    },
    refuse: (write, code) => {
      const reply = { kind: "exception", code } as const;
      enter(journal, live.nowUs, write, reply);
      return reply;
    },
    plant: () => live.plant,
    mode: () => stationMode(readOrders(registers, live)),
    program: () => live.program,
    block: () => live.block,
    hazards: hazards.episodes,
    starts: () => ({
      lastHour: [live.starts[0].length, live.starts[1].length],
      ever: live.startsEver,
    }),
    journal,
    panel: {
      select: (mode) => (live.selector = mode),
      pressEstop: () => (live.estopHealthy = false),
      releaseEstop: () => (live.estopHealthy = true),
      pressReset: () => (live.reset = true),
      giveBack: () => {
        registers.put("co", 1, 0);
      },
    },
    faults: {
      transmitter: sensors.setFault,
      freezeProgram: (frozen) => (live.frozen = frozen),
      jamValve: (jammed) => (live.jammed = jammed),
    },
  };
}

function startLive(options: StationOptions, sensors: Sensors): Live {
  const start = options.start === "idle" ? startIdle() : startRunning();
  const plant = { ...start, levelM: options.levelM ?? start.levelM };
  const [one, two] = plant.pumps;
  return {
    nowUs: 0,
    owedUs: 0,
    plant,
    field: sensors.measure(plant, null),
    program: createProgram(),
    block: createWatchdogBlock(),
    actuators: {
      valve: "hold",
      pumps: [
        { run: one.powered, speedHz: one.shaftHz },
        { run: two.powered, speedHz: two.shaftHz },
      ],
    },
    scans: 0,
    starts: [[], []],
    startsEver: [0, 0],
    image: null,
    selector: "AI",
    estopHealthy: true,
    reset: false,
    frozen: false,
    jammed: false,
    runWordWritten: false,
    valveBitWritten: false,
  };
}

/** The commands stand as the plant does, so that the first scan moves nothing. */
function presetRegisters(registers: Registers, plant: PlantState): void {
  registers.put("co", 0, plant.valve > 0.5 ? 1 : 0);
  registers.put("hr", 40, (plant.pumps[0].powered ? 1 : 0) | (plant.pumps[1].powered ? 2 : 0));
  registers.put("hr", 41, plant.pumps[0].powered ? 3_000 : 2_500);
  registers.put("hr", 42, 2_500);
  registers.put("hr", 60, 250);
  registers.put("hr", 201, WATCHDOG_LEASE_MS.standard);
}

function scan(registers: Registers, live: Live, sensors: Sensors): void {
  live.field = sensors.measure(live.plant, live.field);
  live.block = scanWatchdogBlock(
    live.block,
    {
      beat: registers.get("hr", 200),
      leaseMs: registers.get("hr", 201),
      reset: live.reset,
    },
    SCAN_US,
  );
  const { program, actuators } = scanProgram(
    live.program,
    readOrders(registers, live),
    live.field,
    live.nowUs,
  );
  live.program = program;
  live.actuators = actuators;
  live.scans += 1;
  live.reset = false;
  live.runWordWritten = false;
  live.valveBitWritten = false;
  live.image = takeImage(registers, live);
}

function takeImage(registers: Registers, live: Live): Scanned {
  return {
    mode: stationMode(readOrders(registers, live)),
    estopHealthy: live.estopHealthy,
    field: live.field,
    plant: live.plant,
    program: live.program,
    block: live.block,
    starts: live.starts,
    startsEver: live.startsEver,
    scans: live.scans,
    uptimeS: Math.floor(live.nowUs / 1_000_000),
  };
}

function readOrders(registers: Registers, live: Live): Orders {
  return {
    selector: live.selector,
    local: registers.get("co", 1) === 1 || live.block.state === "tripped",
    estopHealthy: live.estopHealthy,
    reset: live.reset,
    runWord: registers.get("hr", 40),
    speedsHz: [registers.get("hr", 41) / 100, registers.get("hr", 42) / 100],
    valveOpen: registers.get("co", 0) === 1,
    runWordWritten: live.runWordWritten,
    valveBitWritten: live.valveBitWritten,
  };
}

/** The emergency stop cuts the drives' power whatever the program says, also when the program stands. */
function applyHardwiring(live: Live): Actuators {
  const { valve, pumps } = live.actuators;
  const power = (drive: Actuators["pumps"][number]): Actuators["pumps"][number] =>
    live.estopHealthy ? drive : { ...drive, run: false };
  return {
    valve: live.jammed ? "hold" : valve,
    pumps: [power(pumps[0]), power(pumps[1])],
  };
}

function countStarts(live: Live, before: PlantState): void {
  const hasStarted = (pump: 0 | 1): boolean =>
    live.plant.pumps[pump].powered && !before.pumps[pump].powered;
  const one = hasStarted(0);
  const two = hasStarted(1);
  const sinceUs = live.nowUs - HOUR_US;
  if (!one && !two && !isOlder(live.starts[0], sinceUs) && !isOlder(live.starts[1], sinceUs)) {
    return;
  }
  const keep = (starts: readonly Us[], isNew: boolean): readonly Us[] =>
    [...starts.filter((at) => at > sinceUs), ...(isNew ? [live.nowUs] : [])].slice(-STARTS_MAX);
  live.starts = [keep(live.starts[0], one), keep(live.starts[1], two)];
  live.startsEver = [live.startsEver[0] + (one ? 1 : 0), live.startsEver[1] + (two ? 1 : 0)];
}

function isOlder(starts: readonly Us[], sinceUs: Us): boolean {
  const oldest = starts[0];
  return oldest !== undefined && oldest <= sinceUs;
}

function enter(journal: Journal, nowUs: Us, write: PlcWrite, reply: PlcReply): void {
  journal.note({
    plantUs: nowUs,
    wallMs: write.stamp?.wallMs ?? null,
    function: write.stamp?.function ?? (write.table === "co" ? 5 : 16),
    unit: write.stamp?.unit ?? 0,
    table: write.table,
    address: write.address,
    words: [...write.words],
    exception: reply.kind === "exception" ? reply.code : null,
  });
}

function swingTerminal(sensors: Sensors, nowUs: Us): void {
  const part = nowUs % LOOSE_EVERY_US;
  if (part === LOOSE_EVERY_US - LOOSE_FOR_US) sensors.setFault("pressure", { kind: "open" });
  else if (part === 0) sensors.setFault("pressure", { kind: "none" });
}

function markWritten(live: Live, write: PlcWrite): void {
  const covers = (address: number): boolean =>
    write.address <= address && address < write.address + write.words.length;
  if (write.table === "hr" && covers(40)) live.runWordWritten = true;
  if (write.table === "co" && covers(0)) live.valveBitWritten = true;
}
