import { describe, expect, it } from "vitest";
import { askOnce, readPdu } from "../support/byte-client.js";
import {
  eventually,
  startGateway,
  startPlant,
  type LiveGateway,
  type Plant,
} from "../support/live-gateway.js";
import { strangers, type Step, type Stranger } from "../support/stranger.js";

/** Clients that know nothing of the gateway, and the exceptions they meet (definitions.md, table of exceptions). */
type Expected = readonly [Step, string];

const WRITTEN: readonly Expected[] = [
  [[6, 41, 1234], "ok"],
  [[16, 42, 11, 22], "ok"],
  [[16, 50, 1, 4464], "ok"],
  [[5, 2, 1], "ok"],
  [[5, 0, 1], "ok"],
  [[6, 40, 1_500], "ok"],
];

const READ: readonly Expected[] = [
  [[4, 98, 1], "4711"],
  [[2, 0, 1], "0"],
  [[1, 2, 2], "1 0"],
  [[3, 40, 4], "1500 1234 11 22"],
  [[3, 50, 2], "1 4464"],
  [[22, 41, 0xff00, 0x0042], "ok"],
  [[23, 42, 33, 44], "33 44"],
];

const REFUSED: readonly Expected[] = [
  [[8, 0, 0, 0, 1, 2], "exception 1"],
  [[17, 0], "exception 1"],
  [[90, 0, 0, 1], "exception 1"],
  [[6, 200, 1], "exception 2"],
  [[6, 70, 1], "exception 2"],
  [[6, 50, 1], "exception 2"],
  [[15, 2, 0, 1], "exception 2"],
  [[3, 1_000, 1], "exception 2"],
  [[4, 11, 1], "exception 2"],
  [[6, 40, 6_000], "exception 3"],
  [[6, 40, 2_100], "exception 3"],
  [[5, 3, 1], "exception 3"],
  [[6, 60, 600], "exception 3"],
  [[6, 61, 101], "ok"],
  [[6, 61, 102], "ok"],
  [[6, 61, 103], "exception 6"],
];

/** What each of the device's registers must hold in the end. */
const HELD: readonly (readonly [number, number])[] = [
  [40, 1_500],
  [50, 1],
  [51, 4464],
  [60, 500],
  [61, 102],
  [70, 0],
  [200, 0],
];

describe.each(strangers)("$name through the gateway", (stranger) => {
  it("is served as by the PLC itself, and refused by the table [HP-059 allows]", async () => {
    const { plant, gateway } = await start();
    await expectAll(stranger, gateway.port, WRITTEN);
    // An answer says that the PLC has it; what is read comes from the gateway's copy, a read-back later.
    await untilRead(gateway, readPdu(3, 40, 4), [3, 8, 5, 220, 4, 210, 0, 11, 0, 22]);
    await untilRead(gateway, readPdu(3, 50, 2), [3, 4, 0, 1, 17, 112]);
    await untilRead(gateway, readPdu(1, 2, 2), [1, 1, 1]);
    await expectAll(stranger, gateway.port, READ);
    await expectAll(stranger, gateway.port, REFUSED);
    expect(await stranger.run(gateway.port, 9, [[6, 41, 1]])).toEqual(["exception 10"]);
    expect(await stranger.run(gateway.aiPort, 1, [[6, 70, 1]])).toEqual(["exception 6"]);
    for (const [register, value] of HELD) {
      expect([register, plant.memory.hr[register]]).toEqual([register, value]);
    }
    expect(plant.memory.co.slice(0, 5)).toEqual([true, false, true, false, false]);

    plant.memory.ir.set([4_500], 10);
    await untilRead(gateway, readPdu(4, 10, 1), [4, 2, 0x11, 0x94]);
    expect(await stranger.run(gateway.port, 1, [[5, 0, 1]])).toEqual(["exception 6"]);
    plant.memory.ir.set([5_950], 10);
    await untilRead(gateway, readPdu(4, 10, 1), [4, 2, 0x17, 0x3e]);
    expect(await stranger.run(gateway.port, 1, [[5, 0, 1]])).toEqual(["exception 4"]);
    plant.memory.ir.set([2_000], 10);
    plant.memory.di[0] = true;
    await eventually("the trip has closed the valve", () =>
      plant.memory.co[0] === false ? 1 : null,
    );
    expect(await stranger.run(gateway.port, 1, [[5, 0, 1]])).toEqual(["exception 4"]);
    await eventually("the trip is shown", async () =>
      (await gateway.status()).latched.includes("T-01") ? 1 : null,
    );
    plant.setRunning(false);
    await untilRead(gateway, readPdu(4, 10, 1), [0x84, 0x0b]);
    expect(
      await stranger.run(gateway.port, 1, [
        [4, 10, 1],
        [6, 41, 9],
      ]),
    ).toEqual(["exception 11", "exception 4"]);
    plant.setRunning(true);
    await untilRead(gateway, readPdu(4, 10, 1), [4, 2, 0x07, 0xd0]);
    expect(await stranger.run(gateway.port, 1, [[6, 41, 9]])).toEqual(["ok"]);
    expect(functionsSeen(plant)).not.toContain(8);
    expect(functionsSeen(plant)).not.toContain(17);
    expect(functionsSeen(plant)).not.toContain(90);
  });
});

async function start(): Promise<{ readonly plant: Plant; readonly gateway: LiveGateway }> {
  const plant = await startPlant();
  return { plant, gateway: await startGateway(plant.port) };
}

async function expectAll(
  stranger: Stranger,
  port: number,
  all: readonly Expected[],
): Promise<void> {
  const spoken = all.filter(([[code]]) => stranger.speaks.includes(code));
  const told = await stranger.run(
    port,
    1,
    spoken.map(([step]) => step),
  );
  expect(spoken.map(([step], n) => [step.join(" "), told[n]])).toEqual(
    spoken.map(([step, says]) => [step.join(" "), says]),
  );
}

async function untilRead(
  gateway: LiveGateway,
  pdu: readonly number[],
  answer: readonly number[],
): Promise<void> {
  await eventually(`the gateway answers ${answer.join(" ")}`, async () => {
    return (await askOnce(gateway.port, pdu)).join() === answer.join() ? true : null;
  });
}

function functionsSeen(plant: Plant): readonly number[] {
  return plant.received.map(([code = 0]) => code);
}
