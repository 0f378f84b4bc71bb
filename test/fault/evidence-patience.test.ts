import { describe, expect, it } from "vitest";
import { ForgetfulDisk } from "../support/evidence-disk.js";
import { appendAll, openOn, sampleLog, settle, verifyFiles } from "../support/evidence-rig.js";
import { decisionBody, entryOf, outcomeBody } from "../support/evidence-samples.js";

const PATIENCE_US = 2_000;

/** A store at rest that holds two entries; `journal` is of what comes after. */
async function atRest(): Promise<{ disk: ForgetfulDisk } & Awaited<ReturnType<typeof openOn>>> {
  const disk = new ForgetfulDisk();
  const opened = await openOn(disk);
  appendAll(opened.store, sampleLog(0, 2));
  await settle();
  disk.journal.length = 0;
  opened.durable.length = 0;
  return { disk, ...opened };
}

describe("an outcome that nobody waits for", () => {
  it("lets the next decision have the disk at once, and goes along with it", async () => {
    const { disk, store, durable } = await atRest();
    store.append(entryOf({ ...outcomeBody(), outcome: "done" }, 2));
    await settle();
    expect(disk.journal).toEqual([]);
    store.append(entryOf(decisionBody(), 3));
    await settle();
    expect(disk.journal.map((call) => call.split(" ")[0])).toEqual(["write", "sync"]);
    expect(durable).toEqual([3]);
    await store.close();
  });

  it("waits for no more than 2 ms", async () => {
    const { store, durable, clock } = await atRest();
    store.append(entryOf({ ...outcomeBody(), outcome: "acknowledged" }, 2));
    clock.advance(PATIENCE_US - 1);
    await settle();
    expect(durable).toEqual([]);
    clock.advance(1);
    await settle();
    expect(durable).toEqual([2]);
    await store.close();
  });

  it("is on disk after a close that comes first", async () => {
    const { disk, store } = await atRest();
    store.append(entryOf({ ...outcomeBody(), outcome: "done" }, 2));
    await store.close();
    expect(verifyFiles(disk.files())).toMatchObject({ entries: 3, lastSeq: 2, uncovered: 0 });
  });

  it.each(["exception", "unknown", "withdrawn", "no-change"] as const)(
    "is not one that says %s: that goes to disk at once",
    async (outcome) => {
      const { store, durable } = await atRest();
      store.append(entryOf({ ...outcomeBody(), outcome }, 2));
      await settle();
      expect(durable).toEqual([2]);
      await store.close();
    },
  );
});

describe("a time between commits", () => {
  it("is waited for company, and no longer, by permits too [HP-166 allows]", async () => {
    const disk = new ForgetfulDisk();
    const { store, durable, clock } = await openOn(disk, { commitEveryUs: 20_000 });
    appendAll(store, sampleLog(0, 2));
    clock.advance(10_000);
    store.append(entryOf(decisionBody(), 2));
    clock.advance(9_999);
    await settle();
    expect(durable).toEqual([]);
    clock.advance(1);
    await settle();
    expect(durable).toEqual([2]);
    expect(disk.journal.filter((call) => call.startsWith("write"))).toHaveLength(1);
    await store.close();
    expect(verifyFiles(disk.files())).toMatchObject({ ok: true, entries: 3, uncovered: 0 });
  });

  it("holds what comes while the disk is busy until its own time has come, and not beyond [HP-166 refuses]", async () => {
    const disk = new ForgetfulDisk();
    const { store, durable, clock } = await openOn(disk, { commitEveryUs: 20_000 });
    let release = (): void => undefined;
    disk.gate = async () => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    };
    appendAll(store, sampleLog(0, 2));
    clock.advance(20_000);
    await settle();
    store.append(entryOf(decisionBody(), 2));
    clock.advance(15_000);
    release();
    await settle();
    expect(durable).toEqual([1]);
    clock.advance(5_000);
    await settle();
    release();
    await settle();
    expect(durable).toEqual([1, 2]);
    disk.gate = async () => Promise.resolve();
    await store.close();
  });
});
