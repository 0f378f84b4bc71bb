import { decodeEntry } from "../../src/evidence/decode-entry.js";
import { FRAME_KIND, FrameReader } from "../../src/evidence/frame.js";
import { readRetention, type Retention } from "../../src/evidence/retention.js";
import { scanSegment } from "../../src/evidence/scan.js";
import type { SpacePolicy } from "../../src/guard/evidence/space.js";
import { SpaceWatch } from "../../src/guard/evidence/space-watch.js";
import type { EntryBody } from "../../src/kernel/record/entry.js";
import { ForgetfulDisk } from "./evidence-disk.js";
import { appendAll, openNext, openOn, sampleLog, settle, type Opened } from "./evidence-rig.js";
import { entryOf, sha256 } from "./evidence-samples.js";
import { SpaceDisk } from "./space-disk.js";

export const MB = 1_000_000;
export const DAY_US = 86_400_000_000;
const POLICY: SpacePolicy = {
  reserveBytes: 2 * MB,
  highWaterPercent: 90,
  keepUs: null,
  whenFull: "stop",
  tbwBytes: null,
};

export type Watched = Opened & {
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
export async function watched(
  policy: Partial<SpacePolicy> = {},
  given: { readonly space?: SpaceDisk } = {},
): Promise<Watched> {
  const space = given.space ?? new SpaceDisk(new ForgetfulDisk());
  const { disk } = space;
  const port = space.port();
  const said: string[] = [];
  const holder: { watch: SpaceWatch | null } = { watch: null };
  const opened = await openOn(disk, {
    port,
    segmentBytesMax: 6_000,
    reserve: {
      release: async () => (await holder.watch?.reserve.release()) ?? false,
      lend: async (bytes) => (await holder.watch?.reserve.lend(bytes)) ?? false,
    },
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
export async function fill(
  log: Watched,
  rounds = 6,
  profile: EntryBody | null = null,
): Promise<void> {
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

export function segmentsOf(disk: ForgetfulDisk): readonly string[] {
  return [...disk.files().keys()].filter((name) => name.startsWith("segment-")).sort();
}

export function bodiesIn(disk: ForgetfulDisk): readonly EntryBody[] {
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

export function retentionsIn(disk: ForgetfulDisk): readonly Retention[] {
  return bodiesIn(disk).flatMap((body) => {
    const read = body.type === "notice" ? readRetention(body) : null;
    return read === null ? [] : [read];
  });
}
