import { describe, expect, it } from "vitest";
import { readCheckpoint } from "../../../src/evidence/checkpoint.js";
import { readOpening } from "../../../src/guard/evidence/recover.js";
import type { AnchorBody } from "../../../src/kernel/record/entry.js";
import { keepCheckpoint, verifyLog } from "../../support/attacked-log.js";
import { ForgetfulDisk } from "../../support/evidence-disk.js";
import { openNext, openOn, sampleLog, settle, type Opened } from "../../support/evidence-rig.js";
import { bytes, entryOf, sha256 } from "../../support/evidence-samples.js";

const TOKENS = [bytes(70, 1), bytes(70, 2)] as const;

const openRun = async (disk: ForgetfulDisk): Promise<Opened> =>
  await openOn(disk, {
    segmentBytesMax: 6_000,
    rotate: (store, link) => {
      openNext(store, link, 100);
    },
  });

/** Some entries of a run, and a checkpoint over them. */
async function work({ store, clock }: Opened, boot: number, isFirst: boolean): Promise<void> {
  const from = store.head().nextSeq;
  const entries = sampleLog(0, 14, boot).slice(isFirst ? 0 : 2);
  entries.forEach((entry, place) => {
    store.append({ ...entry, seq: from + place });
  });
  await settle();
  clock.advance(1_000_000);
  await settle();
}

function stamp({ store }: Opened, token: Uint8Array): void {
  const body: AnchorBody = { type: "anchor", kind: "rfc3161", token, size: 1, signature: null };
  store.append(entryOf(body, store.head().nextSeq));
}

/** What the newest checkpoint on this disk names. */
function newestToken(disk: ForgetfulDisk): Uint8Array | null {
  const read = readCheckpoint(keepCheckpoint(disk.files()).body);
  if (!read.ok) throw new Error(read.why);
  return read.checkpoint.claim.token ?? null;
}

/** The check, and that no link is wrong. */
function judge(disk: ForgetfulDisk): string {
  const { checks } = verifyLog(disk.files());
  const statusOf = (id: string): string => checks.find((check) => check.id === id)?.status ?? "";
  return `${statusOf("tokens")}, links ${statusOf("links")}`;
}

describe("the checkpoints of a guard", () => {
  it("name the newest time stamp in the log from the first one after it, over restarts and segments [HP-189]", async () => {
    const disk = new ForgetfulDisk();
    const first = await openRun(disk);
    await work(first, 1, true);
    expect(newestToken(disk)).toBeNull();
    for (const [round, token] of TOKENS.entries()) {
      stamp(first, token);
      await work(first, 1, false);
      expect(newestToken(disk), String(round)).toEqual(new Uint8Array(sha256(token)));
    }
    await first.store.close();
    for (const boot of [2, 3, 4]) {
      const next = await openRun(disk);
      await work(next, boot, true);
      await work(next, boot, false);
      await next.store.close();
      expect(newestToken(disk), String(boot)).toEqual(new Uint8Array(sha256(TOKENS[1])));
    }
    expect(disk.files().size).toBeGreaterThan(3);
    expect(judge(disk)).toBe("PASS, links PASS");
  });

  it("know it from the link where the newest segment holds no time stamp", async () => {
    const disk = new ForgetfulDisk();
    const first = await openRun(disk);
    await work(first, 1, true);
    stamp(first, TOKENS[0]);
    while (disk.files().size < 3) await work(first, 1, false);
    const name = [...disk.files().keys()].sort().at(-1) ?? "";
    const opening = readOpening(disk.files().get(name) ?? new Uint8Array(0));
    expect(opening?.link.token).toEqual(new Uint8Array(sha256(TOKENS[0])));
    await first.store.close();
    const next = await openRun(disk);
    await work(next, 2, true);
    expect(newestToken(disk)).toEqual(new Uint8Array(sha256(TOKENS[0])));
    await next.store.close();
    expect(judge(disk)).toBe("PASS, links PASS");
  });

  it("go on where a crash cut the log off, each naming one that is in it", async () => {
    const disk = new ForgetfulDisk();
    const first = await openRun(disk);
    await work(first, 1, true);
    stamp(first, TOKENS[0]);
    await work(first, 1, false);
    stamp(first, TOKENS[1]);
    const crashed = disk.crash();
    const next = await openRun(crashed);
    await work(next, 2, true);
    await next.store.close();
    expect(newestToken(crashed)).toEqual(new Uint8Array(sha256(TOKENS[0])));
    expect(judge(crashed)).toBe("PASS, links PASS");
    await first.store.close();
  });
});
