import { describe, expect, it } from "vitest";
import type { SouthWrite } from "../../../src/guard/ports.js";
import { ReadQueue, type ReadAnswer } from "../../../src/guard/read-queue.js";
import type { Block } from "../../../src/kernel/image/read-plan.js";

const BLOCK: Block = {
  device: 0,
  table: "hr",
  address: 10,
  quantity: 20,
  inputs: [],
  outputs: [],
  alive: false,
  identity: false,
};

function writeTo(address: number, words = 1): SouthWrite {
  const data = { kind: "words", words: Array.from({ length: words }, () => 0) } as const;
  return { device: 0, table: "hr", address, data };
}

function queueOf(addresses: readonly number[], atUs = 0) {
  const queue = new ReadQueue([BLOCK]);
  const answers: ReadAnswer[] = [];
  for (const address of addresses) {
    queue.add({ table: "hr", address, quantity: 1 }, (answer) => void answers.push(answer), atUs);
  }
  return { queue, answers };
}

describe("reads that wait for a line", () => {
  it("are not due while none waits, and at once when no write does", () => {
    expect(new ReadQueue([]).isDue(null, 0)).toBe(false);
    expect(queueOf([12]).queue.isDue(null, 0)).toBe(true);
  });

  it("wait for a write to other registers, for 20 ms at most", () => {
    const { queue } = queueOf([12], 1_000);
    expect(queue.isDue(writeTo(13), 1_000)).toBe(false);
    expect(queue.isDue(writeTo(13), 20_999)).toBe(false);
    expect(queue.isDue(writeTo(13), 21_000)).toBe(true);
  });

  it("go before a write that touches what one of them is to show", () => {
    const { queue } = queueOf([12, 15]);
    expect(queue.isDue(writeTo(15), 0)).toBe(true);
    expect(queue.isDue(writeTo(14, 2), 0)).toBe(true);
    expect(queue.isDue(writeTo(16), 0)).toBe(false);
    expect(queue.isDue({ ...writeTo(15), data: { kind: "mask", and: 0, or: 1 } }, 0)).toBe(true);
    expect(queue.isDue({ ...writeTo(15), table: "co" }, 0)).toBe(false);
    const bits = { kind: "bits", bits: [true, false] } as const;
    expect(queue.isDue({ ...writeTo(14), data: bits }, 0)).toBe(true);
  });

  it("are due when 16 wait, whatever else does", () => {
    const addresses = Array.from({ length: 16 }, (_, place) => 10 + place);
    expect(queueOf(addresses.slice(1)).queue.isDue(writeTo(29), 0)).toBe(false);
    expect(queueOf(addresses).queue.isDue(writeTo(29), 0)).toBe(true);
  });

  it("share one request with all others of their poll block, and never reach out of it", () => {
    const { queue, answers } = queueOf([17, 12, 30, 29]);
    const shared = queue.take();
    expect(shared?.read).toEqual({ table: "hr", address: 12, quantity: 18 });
    expect(queue.length).toBe(1);
    const words = Array.from({ length: 18 }, (_, place) => 100 + place);
    shared?.answer({ sentUs: 5, words });
    expect(answers).toEqual([
      { sentUs: 5, words: [105] },
      { sentUs: 5, words: [100] },
      { sentUs: 5, words: [117] },
    ]);
    expect(queue.take()?.read).toEqual({ table: "hr", address: 30, quantity: 1 });
    expect(queue.take()).toBeNull();
  });

  it("all hear that there is no answer when the shared request fails, or the line is lost", () => {
    const failed = queueOf([12, 13]);
    failed.queue.take()?.answer(null);
    expect(failed.answers).toEqual([null, null]);
    const lost = queueOf([12, 40]);
    lost.queue.drop();
    expect(lost.answers).toEqual([null, null]);
    expect(lost.queue.length).toBe(0);
  });

  it("are refused past 256", () => {
    const { queue } = queueOf(Array.from({ length: 256 }, () => 12));
    expect(queue.add({ table: "hr", address: 12, quantity: 1 }, () => undefined, 0)).toBe(false);
    expect(queue.length).toBe(256);
  });
});
