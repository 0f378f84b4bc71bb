import { describe, expect, it } from "vitest";
import { ForgetfulDisk, diskError } from "../support/evidence-disk.js";
import {
  appendAll,
  failed,
  openOn,
  sampleLog,
  settle,
  testSigner,
  verifyFiles,
} from "../support/evidence-rig.js";
import { bytes, entryOf } from "../support/evidence-samples.js";

describe("the evidence store", () => {
  it("writes a log that verifies, with a checkpoint over all of it at close", async () => {
    const disk = new ForgetfulDisk();
    const { store, durable } = await openOn(disk);
    appendAll(store, sampleLog(0, 10));
    await settle();
    expect(durable).toEqual([9]);
    appendAll(store, sampleLog(0, 30).slice(10));
    await settle();
    await store.close();
    const report = verifyFiles(disk.files());
    expect(failed(report)).toEqual([]);
    expect(report).toMatchObject({ ok: true, entries: 30, lastSeq: 29, uncovered: 0, runs: 1 });
    expect(disk.released).toBe(true);
  });

  it("calls an entry durable only after the sync of the write that holds it [HP-078 allows]", async () => {
    const disk = new ForgetfulDisk();
    const opened = await openOn(disk);
    disk.journal.length = 0;
    opened.store.onDurable((seq) => disk.journal.push(`durable ${seq}`));
    appendAll(opened.store, sampleLog(0, 4));
    await settle();
    const name = "segment-0000000000000000.cborseq";
    expect(disk.journal).toEqual([`write ${name}`, `sync ${name}`, "durable 3"]);
    // All that was called durable is there after the power failed.
    const after = await openOn(disk.crash());
    expect(after.recovered).toMatchObject({ found: "clean", nextSeq: 4 });
    expect(after.entries.map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
  });

  it("calls nothing durable while a sync does not return, and takes what comes meanwhile in one group", async () => {
    const disk = new ForgetfulDisk();
    const { store, durable } = await openOn(disk);
    let release = (): void => undefined;
    disk.gate = async () => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    };
    const log = sampleLog(0, 60);
    appendAll(store, log.slice(0, 2));
    await settle();
    for (const entry of log.slice(2)) {
      store.append(entry);
      await settle(1);
    }
    expect(durable).toEqual([]);
    expect(store.head()).toMatchObject({ nextSeq: 60, durableSeq: -1 });
    release();
    await settle();
    expect(durable).toEqual([1]);
    release();
    await settle();
    expect(durable).toEqual([1, 59]);
    expect(disk.journal.filter((line) => line.startsWith("write"))).toHaveLength(2);
  });

  it("goes on after short writes without losing or doubling a byte", async () => {
    const disk = new ForgetfulDisk();
    disk.writeMax = 7;
    const { store } = await openOn(disk);
    appendAll(store, sampleLog(0, 12));
    await store.close();
    expect(failed(verifyFiles(disk.files()))).toEqual([]);
  });

  it.each(["write", "sync"] as const)(
    "reports failure once when a %s fails, and never calls anything durable or touches the file again [HP-078 refuses]",
    async (call) => {
      const disk = new ForgetfulDisk();
      const { store, durable, failures } = await openOn(disk);
      appendAll(store, sampleLog(0, 4));
      await settle();
      disk.fault = (made) => (made === call ? diskError("EIO") : null);
      const log = sampleLog(0, 20);
      appendAll(store, log.slice(4, 8));
      await settle();
      disk.fault = () => null;
      const calls = disk.journal.length;
      appendAll(store, log.slice(8));
      await settle();
      expect(durable).toEqual([3]);
      expect(failures).toEqual(["EIO: planted"]);
      expect(disk.journal).toHaveLength(calls);
      await store.close();
      expect(disk.journal.slice(calls).filter((line) => !line.startsWith("close"))).toEqual([]);
      expect(disk.released).toBe(true);
    },
  );

  it("cuts a full disk's half-written group off again, and the next start is clean", async () => {
    const disk = new ForgetfulDisk();
    const { store, failures } = await openOn(disk);
    appendAll(store, sampleLog(0, 4));
    await settle();
    disk.writeMax = 100;
    let writes = 0;
    disk.fault = (call) => (call === "write" && (writes += 1) > 2 ? diskError("ENOSPC") : null);
    appendAll(store, sampleLog(0, 8).slice(4));
    await settle();
    expect(failures).toEqual(["ENOSPC: planted"]);
    expect(disk.journal.at(-1)).toBe("truncate segment-0000000000000000.cborseq");
    const again = await openOn(disk);
    expect(again.recovered).toMatchObject({ found: "clean", nextSeq: 4 });
  });

  it("tells a late listener that it has failed", async () => {
    const disk = new ForgetfulDisk();
    const { store } = await openOn(disk);
    disk.fault = () => diskError("EIO");
    appendAll(store, sampleLog(0, 1));
    await settle();
    const heard: string[] = [];
    store.onFailed((why) => heard.push(why));
    await settle(1);
    expect(heard).toEqual(["EIO: planted"]);
  });

  it("fails rather than write an entry out of its place", async () => {
    const disk = new ForgetfulDisk();
    const { store, failures } = await openOn(disk);
    appendAll(store, sampleLog(0, 2));
    store.append(entryOf({ type: "site", digest: bytes(32, 1), event: "seen" }, 5));
    await settle();
    expect(failures).toEqual(["evidence: seq 5 where 2 is due"]);
  });

  it("fails when more waits for the disk than it may hold", async () => {
    const disk = new ForgetfulDisk();
    const { store, failures, durable } = await openOn(disk);
    disk.gate = async () => {
      await new Promise(() => undefined);
    };
    const state = bytes(48 * 1024, 1);
    for (let seq = 0; seq < 1500 && failures.length === 0; seq += 1) {
      const body = { type: "snapshot", semantics: 1, profile: bytes(32, 7), state, foldedTo: 0 };
      store.append(entryOf({ ...body, type: "snapshot" }, seq));
      if (seq % 100 === 0) await settle(1);
    }
    await settle();
    expect(failures).toHaveLength(1);
    expect(failures[0]).toContain("wait for the disk");
    expect(durable).toEqual([]);
  });
});

