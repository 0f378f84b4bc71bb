import { describe, expect, it } from "vitest";
import { REGISTER_MAP } from "../../../../simulators/lift-station/registers.js";
import type { Table } from "../../../../simulators/lift-station/registers.js";
import { createLiftStation } from "../../../../simulators/lift-station/station.js";
import type { LiftStation } from "../../../../simulators/lift-station/station.js";

const S = 1_000_000;

function words(
  station: LiftStation,
  table: Table,
  address: number,
  quantity = 1,
): readonly number[] {
  const reply = station.read(table, address, quantity);
  if (reply.kind !== "read") throw new Error(`${table} ${address} was refused`);
  return reply.words;
}
function word(station: LiftStation, table: Table, address: number): number {
  return words(station, table, address)[0] ?? Number.NaN;
}
function write(
  station: LiftStation,
  table: "co" | "hr",
  address: number,
  ...values: number[]
): void {
  expect(station.write({ table, address, words: values })).toEqual({ kind: "written" });
}

describe("register image", () => {
  it("serves exactly its map: every address of it, and exception 2 for every other", () => {
    const station = createLiftStation({ seed: 1 });
    for (const table of ["co", "di", "ir", "hr"] as const) {
      for (let address = 0; address < 260; address++) {
        const isMapped = REGISTER_MAP[table].some(
          ([first, last]) => address >= first && address <= last,
        );
        const kind = station.read(table, address, 1).kind;
        expect(kind, `${table} ${address}`).toBe(isMapped ? "read" : "exception");
      }
    }
  });

  it("refuses a stretch that leaves the map, an empty one and a broken one", () => {
    const station = createLiftStation({ seed: 1 });
    const refused = { kind: "exception", code: 2 };
    expect(station.read("hr", 40, 4)).toEqual(refused);
    expect(station.read("di", 4, 5)).toEqual(refused);
    expect(station.read("ir", 10, 0)).toEqual(refused);
    expect(station.read("ir", -1, 1)).toEqual(refused);
    expect(station.read("ir", 10.5, 1)).toEqual(refused);
    expect(station.read("ir", 98, 52).kind).toBe("read");
  });

  it("shows identity, mode, healthy emergency stop, valve, pumps and floats as they stand at the start", () => {
    const station = createLiftStation({ seed: 1 });
    expect(word(station, "ir", 98)).toBe(4711);
    expect(word(station, "ir", 0)).toBe(2);
    expect(words(station, "di", 0)).toEqual([1]);
    expect(words(station, "di", 4, 2)).toEqual([1, 0]);
    expect(words(station, "di", 8, 6)).toEqual([1, 0, 1, 1, 1, 0]);
    expect(words(station, "hr", 40, 3)).toEqual([1, 3_000, 2_500]);
    expect(words(station, "co", 0, 3)).toEqual([1, 0, 0]);
    expect(words(createLiftStation({ seed: 1, start: "idle" }), "di", 4, 2)).toEqual([0, 1]);
  });

  it("keeps each level within its stated accuracy of the truth, c in CDAB order, none like another", () => {
    const station = createLiftStation({ seed: 3 });
    let differing = 0;
    for (let scan = 0; scan < 2_000; scan++) {
      station.advance(100_000);
      const truth = station.plant().levelM;
      const [a = 0, b = 0, low = 0, high = 0] = words(station, "ir", 10, 4);
      const view = new DataView(new ArrayBuffer(4));
      view.setUint16(0, high);
      view.setUint16(2, low);
      expect(Math.abs((a / 27_648) * 6 - truth)).toBeLessThanOrEqual(0.03);
      expect(Math.abs((b / 27_648) * 6 - truth)).toBeLessThanOrEqual(0.03);
      expect(Math.abs(view.getFloat32(0) - truth)).toBeLessThanOrEqual(0.05);
      if (a !== b) differing += 1;
    }
    expect(differing).toBeGreaterThan(1_900);
  });

  it("keeps pressure and windings near the truth and the windings signed", () => {
    const station = createLiftStation({ seed: 3 });
    station.advance(60 * S);
    const { pressureBar, pumps } = station.plant();
    expect(Math.abs((word(station, "ir", 20) / 27_648) * 10 - pressureBar)).toBeLessThanOrEqual(
      0.1,
    );
    expect(Math.abs(word(station, "ir", 30) / 10 - pumps[0].windingCel)).toBeLessThanOrEqual(1);
  });

  it("counts its scans in ir 99, over the wrap", () => {
    const station = createLiftStation({ seed: 1 });
    const before = word(station, "ir", 99);
    station.advance(100_000);
    expect(word(station, "ir", 99)).toBe(before + 1);
    station.advance(65_535 * 100_000);
    expect(word(station, "ir", 99)).toBe(before);
  });

  it("reads back holding registers and coils as written, whole words with foreign bits too", () => {
    const station = createLiftStation({ seed: 1 });
    write(station, "hr", 40, 0xfff5, 6_500, 7);
    write(station, "co", 2, 1);
    write(station, "hr", 60, 333);
    station.advance(S);
    expect(words(station, "hr", 40, 3)).toEqual([0xfff5, 6_500, 7]);
    expect(word(station, "co", 2)).toBe(1);
    expect(word(station, "hr", 60)).toBe(333);
  });

  it("reads all of one scan, also when it is read late", () => {
    const early = createLiftStation({ seed: 5 });
    const late = createLiftStation({ seed: 5 });
    for (let scan = 0; scan < 50; scan++) {
      early.advance(100_000);
      early.read("ir", 10, 4);
      late.advance(100_000);
    }
    expect(words(late, "ir", 98, 52)).toEqual(words(early, "ir", 98, 52));
    expect(words(late, "ir", 10, 4)).toEqual(words(early, "ir", 10, 4));
  });

  it("advances by whole scans and keeps the remainder", () => {
    const station = createLiftStation({ seed: 1 });
    for (let i = 0; i < 10; i++) station.advance(25_000);
    expect(station.nowUs()).toBe(200_000);
    station.advance(50_000);
    expect(station.nowUs()).toBe(300_000);
  });
});

