import { describe, expect, it } from "vitest";
import { decodeEntry } from "../../src/evidence/decode-entry.js";
import { FRAME_KIND, FrameReader } from "../../src/evidence/frame.js";
import { readRetention, type Retention } from "../../src/evidence/retention.js";
import { scanSegment } from "../../src/evidence/scan.js";
import type { SpacePolicy } from "../../src/guard/evidence/space.js";
import { SpaceWatch } from "../../src/guard/evidence/space-watch.js";
import type { EntryBody } from "../../src/kernel/record/entry.js";
import { diskError, ForgetfulDisk } from "../support/evidence-disk.js";
import {
  appendAll,
  failed,
  openNext,
  openOn,
  sampleLog,
  settle,
  verifyFiles,
  type Opened,
} from "../support/evidence-rig.js";
import { bytes, decisionBody, entryOf, sha256 } from "../support/evidence-samples.js";
import { SpaceDisk } from "../support/space-disk.js";

const MB = 1_000_000;
const DAY_US = 86_400_000_000;
const POLICY: SpacePolicy = {
  reserveBytes: 2 * MB,
  highWaterPercent: 90,
  keepUs: null,
  whenFull: "stop",
  tbwBytes: null,
};

type Watched = Opened & {
  readonly space: SpaceDisk;
  readonly disk: ForgetfulDisk;
  readonly watch: SpaceWatch;
  readonly withheld: (string | null)[];
  readonly alarms: string[];
  /** A second passes, and all that comes of it. */
  readonly second: (count?: number) => Promise<void>;
  readonly add: (bodies: readonly EntryBody[]) => void;
};

/** A log, and a watch over its disk as the guard has it. */
async function watched(
  policy: Partial<SpacePolicy> = {},
  given: { readonly space?: SpaceDisk; readonly start?: boolean } = {},
): Promise<Watched> {
  const space = given.space ?? new SpaceDisk(new ForgetfulDisk());
  const { disk } = space;
  const port = space.port();
  const said: string[] = [];
  const holder: { watch: SpaceWatch | null } = { watch: null };
  const opened = await openOn(disk, {
    port,
    segmentBytesMax: 6_000,
    reserve: async () => (await holder.watch?.reserve.release()) ?? false,
    rotate: (store, link) => {
      openNext(store, link, 100);
    },
  });
  const { store, clock } = opened;
  const watch = new SpaceWatch({
    disk: port,
    policy: { ...POLICY, ...policy },
    clock,
    report: (text) => said.push(text),
  });
  holder.watch = watch;
  const withheld: (string | null)[] = [];
  const alarms: string[] = [];
  const add = (bodies: readonly EntryBody[]): void => {
    for (const body of bodies) store.append(entryOf(body, store.head().nextSeq));
  };
  await watch.start({
    log: {
      head: () => store.head(),
      signedSize: () => store.signedSize,
      checkpoint: () => {
        store.checkpoint("retention");
      },
      record: add,
    },
    written: () => store.written,
    withhold: (why) => withheld.push(why),
    alarm: (raised, text) => alarms.push(raised ? text : "over"),
  });
  const second = async (count = 1): Promise<void> => {
    for (let i = 0; i < count; i += 1) {
      clock.advance(1_000_000);
      await settle();
    }
  };
  return { ...opened, space, disk, watch, withheld, alarms, second, add };
}

/** Entries of several segments, each under a checkpoint. */
async function fill(log: Watched, rounds = 6, profile: EntryBody | null = null): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const from = log.store.head().nextSeq;
    const entries = sampleLog(0, 14).slice(round === 0 && from === 0 ? 0 : 2);
    appendAll(
      log.store,
      entries.map((entry, place) => ({ ...entry, seq: from + place })),
    );
    if (round === 0 && profile !== null) log.add([profile]);
    await settle();
    await log.second();
  }
}

function segmentsOf(disk: ForgetfulDisk): readonly string[] {
  return [...disk.files().keys()].filter((name) => name.startsWith("segment-")).sort();
}

function bodiesIn(disk: ForgetfulDisk): readonly EntryBody[] {
  return segmentsOf(disk).flatMap((name) => {
    const found: EntryBody[] = [];
    const content = disk.files().get(name) ?? new Uint8Array(0);
    scanSegment(content, new FrameReader(sha256), {
      frame: ({ kind, bodyStart, bodyEnd }) => {
        const read = kind === FRAME_KIND.leaf ? decodeEntry(content, bodyStart, bodyEnd) : null;
        if (read?.ok === true) found.push(read.entry.body);
        return null;
      },
      gap: () => undefined,
    });
    return found;
  });
}

