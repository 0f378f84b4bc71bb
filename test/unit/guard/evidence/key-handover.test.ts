import { describe, expect, it } from "vitest";
import { KeyHandover } from "../../../../src/guard/evidence/key-handover.js";
import type { Signer } from "../../../../src/guard/ports.js";
import { settle, testSigner } from "../../../support/evidence-rig.js";

const NEXT: Signer = { ...testSigner(), spki: Uint8Array.of(7) };

type Rig = {
  readonly keys: KeyHandover;
  /** A checkpoint of the key before is being made or written. */
  readonly work: { isUnderWay: boolean };
  readonly recorded: () => number;
};

function handOver(outcome: () => Promise<void> = async () => Promise.resolve()): Rig {
  const work = { isUnderWay: false };
  let recorded = 0;
  const done = async (): Promise<void> => {
    recorded += 1;
    await outcome();
  };
  const signer: Signer = { ...testSigner(), handover: { to: NEXT, done } };
  const keys = new KeyHandover(
    signer,
    () => undefined,
    () => work.isUnderWay,
  );
  keys.named(NEXT.spki, 4);
  return { keys, work, recorded: () => recorded };
}

describe("the key that waits to take over", () => {
  it("does so once the entry that names it is covered and that is written down", async () => {
    const { keys, recorded } = handOver();
    keys.covered(4);
    await settle(2);
    expect([keys.signer.spki, recorded()]).not.toContain(NEXT.spki);
    keys.covered(5);
    await settle(2);
    expect([keys.signer.spki, keys.next, recorded()]).toEqual([NEXT.spki, null, 1]);
  });

  it("waits for a checkpoint of the key before it that is under way: no segment is to say that the new one signs", async () => {
    const { keys, work } = handOver();
    work.isUnderWay = true;
    keys.covered(5);
    await settle(2);
    expect(keys.next).toEqual(NEXT.spki);
    work.isUnderWay = false;
    keys.covered(6);
    await settle(2);
    expect([keys.signer.spki, keys.next]).toEqual([NEXT.spki, null]);
  });

  it("goes on waiting where it cannot be written down", async () => {
    const { keys, recorded } = handOver(async () => {
      await Promise.reject(new Error("no such key"));
    });
    for (const size of [5, 6]) {
      keys.covered(size);
      await settle(2);
    }
    expect([keys.next, recorded()]).toEqual([NEXT.spki, 2]);
  });
});
