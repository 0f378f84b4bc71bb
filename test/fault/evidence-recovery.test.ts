import { describe, expect, it } from "vitest";
import {
  nameSegment,
  readLink,
  segmentOpening,
  type SegmentLink,
} from "../../src/evidence/segment.js";
import type { EvidenceStore } from "../../src/guard/ports.js";
import type { Entry } from "../../src/kernel/record/entry.js";
import { ForgetfulDisk } from "../support/evidence-disk.js";
import {
  appendAll,
  failed,
  openOn,
  sampleLog,
  settle,
  SPKI,
  verifyFiles,
} from "../support/evidence-rig.js";
import { bootBody, bytes, entryOf, sha256 } from "../support/evidence-samples.js";
import { seeded } from "../support/seeded.js";
import { share } from "../support/share.js";

/** The full counts take minutes on a busy machine. */
const SOAK = { timeout: 900_000 };

const FIRST = nameSegment(0);

async function wholeLog(): Promise<Uint8Array> {
  const disk = new ForgetfulDisk();
  const { store, clock } = await openOn(disk);
  const log = sampleLog(0, 8);
  appendAll(store, log.slice(0, 4));
  await settle(10);
  clock.advance(1_000_000);
  await settle(10);
  appendAll(store, log.slice(4));
  await store.close();
  return disk.files().get(FIRST) ?? new Uint8Array(0);
}

const LOG = await wholeLog();

function diskWith(content: Uint8Array): ForgetfulDisk {
  const disk = new ForgetfulDisk();
  disk.set(FIRST, content);
  return disk;
}

/** What a guard appends first after damage. */
function goOn(store: EvidenceStore, link: SegmentLink, boot: number): void {
  const bodies = [
    ...segmentOpening(
      link,
      { semantics: 1, profile: bytes(32, 7), state: bytes(9, 1), foldedTo: link.size - 1 },
      sha256,
    ),
    bootBody(boot),
  ];
  bodies.forEach((body, i) => {
    store.append(entryOf(body, link.size + i));
  });
}

