/**
 * Units by their UCUM-like code. A value in the dimension's base is (value + shift) * num / den: whole
 * numbers, so that 35 cm is 0.35 m and not 0.35000000000000003.
 */
export type Unit = {
  readonly code: string;
  readonly dimension: string;
  readonly num: number;
  readonly den: number;
  /** Not zero: the unit's zero is not the dimension's (degrees Celsius). */
  readonly shift: number;
};

/** A number without a unit. */
export const PLAIN: Unit = { code: "", dimension: "number", num: 1, den: 1, shift: 0 };

/** Dimension whose values are points on a scale: their differences are another thing, in kelvin. */
export const TEMPERATURE = "temperature";

const TABLE: Readonly<Record<string, readonly (readonly [string, number, number, number?])[]>> = {
  ratio: [
    ["%", 1, 100],
    ["ppm", 1, 1_000_000],
    ["ppb", 1, 1_000_000_000],
  ],
  length: [
    ["m", 1, 1],
    ["cm", 1, 100],
    ["mm", 1, 1000],
    ["um", 1, 1_000_000],
    ["km", 1000, 1],
  ],
  time: [
    ["s", 1, 1],
    ["ms", 1, 1000],
    ["min", 60, 1],
    ["h", 3600, 1],
    ["d", 86_400, 1],
  ],
  pressure: [
    ["Pa", 1, 1],
    ["hPa", 100, 1],
    ["kPa", 1000, 1],
    ["MPa", 1_000_000, 1],
    ["mbar", 100, 1],
    ["bar", 100_000, 1],
  ],
  frequency: [
    ["Hz", 1, 1],
    ["kHz", 1000, 1],
    ["rpm", 1, 60],
  ],
  current: [
    ["A", 1, 1],
    ["mA", 1, 1000],
    ["kA", 1000, 1],
  ],
  voltage: [
    ["V", 1, 1],
    ["mV", 1, 1000],
    ["kV", 1000, 1],
  ],
  power: [
    ["W", 1, 1],
    ["kW", 1000, 1],
    ["MW", 1_000_000, 1],
  ],
  "reactive power": [
    ["var", 1, 1],
    ["kvar", 1000, 1],
    ["Mvar", 1_000_000, 1],
  ],
  "apparent power": [
    ["VA", 1, 1],
    ["kVA", 1000, 1],
    ["MVA", 1_000_000, 1],
  ],
  energy: [
    ["J", 1, 1],
    ["kJ", 1000, 1],
    ["MJ", 1_000_000, 1],
    ["Wh", 3600, 1],
    ["kWh", 3_600_000, 1],
    ["MWh", 3_600_000_000, 1],
  ],
  charge: [
    ["C", 1, 1],
    ["Ah", 3600, 1],
  ],
  volume: [
    ["m3", 1, 1],
    ["L", 1, 1000],
    ["mL", 1, 1_000_000],
  ],
  "volume flow": [
    ["m3/s", 1, 1],
    ["m3/min", 1, 60],
    ["m3/h", 1, 3600],
    ["L/s", 1, 1000],
    ["L/min", 1, 60_000],
    ["L/h", 1, 3_600_000],
  ],
  mass: [
    ["kg", 1, 1],
    ["g", 1, 1000],
    ["t", 1000, 1],
  ],
  "mass flow": [
    ["kg/s", 1, 1],
    ["kg/h", 1, 3600],
    ["t/h", 10, 36],
  ],
  speed: [
    ["m/s", 1, 1],
    ["mm/s", 1, 1000],
    ["m/min", 1, 60],
    ["m/h", 1, 3600],
    ["km/h", 10, 36],
  ],
  temperature: [
    ["K", 1, 1],
    ["Cel", 1, 1, 273.15],
    ["degF", 5, 9, 459.67],
  ],
  angle: [["deg", 1, 1]],
  torque: [
    ["Nm", 1, 1],
    ["kNm", 1000, 1],
  ],
  force: [
    ["N", 1, 1],
    ["kN", 1000, 1],
  ],
  conductivity: [
    ["S/m", 1, 1],
    ["mS/cm", 1, 10],
    ["uS/cm", 1, 10_000],
  ],
  concentration: [
    ["g/L", 1, 1],
    ["mg/L", 1, 1000],
    ["ug/L", 1, 1_000_000],
  ],
  turbidity: [["NTU", 1, 1]],
  acidity: [["pH", 1, 1]],
};

const UNITS: ReadonlyMap<string, Unit> = new Map(
  Object.entries(TABLE).flatMap(([dimension, rows]) =>
    rows.map(([code, num, den, shift]): [string, Unit] => [
      code,
      { code, dimension, num, den, shift: shift ?? 0 },
    ]),
  ),
);

export function findUnit(code: string): Unit | null {
  return code === "" ? PLAIN : (UNITS.get(code) ?? null);
}

export const unitCodes = (): Iterable<string> => UNITS.keys();

/** What a person would have to write: `bar, kPa, mbar` for the dimension of `unit`. */
export function unitsLike(unit: Unit): string {
  return [...UNITS.values()]
    .filter((other) => other.dimension === unit.dimension)
    .map((other) => other.code)
    .join(", ");
}

/** Factor from one unit to another of the same dimension, for differences (zeros left aside). */
export function convertFactor(from: Unit, to: Unit): number {
  return round15((from.num * to.den) / (from.den * to.num));
}

/** A value on the scale, with the zero: 0 Cel is 273.15 K. */
export function convertPoint(value: number, from: Unit, to: Unit): number {
  if (from.code === to.code) return value;
  const shifted = ((value + from.shift) * (from.num * to.den)) / (from.den * to.num);
  return round15(shifted - to.shift);
}

/** A difference of two values: 1 Cel is 1 K. */
export function convertDifference(value: number, from: Unit, to: Unit): number {
  if (from.code === to.code) return value;
  return round15((value * (from.num * to.den)) / (from.den * to.num));
}

/** Decimal input in, decimal result out: what differs in the 16th digit is noise of the conversion. */
function round15(value: number): number {
  return Number(value.toPrecision(15));
}
