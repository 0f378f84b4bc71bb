import { describe, expect, it } from "vitest";
import { retentionNotice } from "../../src/evidence/retention.js";
import { readLink } from "../../src/evidence/segment.js";
import type { Entry } from "../../src/kernel/record/entry.js";
import { makeSigningKey, withoutCheckpoints } from "../support/attacked-log.js";
import { forgeLog } from "../support/corpus-forgery.js";
import type { Segments } from "../support/corpus-reading.js";
import { failed, verifyFiles } from "../support/evidence-rig.js";
import { bodiesIn, fill, MB, segmentsOf, watched, type Watched } from "../support/watched-log.js";

/** A gateway's log of several segments, closed. */
async function makeLog(): Promise<Watched> {
  const log = await watched({ whenFull: "drop-oldest" });
  await fill(log);
  return log;
}

async function close(log: Watched): Promise<void> {
  log.watch.stop();
  await log.store.close();
}

/** The segments but the oldest so many. */
function without(log: Watched, count: number): Segments {
  const names = segmentsOf(log.disk).slice(count);
  return new Map([...log.disk.files()].filter(([name]) => names.includes(name)));
}

describe("an attacker who deletes the oldest segments", () => {
  it("is found where no entry records it [HP-163]", async () => {
    const log = await makeLog();
    await close(log);
    expect(failed(verifyFiles(without(log, 0)))).toEqual([]);
    expect(failed(verifyFiles(without(log, 1)))).toEqual(["beginning"]);
    const all = segmentsOf(log.disk).length;
    expect(failed(verifyFiles(without(log, all - 1)))).toEqual(["beginning"]);
  });

  it("is found where more is gone than was recorded", async () => {
    const log = await makeLog();
    log.space.othersBytes = 87 * MB;
    await log.second(4);
    await close(log);
    expect(failed(verifyFiles(without(log, 0)))).toEqual([]);
    // The next one is on record already, and would have gone a moment later.
    expect(failed(verifyFiles(without(log, 2)))).toEqual(["beginning"]);
  });

  it("is found where the record is the attacker's own, signed or not", async () => {
    const log = await makeLog();
    await close(log);
    const whole = without(log, 0);
    const link = bodiesIn(log.disk)
      .map(readLink)
      .find((read) => read !== null);
    if (link == null) throw new Error("one segment only");
    const [segment = ""] = whole.keys();
    const record = retentionNotice({
      segment,
      bytes: whole.get(segment)?.length ?? 0,
      firstSeq: 0,
      lastSeq: link.size - 1,
      root: link.root,
      checkpointSize: link.size,
      why: "age",
    });
    const last = log.store.head().nextSeq - 1;
    const change = (entry: Entry): Entry =>
      entry.seq === last ? { ...entry, body: record } : entry;
    const forged = forgeLog(whole, makeSigningKey().sign, change);
    const cut = new Map([...forged].filter(([name]) => name !== segment));
    expect(failed(verifyFiles(cut))).toEqual(["signed-commits", "signatures"]);
    expect(failed(verifyFiles(withoutCheckpoints(cut)))).toEqual(["beginning"]);
  });
});
