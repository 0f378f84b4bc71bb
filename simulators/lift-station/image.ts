import type { PlantState } from "./physics.js";
import { RULES, STATION_MODES } from "./program.js";
import type { Program, StationMode } from "./program.js";
import type { Registers } from "./registers.js";
import type { Field } from "./sensors.js";
import { WATCHDOG_STATES } from "./watchdog-block.js";
import type { WatchdogBlock } from "./watchdog-block.js";

/** What the PLC answers as its identity at ir 98. */
export const IDENTITY = 4711;

/** Span of the analogue cards: 0..27648 for the transmitter's span, 32767 for a broken wire. */
const CARD_FULL = 27_648;
const CARD_OVERFLOW = 32_767;
export const SPANS = { levelM: 6, pressureBar: 10, flowM3S: 0.05 } as const;

export type Scanned = {
  readonly mode: StationMode;
  readonly estopHealthy: boolean;
  readonly field: Field;
  readonly plant: PlantState;
  readonly program: Program;
  readonly block: WatchdogBlock;
  readonly starts: readonly [readonly number[], readonly number[]];
  readonly startsEver: readonly [number, number];
  readonly scans: number;
  readonly uptimeS: number;
};

/** Writes the PLC's inputs as one scan leaves them: whoever reads sees one moment, never half of one. */
export function latchImage(registers: Registers, scanned: Scanned): void {
  const { field, block } = scanned;
  const bit = (address: number, is: boolean): void => {
    registers.put("di", address, is ? 1 : 0);
  };
  const word = (address: number, value: number): void => {
    registers.put("ir", address, value & 0xffff);
  };
  bit(0, scanned.estopHealthy);
  bit(4, field.valveOpen);
  bit(5, field.valveClosed);
  bit(8, field.running[0]);
  bit(9, field.running[1]);
  bit(10, field.floats.cutout);
  bit(11, field.floats.stop);
  bit(12, field.floats.start);
  bit(13, field.floats.high);

  word(0, STATION_MODES.indexOf(scanned.mode));
  word(10, toCard(field.levelA, SPANS.levelM));
  word(11, toCard(field.levelB, SPANS.levelM));
  const [high, low] = toFloatWords(field.levelC);
  // CDAB: the low word stands first.
  word(12, low);
  word(13, high);
  word(20, toCard(field.pressureBar, SPANS.pressureBar));
  word(21, toCard(field.flowM3S, SPANS.flowM3S));
  word(30, Math.round(field.windings[0] * 10));
  word(31, Math.round(field.windings[1] * 10));
  word(98, IDENTITY);
  word(99, scanned.scans);
  word(200, WATCHDOG_STATES[block.state]);
  word(201, Math.min(0xffff, Math.floor(block.ageUs / 1_000)));
  latchDiagnostics(word, scanned);
}

/** ir 100..149, for service people: layout 1. */
function latchDiagnostics(word: (address: number, value: number) => void, scanned: Scanned): void {
  const { plant, program, field } = scanned;
  word(100, 1);
  word(101, Math.floor(scanned.uptimeS / 0x1_0000));
  word(102, scanned.uptimeS);
  word(103, scanned.starts[0].length);
  word(104, scanned.starts[1].length);
  word(105, scanned.startsEver[0]);
  word(106, scanned.startsEver[1]);
  word(107, Math.round(plant.pumps[0].shaftHz * 100));
  word(108, Math.round(plant.pumps[1].shaftHz * 100));
  word(109, Math.round(plant.valve * 1_000));
  word(110, floatBits(field));
  word(111, RULES.indexOf(program.rule));
  word(112, program.wanted);
}

function floatBits({ floats }: Field): number {
  return (
    (floats.cutout ? 1 : 0) | (floats.stop ? 2 : 0) | (floats.start ? 4 : 0) | (floats.high ? 8 : 0)
  );
}

function toCard(value: number, span: number): number {
  if (!Number.isFinite(value)) return CARD_OVERFLOW;
  return Math.min(CARD_OVERFLOW, Math.max(0, Math.round((value / span) * CARD_FULL)));
}

function toFloatWords(value: number): readonly [high: number, low: number] {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return [view.getUint16(0), view.getUint16(2)];
}