describe("journal", () => {
  it("holds every write in order, carried out or refused, and nothing else", () => {
    const station = createLiftStation({ seed: 1 });
    station.read("hr", 40, 3);
    station.write({ table: "hr", address: 41, words: [3_100] });
    station.advance(S);
    station.write({ table: "hr", address: 43, words: [1] });
    station.write({ table: "hr", address: 40, words: [1, 2, 70_000] });
    station.write({ table: "co", address: 0, words: [2] });
    expect(station.journal.entries()).toMatchObject([
      { number: 1, plantUs: 0, table: "hr", address: 41, words: [3_100], exception: null },
      { number: 2, plantUs: S, table: "hr", address: 43, words: [1], exception: 2 },
      { number: 3, table: "hr", address: 40, words: [1, 2, 70_000], exception: 3 },
      { number: 4, table: "co", address: 0, words: [2], exception: 3 },
    ]);
    // A refused write leaves nothing behind, not even its first word.
    expect(words(station, "hr", 40, 3)).toEqual([1, 3_100, 2_500]);
  });
});

describe("remote control", () => {
  it("carries out pumps, speeds and valve as commanded, protected by nothing", () => {
    const station = createLiftStation({ seed: 1 });
    write(station, "hr", 40, 2, 2_500, 6_000);
    write(station, "co", 0, 0);
    station.advance(10 * S);
    expect(station.plant().pumps.map((pump) => pump.shaftHz)).toEqual([0, 60]);
    expect(station.plant().valve).toBe(0);
    expect(words(station, "di", 4, 2)).toEqual([0, 1]);
    expect(words(station, "di", 8, 2)).toEqual([0, 1]);
  });

  it("stands still in OFF, and does not take up an old command after it", () => {
    const station = createLiftStation({ seed: 1 });
    station.panel.select("OFF");
    station.advance(10 * S);
    expect(word(station, "ir", 0)).toBe(0);
    expect(station.plant().pumps[0].shaftHz).toBe(0);
    station.panel.select("AI");
    station.advance(10 * S);
    expect(station.plant().pumps[0].shaftHz).toBe(0);
    write(station, "hr", 40, 1);
    station.advance(10 * S);
    expect(station.plant().pumps[0].shaftHz).toBe(30);
  });

  it("cuts the pumps at the emergency stop also when the program stands, and needs reset and a new command", () => {
    const station = createLiftStation({ seed: 1 });
    station.faults.freezeProgram(true);
    station.panel.pressEstop();
    station.advance(5 * S);
    expect(station.plant().pumps[0].shaftHz).toBe(0);
    station.faults.freezeProgram(false);
    station.advance(S);
    expect(word(station, "di", 0)).toBe(0);
    station.panel.releaseEstop();
    write(station, "hr", 40, 1);
    station.advance(5 * S);
    expect(station.plant().pumps[0].powered).toBe(false);
    station.panel.pressReset();
    station.advance(5 * S);
    expect(station.plant().pumps[0].powered).toBe(false);
    write(station, "hr", 40, 1);
    station.advance(5 * S);
    expect(station.plant().pumps[0].powered).toBe(true);
  });

  it("stands with its program: image, scan counter and outputs stay, writes are answered, the plant goes on", () => {
    const station = createLiftStation({ seed: 1 });
    station.advance(S);
    const before = words(station, "ir", 98, 52);
    const levels = words(station, "ir", 10, 4);
    station.faults.freezeProgram(true);
    write(station, "hr", 40, 0);
    station.advance(60 * S);
    expect(words(station, "ir", 98, 52)).toEqual(before);
    expect(words(station, "ir", 10, 4)).toEqual(levels);
    expect(station.plant().pumps[0].shaftHz).toBe(30);
    station.faults.freezeProgram(false);
    station.advance(5 * S);
    expect(station.plant().pumps[0].shaftHz).toBe(0);
    expect(word(station, "ir", 99)).not.toBe(before[1]);
  });
});