function retentionsIn(disk: ForgetfulDisk): readonly Retention[] {
  return bodiesIn(disk).flatMap((body) => {
    const read = body.type === "notice" ? readRetention(body) : null;
    return read === null ? [] : [read];
  });
}

describe("a disk that is full", () => {
  it("takes from the reserve what comes, and never calls it durable [HP-161 allows]", async () => {
    const log = await watched();
    await log.second(3);
    expect(log.watch.reserve.isWhole).toBe(true);
    appendAll(log.store, sampleLog(0, 6));
    await settle();
    log.space.bound();
    log.space.othersBytes += log.space.freeBytes();
    const durable = log.durable.length;
    log.add([decisionBody(90)]);
    await settle();
    expect(log.failures).toEqual(["ENOSPC: planted"]);
    expect(log.reports).toEqual([
      "evidence: the disk is full; from here on the reserve is written to",
    ]);
    log.add([decisionBody(91), { type: "notice", what: "evidence", details: new Map() }]);
    await settle();
    expect(log.durable).toHaveLength(durable);
    log.watch.stop();
    await log.store.close();
    const report = verifyFiles(log.disk.files());
    expect(failed(report)).toEqual([]);
    expect(report).toMatchObject({ entries: 9, uncovered: 0 });
    expect(log.disk.files().has("reserve")).toBe(false);
    const again = await openOn(log.disk.crash());
    expect(again.recovered).toMatchObject({ found: "clean", nextSeq: 9 });
  });

  it("ends the writing when the reserve is used up as well; what was written stays whole", async () => {
    const log = await watched();
    await log.second(3);
    appendAll(log.store, sampleLog(0, 6));
    await settle();
    log.space.bound();
    log.space.othersBytes += log.space.freeBytes();
    log.add([decisionBody(90)]);
    await settle();
    log.space.othersBytes += log.space.freeBytes();
    log.add([decisionBody(91)]);
    await settle();
    log.add([decisionBody(92)]);
    await settle();
    log.watch.stop();
    await log.store.close();
    expect(log.failures).toHaveLength(1);
    expect(verifyFiles(log.disk.files())).toMatchObject({ ok: true, entries: 7 });
  });

  it.each(["EIO", "ENOSPC"])("never writes on after a sync that failed with %s", async (code) => {
    const log = await watched();
    await log.second(3);
    appendAll(log.store, sampleLog(0, 6));
    await settle();
    log.disk.fault = (call, name) =>
      call === "sync" && name.startsWith("segment-") ? diskError(code) : null;
    log.add([decisionBody(90)]);
    await settle();
    log.disk.fault = () => null;
    const calls = log.disk.journal.length;
    log.add([decisionBody(91)]);
    await settle();
    expect(log.failures).toEqual([`${code}: planted`]);
    expect(log.disk.journal).toHaveLength(calls);
    expect(log.disk.files().has("reserve")).toBe(true);
  });

  it("begins no segment in the reserve, and writes the opening of one again that found no room", async () => {
    const log = await watched();
    await log.second(3);
    log.space.bound();
    let isFirst = true;
    const bound = log.disk.fault;
    log.disk.fault = (call, name, count) => {
      if (isFirst && call === "write" && name.endsWith(".tmp")) {
        isFirst = false;
        return diskError("ENOSPC");
      }
      return bound(call, name, count);
    };
    appendAll(log.store, sampleLog(0, 40));
    await settle();
    expect(log.failures).toEqual(["ENOSPC: planted"]);
    expect(segmentsOf(log.disk)).toHaveLength(2);
    await fill(log, 4);
    expect(segmentsOf(log.disk)).toHaveLength(2);
    await log.store.close();
    expect(failed(verifyFiles(log.disk.files()))).toEqual([]);
  });
});