describe("a start after a crash", SOAK, () => {
  it("cuts an unfinished end at any byte, keeps it aside, and goes on with a log that verifies [HP-074 allows]", async () => {
    for (let length = 0; length < LOG.length; length += share(1, 5)) {
      const disk = diskWith(LOG.slice(0, length));
      const { store, recovered, entries } = await openOn(disk);
      expect(recovered.found).toBe(recovered.cutBytes === 0 ? "clean" : "torn");
      expect(recovered.link).toBeNull();
      expect(entries).toHaveLength(recovered.nextSeq);
      const kept = [...disk.files()].filter(([name]) => name.startsWith("cut-"));
      expect(kept).toHaveLength(recovered.cutBytes === 0 ? 0 : 1);
      if (recovered.cutBytes > 0) {
        const cut = LOG.slice(length - recovered.cutBytes, length);
        expect(kept[0]?.[1]).toEqual(cut);
        expect(new Uint8Array(recovered.cutHash ?? [])).toEqual(new Uint8Array(sha256(cut)));
      }
      const { nextSeq, boot } = recovered;
      store.append(entryOf({ ...bootBody(boot) }, nextSeq));
      store.append(entryOf({ type: "site", digest: bytes(32, 1), event: "seen" }, nextSeq + 1));
      await store.close();
      const faults = failed(verifyFiles(disk.files()));
      // A permit whose outcome was cut off is the kernel's to settle, and no key entry may be left.
      expect(faults.filter((id) => id !== "outcomes" && id !== "signatures")).toEqual([]);
    }
  });

  it("takes a tail of zeros for what it is", async () => {
    const disk = diskWith(new Uint8Array([...LOG, ...bytes(4096, 0)]));
    const { recovered, store } = await openOn(disk);
    expect(recovered).toMatchObject({ found: "zero-tail", cutBytes: 4096, nextSeq: 8 });
    await store.close();
    expect(disk.files().get(FIRST)).toEqual(LOG);
  });

  it("keeps the cut bytes though it dies between keeping and cutting", async () => {
    const torn = LOG.slice(0, LOG.length - 3);
    for (let calls = 0; calls < 8; calls += 1) {
      const disk = diskWith(torn);
      let left = calls;
      disk.fault = () => ((left -= 1) < 0 ? new Error("died") : null);
      const opened = await openOn(disk).catch(() => null);
      const after = disk.crash();
      const again = await openOn(after);
      expect(again.recovered.nextSeq).toBe(8);
      const names = [...after.files().keys()];
      expect(names.some((name) => name.startsWith("cut-") && name.endsWith(".bin"))).toBe(true);
      await opened?.store.close();
    }
  });

  it("never touches a segment damaged in the middle: a new one follows, with numbers never used before [HP-074 refuses]", async () => {
    const lastFrame = LOG.length - 60;
    for (let at = 0; at < lastFrame; at += share(1, 11)) {
      const flipped = LOG.slice();
      flipped[at] = (flipped[at] ?? 0) ^ 4;
      const disk = diskWith(flipped);
      const { store, recovered } = await openOn(disk);
      expect(recovered.found, `byte ${at}`).toBe("damaged");
      const { link } = recovered;
      if (link === null) throw new Error("no link");
      expect(recovered.nextSeq).toBeGreaterThanOrEqual(8);
      goOn(store, link, recovered.boot);
      await store.close();
      expect(disk.files().get(FIRST)).toEqual(flipped);
      expect(disk.files().has(nameSegment(recovered.nextSeq))).toBe(true);
      const report = verifyFiles(disk.files());
      expect(report.ok).toBe(false);
      expect(report.checks[0]?.first?.place.segment).toBe(FIRST);
      // What comes after the damage is whole in itself, and is where the next start begins.
      const again = await openOn(disk);
      expect(again.recovered.found).toBe("clean");
    }
  });

  it("refuses entries after damage until the new segment is opened", async () => {
    const flipped = LOG.slice();
    flipped[20] = (flipped[20] ?? 0) ^ 1;
    const { store, failures } = await openOn(diskWith(flipped));
    store.append(entryOf(bootBody(2), 8));
    await settle();
    expect(failures).toEqual(["evidence: seq 8 came before the link of its segment"]);
  });

  it("knows a single lost entry's hash from its successor, so that later checkpoints still hold", async () => {
    const flipped = LOG.slice();
    // In the third entry.
    flipped[700] = (flipped[700] ?? 0) ^ 1;
    const { recovered } = await openOn(diskWith(flipped));
    const whole = await openOn(diskWith(LOG));
    expect(recovered.link?.lost).toBe(1);
    expect(recovered.link?.root).toEqual(whole.store.head().root);
  });

  it("takes a log that is shorter than its own checkpoint for damaged", async () => {
    const at = Buffer.from(LOG).lastIndexOf(Buffer.from("d9d9f78311", "hex"));
    const checkpoint = LOG.slice(at);
    const { recovered } = await openOn(
      diskWith(new Uint8Array([...LOG.slice(0, 400), ...checkpoint])),
    );
    expect(recovered.found).toBe("damaged");
  });

  it("starts from an older segment when the newest does not open with a whole snapshot", async () => {
    const disk = new ForgetfulDisk();
    const opened = await openOn(disk, {
      segmentBytesMax: 500,
      rotate: (store, link) => {
        goOn(store, link, 1);
      },
    });
    appendAll(opened.store, sampleLog(0, 4));
    await settle();
    await opened.store.close();
    const names = [...disk.files().keys()].sort();
    expect(names).toHaveLength(2);
    const newest = names.at(-1) ?? "";
    const content = disk.files().get(newest)?.slice() ?? new Uint8Array(0);
    content[30] = (content[30] ?? 0) ^ 1;
    disk.set(newest, content);
    const { recovered, entries } = await openOn(disk);
    expect(recovered.found).toBe("damaged");
    expect(entries.slice(0, 4).map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
    expect(recovered.link?.size).toBe(recovered.nextSeq);
  });

  it("removes what a rotation left unfinished", async () => {
    const disk = diskWith(LOG);
    disk.set(`${nameSegment(8)}.tmp`, bytes(10, 1));
    await openOn(disk);
    expect([...disk.files().keys()]).toEqual([FIRST]);
  });

  it("knows which profiles are in the log, in this segment and through the links of later ones", async () => {
    const digest = sha256(bytes(100, 1));
    const profile: Entry["body"] = {
      type: "profile",
      digest,
      bytes: bytes(100, 1),
      signatures: [],
      event: "loaded",
      previous: null,
      proof: null,
      why: null,
    };
    const disk = new ForgetfulDisk();
    const { store, links } = await openOn(disk, {
      segmentBytesMax: 300,
      rotate: (to, link) => {
        goOn(to, link, 1);
      },
    });
    store.append(entryOf(bootBody(1), 0));
    store.append(entryOf(profile, 1));
    await settle();
    await store.close();
    expect(links[0]?.profiles).toEqual([digest]);
    const again = await openOn(disk);
    expect(again.recovered.profiles).toEqual([new Uint8Array(digest)]);
    expect(readLink(again.entries[0]?.body ?? profile)).toBeNull();
  });
});

describe("crash after crash", SOAK, () => {
  it("never loses an entry that was called durable, and always leaves a log that verifies", async () => {
    const seed = 20_261_123;
    const random = seeded(seed);
    let disk = new ForgetfulDisk();
    let durable = -1;
    let clock = 0;
    for (let run = 1; run <= share(400, 40); run += 1) {
      const opened = await openOn(disk, {
        segmentBytesMax: 3000,
        rotate: (store, link) => {
          goOn(store, link, 0);
        },
      });
      const { store, recovered } = opened;
      expect(recovered.found, `seed ${seed}, run ${run}`).not.toBe("damaged");
      expect(recovered.nextSeq).toBeGreaterThan(durable);
      store.onDurable((seq) => {
        durable = seq;
      });
      store.append(entryOf(bootBody(recovered.boot), recovered.nextSeq));
      store.append(entryOf({ type: "key", event: "made", spki: SPKI }, recovered.nextSeq + 1));
      disk.writeMax = 1 + random.below(3000);
      let left = random.below(60);
      const died = new Error("died");
      disk.fault = () => ((left -= 1) < 0 ? died : null);
      for (let i = 0; i < 30; i += 1) {
        const { nextSeq } = store.head();
        store.append(entryOf({ type: "site", digest: bytes(32, i), event: "seen" }, nextSeq));
        if (random.below(3) === 0) await settle(random.below(4));
        opened.clock.advance(random.below(400_000));
      }
      await settle(5);
      clock += 1;
      disk = disk.crash((unsynced) => random.below(unsynced + 1));
      const faults = failed(verifyFiles(disk.files())).filter(
        (id) => !["frames", "boots"].includes(id),
      );
      expect(faults, `seed ${seed}, run ${run}`).toEqual([]);
    }
    expect(clock).toBeGreaterThan(0);
    expect(durable).toBeGreaterThan(100);
  });
});