describe("station.local", () => {
  it("reads LOCAL, ignores hr 40..42 and co 0, opens the valve and pumps by its floats", () => {
    const station = createLiftStation({ seed: 1, start: "idle" });
    write(station, "co", 1, 1);
    station.advance(S);
    expect(word(station, "ir", 0)).toBe(1);
    write(station, "hr", 40, 3, 6_000, 6_000);
    write(station, "co", 0, 0);
    station.advance(20 * S);
    expect(station.plant().valve).toBe(1);
    expect(station.plant().pumps.map((pump) => pump.shaftHz)).toEqual([50, 0]);
    expect(word(station, "ir", 111)).toBe(1);
    expect(station.hazards()).toEqual([]);
  });

  it("starts no pump before the valve's switch says open, and stops one that it finds turning meanwhile", () => {
    const station = createLiftStation({ seed: 1 });
    write(station, "co", 0, 0);
    station.advance(4 * S);
    write(station, "co", 1, 1);
    station.advance(300_000);
    expect(station.plant().pumps[0].powered).toBe(false);
    station.advance(20 * S);
    expect(station.plant().pumps[0].powered).toBe(true);
    expect(station.hazards()).toEqual([]);
  });

  it("keeps a running pump running when it takes over with water enough, and stops it at the stop float", () => {
    const station = createLiftStation({ seed: 1, levelM: 1.3 });
    write(station, "co", 1, 1);
    station.advance(5 * S);
    expect(station.plant().pumps[0].shaftHz).toBe(50);
    station.advance(600 * S);
    expect(station.plant().pumps[0].powered).toBe(false);
    expect(station.plant().levelM).toBeGreaterThan(0.9);
  });

  it("takes the second pump at the high float, 45 Hz each, within the feeder", () => {
    const station = createLiftStation({ seed: 1, levelM: 4 });
    write(station, "co", 1, 1);
    station.advance(20 * S);
    expect(station.plant().pumps.map((pump) => pump.shaftHz)).toEqual([45, 45]);
    expect(station.hazards()).toEqual([]);
  });

  it("stops at the cut-out even if the stop float hangs", () => {
    const station = createLiftStation({ seed: 1, levelM: 0.45 });
    write(station, "co", 1, 1);
    station.advance(5 * S);
    expect(station.plant().pumps[0].powered).toBe(false);
  });

  it("does not run while the emergency stop holds, nor before its reset", () => {
    const station = createLiftStation({ seed: 1 });
    write(station, "co", 1, 1);
    station.panel.pressEstop();
    station.advance(10 * S);
    station.panel.releaseEstop();
    station.advance(10 * S);
    expect(station.plant().pumps[0].powered).toBe(false);
    station.panel.pressReset();
    station.advance(10 * S);
    expect(station.plant().pumps[0].powered).toBe(true);
  });

  it("does not take up an old command when a person gives the station back", () => {
    const station = createLiftStation({ seed: 1 });
    write(station, "co", 1, 1);
    station.advance(10 * S);
    station.panel.giveBack();
    station.advance(10 * S);
    expect(word(station, "ir", 0)).toBe(2);
    expect(station.plant().pumps[0].powered).toBe(false);
    expect(station.plant().valve).toBe(1);
    write(station, "hr", 40, 1);
    station.advance(10 * S);
    expect(station.plant().pumps[0].shaftHz).toBe(30);
  });
});