describe("the high-water mark", () => {
  it("stops permits before the disk is full, says why, and gives them back a margin below [HP-160 refuses]", async () => {
    const log = await watched();
    await log.second(12);
    expect(log.withheld).toEqual([]);
    log.space.othersBytes = 89 * MB;
    await log.second(11);
    const why = "the evidence disk is 91.0 % full, and permits stop at 90 %";
    expect(log.withheld).toEqual([why]);
    expect(log.watch.report().withheld).toBe(why);
    log.space.othersBytes = 86.5 * MB;
    await log.second(11);
    expect(log.withheld).toEqual([why]);
    log.space.othersBytes = 80 * MB;
    await log.second(2);
    expect(log.withheld).toEqual([why, null]);
    expect(bodiesIn(log.disk)).toEqual([
      { type: "notice", what: "space", details: new Map([["withheld", why]]) },
      { type: "notice", what: "space", details: new Map([["withheld", null]]) },
    ]);
  });

  it("is looked at before the first permit, and gives them where there is room [HP-160 allows]", async () => {
    expect((await watched()).withheld).toEqual([]);
    const space = new SpaceDisk(new ForgetfulDisk());
    space.othersBytes = 95 * MB;
    expect((await watched({}, { space })).withheld).toHaveLength(1);
  });

  it("counts a disk as full that does not say, or whose reserve has no room", async () => {
    const silent = new SpaceDisk(new ForgetfulDisk());
    silent.gate = async () => Promise.reject(diskError("EIO"));
    expect((await watched({}, { space: silent })).withheld).toEqual([
      "the evidence disk cannot be used: EIO: planted",
    ]);
    const small = new SpaceDisk(new ForgetfulDisk(), 4 * MB);
    expect((await watched({ reserveBytes: 8 * MB }, { space: small })).withheld).toEqual([
      "the evidence disk has 4.0 MB left, less than its reserve of 8.0 MB needs",
    ]);
    const hung = await watched();
    await hung.second(12);
    hung.space.gate = async () => new Promise(() => undefined);
    await hung.second(80);
    expect(hung.withheld).toEqual(["the evidence disk does not answer"]);
  });

  it("is looked at sooner when the log grows fast", async () => {
    const log = await watched();
    await log.second(12);
    const before = log.space.asked;
    await log.second(4);
    expect(log.space.asked).toBe(before);
    const state = bytes(48_000, 1);
    const body: EntryBody = {
      type: "snapshot",
      semantics: 1,
      profile: bytes(32, 7),
      state,
      foldedTo: 0,
    };
    log.add(Array.from({ length: 100 }, () => body));
    await settle();
    await log.second(1);
    expect(log.space.asked).toBe(before + 1);
  });
});

describe("days left", () => {
  it("are told once for each mark, on record and as an alarm [HP-165 allows]", async () => {
    const space = new SpaceDisk(new ForgetfulDisk());
    space.disk.set("segment-0000000000000000.cborseq", new Uint8Array(0));
    const log = await watched({}, { space });
    await log.second(12);
    // An hour in which the log grew by 400 kB: 9.6 MB a day, and 9 days until 88.5 MB more are there.
    const state = bytes(40_000, 1);
    const one = { type: "snapshot", semantics: 1, profile: bytes(32, 7), foldedTo: 0 } as const;
    log.add(Array.from({ length: 10 }, () => ({ ...one, state })));
    await settle();
    log.clock.us += 3_600_000_000;
    await log.second(12);
    const [first] = log.alarms;
    expect(first).toMatch(
      /^at 9\.\d MB a day the evidence disk is full in \d days: then permits stop$/,
    );
    await log.second(30);
    expect(log.alarms).toHaveLength(1);
    space.othersBytes = 60 * MB;
    await log.second(12);
    expect(log.alarms).toHaveLength(2);
    const told = bodiesIn(log.disk).flatMap((body) =>
      body.type === "notice" && body.what === "space" ? [body.details?.get("mark")] : [],
    );
    expect(told).toEqual([30, 7]);
  });

  it("are not told while too little is known [HP-165 refuses]", async () => {
    const log = await watched();
    await fill(log);
    await log.second(30);
    expect(log.alarms).toEqual([]);
    expect(log.watch.report()).toMatchObject({ daysLeft: null, bytesPerDay: null });
  });
});

