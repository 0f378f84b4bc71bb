import { describe, expect, it } from "vitest";
import { WitnessDrop } from "../../../src/guard/evidence/witness-drop.js";
import type { DurableCheckpoint } from "../../../src/guard/evidence/signed-store.js";
import { StillClock } from "../../support/evidence-rig.js";

const HOUR_US = 3_600_000_000;
const MINUTE_US = 60_000_000;

type Put = (name: string, bytes: Uint8Array) => Promise<void>;

function begin(put: Put = written) {
  const clock = new StillClock();
  const listeners: ((checkpoint: DurableCheckpoint) => void)[] = [];
  const names: string[] = [];
  const reports: string[] = [];
  const drop = new WitnessDrop({
    clock,
    store: { onCheckpoint: (run) => listeners.push(run) },
    folder: {
      put: async (name, bytes) => {
        names.push(name);
        await put(name, bytes);
      },
    },
    everyUs: HOUR_US,
    report: (text) => reports.push(text),
  });
  const signed = async (size: number, body: Uint8Array = Uint8Array.of(size)): Promise<void> => {
    for (const run of listeners) run({ size, body });
    await settle();
  };
  const sizes = (): readonly number[] => names.map((name) => Number(name.split("-")[1]));
  return { clock, drop, names, reports, signed, sizes };
}

describe("checkpoints for a witness", () => {
  it("are left at the beginning of a run, once an interval while there is something new, and at its end [HP-149 allows]", async () => {
    const { clock, drop, signed, sizes } = begin();
    await signed(4);
    await signed(9);
    expect(sizes()).toEqual([4]);
    clock.advance(HOUR_US);
    await settle();
    expect(sizes()).toEqual([4]);
    await signed(12);
    await signed(20);
    await drop.close();
    expect(sizes()).toEqual([4, 12, 20]);
    clock.advance(HOUR_US);
    await signed(21);
    expect(sizes()).toEqual([4, 12, 20]);
  });

  it("are never two under one name, also where a log has one size twice [HP-149 refuses]", async () => {
    const { clock, names, signed } = begin();
    await signed(7, Uint8Array.of(1));
    const other = begin();
    await other.signed(7, Uint8Array.of(2));
    expect(names[0]).toMatch(/^checkpoint-0000000000000007-[0-9a-f]{8}\.cose$/);
    expect(other.names[0]).toMatch(/^checkpoint-0000000000000007-[0-9a-f]{8}\.cose$/);
    expect(names[0]).not.toBe(other.names[0]);
    clock.advance(HOUR_US);
    await signed(7, Uint8Array.of(1));
    expect(names.length).toBe(1);
  });

  it("that cannot be written are said once and tried again with a later one after a minute", async () => {
    let isFull = true;
    const put: Put = async () => {
      await (isFull ? Promise.reject(new Error("ENOSPC")) : Promise.resolve());
    };
    const { clock, reports, signed, sizes } = begin(put);
    await signed(1);
    await signed(2);
    clock.advance(MINUTE_US);
    await signed(3);
    expect(sizes()).toEqual([1, 3]);
    isFull = false;
    clock.advance(MINUTE_US);
    await signed(4);
    await signed(5);
    expect(sizes()).toEqual([1, 3, 4]);
    expect(reports).toEqual([
      "evidence: no checkpoint was left for the witness (ENOSPC); it is tried again",
      "evidence: checkpoints are left for the witness again",
    ]);
  });

  it("hold up nothing while the folder does not answer, one at a time, and the end of a run for 2 s at most", async () => {
    const never = new Promise<never>(() => undefined);
    const { clock, drop, signed, sizes } = begin(async () => await never);
    await signed(1);
    clock.advance(HOUR_US);
    await signed(2);
    expect(sizes()).toEqual([1]);
    const ended = drop.close();
    for (let second = 0; second < 2; second += 1) {
      clock.advance(1_000_000);
      await settle();
    }
    await ended;
    expect(sizes()).toEqual([1]);
  });
});

async function written(): Promise<void> {
  await Promise.resolve();
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}