describe("watchdog block", () => {
  function beat(station: LiftStation, beats: number): void {
    for (let n = 0; n < beats; n++) {
      write(station, "hr", 200, (word(station, "hr", 200) + 1) & 0xffff);
      station.advance(500_000);
    }
  }

  it("hands the station to its floats when an armed heartbeat falls silent, and not when it was never armed", () => {
    const armed = createLiftStation({ seed: 1 });
    beat(armed, 4);
    armed.panel.pressReset();
    beat(armed, 4);
    expect(words(armed, "ir", 200, 2)).toEqual([1, 400]);
    armed.advance(3 * S);
    expect(word(armed, "ir", 200)).toBe(2);
    expect(word(armed, "ir", 0)).toBe(1);
    expect(armed.program().rule).toBe("floats");

    const idle = createLiftStation({ seed: 1 });
    beat(idle, 8);
    idle.advance(60 * S);
    expect(word(idle, "ir", 200)).toBe(0);
    expect(word(idle, "ir", 0)).toBe(2);
  });
});

describe("transmitter faults", () => {
  it("reads a broken wire as the card's overflow, a stuck one as it was, an offset one beside the truth", () => {
    const station = createLiftStation({ seed: 1 });
    station.advance(S);
    const before = word(station, "ir", 11);
    station.faults.transmitter("level_a", { kind: "open" });
    station.faults.transmitter("level_b", { kind: "stuck" });
    station.faults.transmitter("pressure", { kind: "offset", by: 3 });
    station.advance(100 * S);
    expect(word(station, "ir", 10)).toBe(32_767);
    expect(word(station, "ir", 11)).toBe(before);
    expect((word(station, "ir", 20) / 27_648) * 10).toBeCloseTo(station.plant().pressureBar + 3, 0);
    station.faults.transmitter("level_a", { kind: "none" });
    station.advance(S);
    expect(word(station, "ir", 10)).toBeLessThan(27_648);
  });

  it("loses the pressure for 3 s in every 25 s at a loose terminal, and only there", () => {
    const station = createLiftStation({ seed: 1, looseTerminal: true });
    let lost = 0;
    for (let scan = 0; scan < 2_500; scan++) {
      station.advance(100_000);
      if (word(station, "ir", 20) === 32_767) lost += 1;
    }
    expect(lost).toBe(10 * 30);
  });

  it("leaves a jammed valve where it is", () => {
    const station = createLiftStation({ seed: 1 });
    station.faults.jamValve(true);
    write(station, "co", 0, 0);
    station.advance(20 * S);
    expect(station.plant().valve).toBe(1);
  });
});

it("counts starts of the last hour and for ever", () => {
  const station = createLiftStation({ seed: 1 });
  for (let start = 0; start < 3; start++) {
    write(station, "hr", 40, 0);
    station.advance(10 * S);
    write(station, "hr", 40, 1);
    station.advance(10 * S);
  }
  expect(station.starts()).toEqual({ lastHour: [3, 0], ever: [3, 0] });
  expect(words(station, "ir", 103, 4)).toEqual([3, 0, 3, 0]);
  station.advance(3_600 * S);
  expect(station.starts()).toEqual({ lastHour: [0, 0], ever: [3, 0] });
});