describe("checkpoints", () => {
  it("come a second after the first leaf none covers, with a proof from the one before", async () => {
    const disk = new ForgetfulDisk();
    const { store, clock } = await openOn(disk);
    const log = sampleLog(0, 40);
    for (let i = 0; i < 40; i += 8) {
      appendAll(store, log.slice(i, i + 8));
      await settle();
      clock.advance(1_000_000);
      await settle();
    }
    const report = verifyFiles(disk.files());
    expect(failed(report)).toEqual([]);
    const looked = Object.fromEntries(report.checks.map(({ id, looked: count }) => [id, count]));
    expect(looked).toMatchObject({ signatures: 5, consistency: 4, "checkpoint-chain": 5 });
    expect(report.uncovered).toBe(0);
  });

  it("come after 4,096 leaves without waiting for the time", async () => {
    const disk = new ForgetfulDisk();
    const { store } = await openOn(disk);
    appendAll(store, sampleLog(0, 4100));
    await settle();
    expect(verifyFiles(disk.files()).checks.find(({ id }) => id === "signatures")?.looked).toBe(1);
    await store.close();
  });

  it("never keep an entry waiting, however long a signature takes; the newest root wins", async () => {
    const disk = new ForgetfulDisk();
    const waiting: (() => void)[] = [];
    const signer = testSigner(async () => {
      await new Promise<void>((resolve) => waiting.push(resolve));
    });
    const { store, durable, clock } = await openOn(disk, { signer });
    const log = sampleLog(0, 50);
    appendAll(store, log.slice(0, 10));
    store.checkpoint("boot");
    await settle();
    for (let i = 10; i < 50; i += 10) {
      appendAll(store, log.slice(i, i + 10));
      store.checkpoint("mode");
      await settle();
      clock.advance(2_000_000);
    }
    expect(durable.at(-1)).toBe(49);
    expect(waiting).toHaveLength(1);
    waiting[0]?.();
    await settle();
    expect(waiting).toHaveLength(2);
    waiting[1]?.();
    await settle();
    const report = verifyFiles(disk.files());
    expect(failed(report)).toEqual([]);
    expect(report.uncovered).toBe(0);
    expect(report.checks.find(({ id }) => id === "signatures")?.looked).toBe(2);
  });

  it("that cannot be signed are reported, and the next one makes up for them", async () => {
    const disk = new ForgetfulDisk();
    let broken = true;
    const signer = testSigner(async () => {
      await Promise.resolve();
      if (broken) throw new Error("the chip does not answer");
    });
    const { store, clock, reports } = await openOn(disk, { signer });
    appendAll(store, sampleLog(0, 6));
    store.checkpoint("boot");
    await settle();
    expect(reports).toEqual([
      "evidence: the checkpoint at 6 was not signed (the chip does not answer); it is tried again each second",
    ]);
    clock.advance(1_000_000);
    await settle();
    // Said once, however often it is tried.
    expect(reports).toHaveLength(1);
    broken = false;
    clock.advance(1_000_000);
    await settle();
    expect(reports.slice(1)).toEqual(["evidence: checkpoints are signed again, at 6"]);
    const report = verifyFiles(disk.files());
    expect(failed(report)).toEqual([]);
    expect(report.uncovered).toBe(0);
  });

  it("go on across a restart, with a proof from the last one before it", async () => {
    const disk = new ForgetfulDisk();
    const first = await openOn(disk);
    appendAll(first.store, sampleLog(0, 8));
    await first.store.close();
    const second = await openOn(disk.crash());
    expect(second.recovered).toMatchObject({ found: "clean", nextSeq: 8, boot: 2 });
    const rest = disk.crash();
    const third = await openOn(rest);
    appendAll(third.store, sampleLog(8, 10, 2));
    await third.store.close();
    const report = verifyFiles(rest.files());
    expect(failed(report)).toEqual([]);
    expect(report.checks.find(({ id }) => id === "consistency")?.looked).toBe(1);
    expect(report.runs).toBe(2);
  });

  it("are waited for at close only so long", async () => {
    const disk = new ForgetfulDisk();
    const signer = testSigner(async () => {
      await new Promise(() => undefined);
    });
    const { store, clock } = await openOn(disk, { signer });
    appendAll(store, sampleLog(0, 3));
    const closed = store.close();
    await settle();
    clock.advance(5_000_000);
    await closed;
    expect(disk.released).toBe(true);
  });
});
