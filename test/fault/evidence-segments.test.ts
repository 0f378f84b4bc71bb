import { describe, expect, it } from "vitest";
import { ForgetfulDisk, diskError } from "../support/evidence-disk.js";
import {
  appendAll,
  failed,
  openNext,
  openOn,
  sampleLog,
  settle,
  testSigner,
  verifyFiles,
} from "../support/evidence-rig.js";
import { bytes } from "../support/evidence-samples.js";

describe("segments", () => {
  it("follow each other, each opened by its link and a snapshot in parts", async () => {
    const disk = new ForgetfulDisk();
    const { store, links } = await openOn(disk, { segmentBytesMax: 4000, rotate: openNext });
    let seq = 0;
    for (let round = 0; round < 12; round += 1) {
      const log = sampleLog(0, 250).slice(round === 0 ? 0 : 2);
      seq = store.head().nextSeq;
      appendAll(
        store,
        log.map((entry, i) => ({ ...entry, seq: seq + i })),
      );
      await settle();
    }
    await store.close();
    const files = disk.files();
    expect(links.length).toBeGreaterThan(3);
    expect(files.size).toBe(links.length + 1);
    const report = verifyFiles(files);
    expect(failed(report)).toEqual([]);
    expect(report.segments).toBe(links.length + 1);
    // Any newest segments alone verify too, but that nothing says why they begin there.
    const names = [...files.keys()].sort();
    const newest = verifyFiles(new Map([...files].filter(([name]) => name >= (names[2] ?? ""))));
    expect(failed(newest)).toEqual(["beginning"]);
    // And a start needs only the newest.
    const again = await openOn(disk.crash());
    expect(again.recovered).toMatchObject({ found: "clean", nextSeq: report.entries, link: null });
    expect(again.snapshots).toHaveLength(1);
    expect(again.snapshots[0]).toEqual(bytes(50_000, 1));
  });

  it("begin behind a checkpoint that was signed while the last group of the one before was written", async () => {
    const disk = new ForgetfulDisk();
    const [signature, sync] = [openGate(), openGate()];
    const signer = testSigner(signature.pass);
    const { store, clock, links } = await openOn(disk, {
      ...{ segmentBytesMax: 4_000, rotate: openNext, signer },
    });
    appendAll(store, sampleLog(0, 4));
    await settle();
    signature.close();
    clock.advance(1_000_000);
    await settle();
    sync.close();
    disk.gate = sync.pass;
    appendAll(store, sampleLog(0, 40).slice(4));
    await settle();
    signature.open();
    await settle();
    sync.open();
    await settle();
    await store.close();
    expect(links).toHaveLength(1);
    const files = [...disk.files()].sort(([a], [b]) => (a < b ? -1 : 1));
    expect(failed(verifyFiles(new Map(files)))).toEqual([]);
    expect(failed(verifyFiles(new Map(files.slice(1))))).toEqual(["beginning"]);
  });

  it("leave no group waiting for longer, however many were begun under unbroken load", async () => {
    const disk = new ForgetfulDisk();
    let release = (): void => undefined;
    const { store, links } = await openOn(disk, {
      segmentBytesMax: 3_000,
      rotate: (next, link) => {
        openNext(next, link, 100);
      },
    });
    disk.gate = async () => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    };
    const waiting: number[] = [];
    appendAll(store, sampleLog(0, 2));
    await settle(5);
    while (links.length < 8) {
      const { nextSeq, durableSeq } = store.head();
      waiting.push(nextSeq - 1 - durableSeq);
      appendAll(
        store,
        sampleLog(0, 3)
          .slice(2)
          .map((entry) => ({ ...entry, seq: nextSeq })),
      );
      release();
      await settle(5);
    }
    const least = (of: readonly number[]): number => Math.min(...of);
    expect(least(waiting.slice(-20))).toBeLessThanOrEqual(least(waiting.slice(2, 22)));
  });

  it.each([0, 1, 2, 3, 4, 5])(
    "that a crash interrupts after %i calls leave a log that goes on",
    async (calls) => {
      const disk = new ForgetfulDisk();
      const opened = await openOn(disk, { segmentBytesMax: 1000, rotate: openNext });
      let left = Number.MAX_SAFE_INTEGER;
      const died = diskError("EDIED");
      disk.fault = () => ((left -= 1) < 0 ? died : null);
      opened.store.onDurable(() => {
        // The rotation is asked for right after this.
        if (left > 1000) left = calls;
      });
      appendAll(opened.store, sampleLog(0, 10));
      await settle();
      const after = disk.crash((unsynced) => Math.floor(unsynced / 2));
      const again = await openOn(after);
      expect(again.recovered.found).not.toBe("damaged");
      expect(again.recovered.nextSeq).toBeGreaterThanOrEqual(10);
      const from = again.recovered.nextSeq;
      appendAll(again.store, sampleLog(from, 6, 2));
      await again.store.close();
      expect(failed(verifyFiles(after.files()))).toEqual([]);
    },
  );
});

/** Passed at once while it is open. */
function openGate(): {
  readonly pass: () => Promise<void>;
  readonly open: () => void;
  readonly close: () => void;
} {
  let waiting: (() => void)[] = [];
  let isOpen = true;
  return {
    pass: async () => {
      if (isOpen) return;
      await new Promise<void>((resolve) => waiting.push(resolve));
    },
    open: () => {
      isOpen = true;
      for (const resolve of waiting) resolve();
      waiting = [];
    },
    close: () => {
      isOpen = false;
    },
  };
}