describe("retention", () => {
  it("deletes the oldest segments when room is wanted, each only after its record is signed [HP-162 allows]", async () => {
    const log = await watched({ whenFull: "drop-oldest" });
    await fill(log);
    const before = segmentsOf(log.disk);
    expect(before.length).toBeGreaterThan(3);
    log.disk.journal.length = 0;
    log.space.othersBytes = 87 * MB;
    await log.second(40);
    expect(segmentsOf(log.disk).at(-1)).toBe(before.at(-1));
    expect(segmentsOf(log.disk).length).toBeLessThan(before.length);
    expect(log.watch.report().retention.dropped).toBeGreaterThan(0);
    const [first] = retentionsIn(log.disk);
    expect(first).toMatchObject({ segment: before[0], firstSeq: 0, why: "full" });
    const removes = log.disk.journal.filter((line) => line.startsWith("remove"));
    expect(removes.map((line) => line.slice(7))).toEqual(before.slice(0, removes.length));
    await log.store.close();
    const report = verifyFiles(log.disk.files());
    expect(failed(report)).toEqual([]);
    const beginning = report.checks.find(({ id }) => id === "beginning");
    expect(beginning).toMatchObject({ status: "PASS" });
    expect(beginning?.note).toMatch(
      /^entries 0 to \d+ are not here: retention took them, as entry \d+ records/,
    );
    // The next start goes on, though what came before is gone.
    const again = await openOn(log.disk.crash());
    expect(again.recovered).toMatchObject({
      found: "clean",
      nextSeq: report.entries + (report.firstSeq ?? 0),
    });
  });

  it("deletes what is older than it is kept, no more than one in a minute [HP-162 refuses]", async () => {
    const log = await watched({ keepUs: 400 * DAY_US });
    await fill(log);
    const before = segmentsOf(log.disk);
    await log.second(20);
    expect(segmentsOf(log.disk)).toEqual(before);
    const { clock } = log;
    clock.us += 401 * DAY_US;
    await log.second(25);
    expect(segmentsOf(log.disk)).toEqual(before.slice(1));
    expect(retentionsIn(log.disk).map(({ why }) => why)).toEqual(["age"]);
    await log.second(60);
    expect(segmentsOf(log.disk)).toEqual(before.slice(2));
  });

  it("deletes nothing without being told to, whatever the disk and the clock say", async () => {
    const log = await watched();
    await fill(log);
    const before = segmentsOf(log.disk);
    log.space.othersBytes = 99 * MB;
    log.clock.us += 4_000 * DAY_US;
    await log.second(30);
    expect(segmentsOf(log.disk)).toEqual(before);
  });

  it("waits for a checkpoint over the segment, and for one over the record", async () => {
    const space = new SpaceDisk(new ForgetfulDisk());
    const log = await watched({ whenFull: "drop-oldest" }, { space });
    await fill(log);
    const before = segmentsOf(log.disk);
    // No signature reaches the disk any more: the record is made, and nothing is deleted.
    const settled = log.store.signedSize;
    Object.defineProperty(log.store, "signedSize", { get: () => settled });
    space.othersBytes = 87 * MB;
    await log.second(30);
    expect(retentionsIn(log.disk)).toHaveLength(1);
    expect(segmentsOf(log.disk).slice(0, before.length)).toEqual(before);
  });

  it("records again a profile that only the segment holds, so that what remains can be replayed", async () => {
    const profileBytes = bytes(300, 3);
    const profile: EntryBody = {
      type: "profile",
      digest: sha256(profileBytes),
      bytes: profileBytes,
      signatures: [],
      event: "activated",
      previous: null,
      proof: null,
      why: null,
    };
    const log = await watched({ whenFull: "drop-oldest" });
    await fill(log, 6, profile);
    log.space.othersBytes = 87 * MB;
    await log.second(40);
    const held = bodiesIn(log.disk).filter((body) => body.type === "profile");
    expect(held.map(({ bytes: whole, event }) => [whole, event])).toEqual([
      [profileBytes, "loaded"],
    ]);
    await log.store.close();
    expect(failed(verifyFiles(log.disk.files()))).toEqual([]);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])(
    "leaves a log that verifies where the power fails %i calls into it",
    async (calls) => {
      const log = await watched({ whenFull: "drop-oldest" });
      await fill(log);
      let left = calls;
      log.disk.fault = () => ((left -= 1) < 0 ? diskError("EDIED") : null);
      log.space.othersBytes = 87 * MB;
      await log.second(25);
      const after = log.disk.crash((unsynced) => Math.floor(unsynced / 2));
      const again = await openOn(after);
      expect(again.recovered.found).not.toBe("damaged");
      appendAll(again.store, sampleLog(again.recovered.nextSeq, 2, 2));
      await again.store.close();
      expect(failed(verifyFiles(after.files()))).toEqual([]);
    },
  );
});

describe("an attacker who deletes the oldest segments", () => {
  it("is found where nothing records it, where the record is of others, and where it is not signed [HP-163]", async () => {
    const log = await watched({ whenFull: "drop-oldest" });
    await fill(log);
    log.watch.stop();
    await log.store.close();
    const names = segmentsOf(log.disk);
    const without = (count: number): ReadonlyMap<string, Uint8Array> =>
      new Map([...log.disk.files()].filter(([name]) => !names.slice(0, count).includes(name)));
    expect(failed(verifyFiles(without(0)))).toEqual([]);
    expect(failed(verifyFiles(without(1)))).toEqual(["beginning"]);
    expect(failed(verifyFiles(without(names.length - 1)))).toEqual(["beginning"]);
  });

  it("is found where more is gone than was recorded", async () => {
    const log = await watched({ whenFull: "drop-oldest" });
    await fill(log);
    log.space.othersBytes = 87 * MB;
    await log.second(4);
    log.watch.stop();
    await log.store.close();
    expect(failed(verifyFiles(log.disk.files()))).toEqual([]);
    // The next one is on record already, and would have gone a moment later.
    const gone = segmentsOf(log.disk).slice(0, 2);
    const fewer = new Map([...log.disk.files()].filter(([name]) => !gone.includes(name)));
    expect(failed(verifyFiles(fewer))).toEqual(["beginning"]);
  });
});
