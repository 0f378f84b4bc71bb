import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyEvidence } from "../../../src/cli/evidence-verify.js";
import { stampCheckpoint } from "../../../src/cli/evidence-stamp.js";
import type { CheckResult } from "../../../src/evidence/findings.js";
import type { VerifyReport } from "../../../src/evidence/verify.js";
import {
  nameStamp,
  PICKUP_EVERY_US,
  StampPickup,
} from "../../../src/guard/evidence/stamp-pickup.js";
import { keepCheckpoint, verifyLog } from "../../support/attacked-log.js";
import { ForgetfulDisk } from "../../support/evidence-disk.js";
import { appendAll, failed, openOn, sampleLog, settle } from "../../support/evidence-rig.js";
import { entryOf } from "../../support/evidence-samples.js";
import { startTimeAuthority } from "../../support/time-authority.js";

const authority = startTimeAuthority("Time");
const stranger = startTimeAuthority("Time");
afterAll(() => {
  authority.remove();
  stranger.remove();
});
const at = (name: string): string => join(authority.folder, name);
const sink = { write: () => undefined };

/** A time authority's response over these bytes. */
function stampOver(bytes: Uint8Array): Uint8Array {
  writeFileSync(at("data"), bytes);
  return authority.stamp(at("data"));
}

type Run = Awaited<ReturnType<typeof startRun>>;

/** A run with a signed checkpoint over its first entries, and its pickup under way. */
async function startRun() {
  const disk = new ForgetfulDisk();
  const port = disk.port();
  const opened = await openOn(disk);
  const { store, clock, reports } = opened;
  appendAll(store, sampleLog(0, 8));
  await settle();
  clock.advance(1_000_000);
  await settle();
  const pickup = new StampPickup({
    ...{ clock, disk: port, store },
    record: (body) => {
      store.append(entryOf(body, store.head().nextSeq));
    },
    report: (text) => reports.push(text),
  });
  pickup.start();
  const leave = async (name: string, bytes: Uint8Array): Promise<void> => {
    const file = await port.append(name);
    await file.write(bytes);
    await file.sync();
    await file.close();
    await port.syncNames();
  };
  const minute = async (): Promise<void> => {
    clock.advance(PICKUP_EVERY_US);
    await settle();
  };
  return { ...opened, disk, port, pickup, leave, minute };
}

async function end({ pickup, store, disk }: Run): Promise<VerifyReport> {
  pickup.stop();
  await store.close();
  return verifyLog(new Map([...disk.files()].filter(([name]) => name.endsWith(".cborseq"))));
}

function checkOf(report: VerifyReport, check: string): CheckResult | undefined {
  return report.checks.find(({ id }) => id === check);
}

describe("a time stamp that was left in the evidence folder", () => {
  let good: ReadonlyMap<string, Uint8Array> = new Map();
  beforeAll(async () => {
    const run = await startRun();
    const { body } = keepCheckpoint(run.disk.files());
    await run.leave(nameStamp(8), stampOver(body));
    await run.minute();
    // Removed when its entry is durable, at the next look.
    await run.minute();
    expect(await run.port.list()).not.toContain(nameStamp(8));
    const report = await end(run);
    expect(failed(report)).toEqual([]);
    expect(checkOf(report, "stamps")).toMatchObject({ status: "PASS", looked: 1 });
    expect(checkOf(report, "stamp-signatures")).toMatchObject({ status: "NOT PRESENT" });
    expect(run.reports).toEqual([]);
    good = run.disk.files();
  });

  it("is in the log once, over the checkpoint before it, and who signed it is told by openssl [HP-157 allows]", async () => {
    for (const [name, bytes] of good) writeFileSync(at(name), bytes);
    const verify = async (roots: string | null): Promise<0 | 1> => {
      const asked = { directory: authority.folder, replay: false, profile: null, trust: null };
      const command = { ...asked, json: true, timeAuthority: roots };
      return await verifyEvidence(command, { out: sink, err: sink });
    };
    expect(await verify(null)).toBe(0);
    expect(await verify(authority.roots)).toBe(0);
    expect(await verify(stranger.roots)).toBe(1);
  });

  it("over another checkpoint is a FAIL [HP-157 refuses]", async () => {
    const run = await startRun();
    await run.leave(nameStamp(8), stampOver(new Uint8Array(100)));
    await run.minute();
    const report = await end(run);
    expect(failed(report)).toEqual(["stamps"]);
    expect(checkOf(report, "stamps")?.first?.why).toContain("over another checkpoint");
  });

  it("is put aside where it is none, is too long, or names a size the log never had", async () => {
    const run = await startRun();
    const { body } = keepCheckpoint(run.disk.files());
    await run.leave(nameStamp(1), new Uint8Array(40_000));
    await run.leave(nameStamp(2), Uint8Array.of(1, 2, 3));
    await run.leave(nameStamp(900), stampOver(body));
    for (let i = 0; i < 4; i += 1) await run.minute();
    const names = await run.port.list();
    expect(names.filter((name) => name.endsWith(".refused"))).toHaveLength(3);
    expect(run.reports).toHaveLength(3);
    expect(checkOf(await end(run), "stamps")?.looked).toBe(0);
  });

  it("is brought there by the command that checked it, and by no other", async () => {
    for (const [name, bytes] of good) writeFileSync(at(name), bytes);
    const checkpoint = at("kept.checkpoint");
    const { body } = keepCheckpoint(good);
    writeFileSync(checkpoint, body);
    writeFileSync(at("kept.tsr"), stampOver(body));
    const keep = async (roots: string): Promise<0 | 1> => {
      const response = { path: at("kept.tsr"), roots };
      const command = { checkpoint, request: null, response, keep: authority.folder };
      return await stampCheckpoint(command, { out: sink, err: sink });
    };
    expect(await keep(stranger.roots)).toBe(1);
    expect(await keep(authority.roots)).toBe(0);
    const size = verifyLog(good).entries;
    expect(new Uint8Array(readFileSync(at(nameStamp(size))))).toEqual(
      new Uint8Array(readFileSync(at("kept.tsr"))),
    );
  });
});
