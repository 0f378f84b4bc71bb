import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OutsideWatch } from "../../../src/cli/outside-choice.js";
import { decodeBundle } from "../../../src/evidence/bundle.js";
import { readCheckpoint } from "../../../src/evidence/checkpoint.js";
import { FRAME_KIND } from "../../../src/evidence/frame.js";
import { readOutside } from "../../../src/evidence/outside.js";
import type { AnchorBody } from "../../../src/kernel/record/entry.js";
import { startRun } from "../../support/anchored-log.js";
import { runEvidence } from "../../support/evidence-command.js";
import { ForgetfulDisk } from "../../support/evidence-disk.js";
import { settle } from "../../support/evidence-rig.js";
import { bytes, sha256 } from "../../support/evidence-samples.js";
import { FakeTpm } from "../../support/fake-tpm.js";
import { takeApart } from "../../support/log-pieces.js";
import { unsignedStamp } from "../../support/time-stamp.js";

const folder = mkdtempSync(join(tmpdir(), "holdpoint-choice-"));
const log = join(folder, "log");
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const ROUNDS = 70;
/** Size of the one checkpoint that has a time stamp, behind more anchored ones than are kept. */
let stamped = 0;

/** Every checkpoint has an anchor, the last but one a time stamp as well. */
beforeAll(async () => {
  mkdirSync(log);
  const disk = new ForgetfulDisk();
  const tpm = new FakeTpm();
  const run = await startRun(disk, tpm, { boot: 1 });
  for (let round = 0; round < ROUNDS; round += 1) await run.work();
  const frames = [...disk.files().values()]
    .flatMap(takeApart)
    .filter(({ kind }) => kind === FRAME_KIND.checkpoint)
    .map(({ body }) => ({ size: sizeOf(body), hash: new Uint8Array(sha256(body)) }));
  expect(frames.length).toBeGreaterThan(ROUNDS);
  frames.forEach(({ size, hash }, value) => {
    const { attest: token, signature } = tpm.certify({ value, qualifying: hash });
    run.append({ type: "anchor", kind: "nv-certify", token, size, signature });
  });
  const late = frames.at(-2);
  if (late === undefined) throw new Error("no checkpoint");
  stamped = late.size;
  run.append(anchorOver(stamped, "rfc3161", unsignedStamp(late.hash)));
  await settle();
  await run.work();
  await run.end();
  for (const [segment, content] of disk.files()) writeFileSync(join(log, segment), content);
}, 60_000);

function sizeOf(body: Uint8Array): number {
  const read = readCheckpoint(body);
  if (!read.ok) throw new Error(read.why);
  return read.checkpoint.claim.size;
}

function anchorOver(size: number, kind: AnchorBody["kind"], token = bytes(3, 1)): AnchorBody {
  return { type: "anchor", kind, token, size, signature: null };
}

/** Its outside evidence by kind, and over how many entries its checkpoint is. */
async function exportWith(...wish: readonly string[]): Promise<readonly unknown[]> {
  const file = join(folder, `proof${wish.join("")}.cbor`);
  const { out } = await runEvidence("export", log, "--seq", "0", "--out", file, ...wish);
  const read = decodeBundle(new Uint8Array(readFileSync(file)));
  const outside = read.ok ? readOutside(read.bundle.outside) : null;
  const size = /under a checkpoint over (\d+) entries/.exec(out)?.[1];
  return [Number(size), ...(outside?.anchors ?? []).map(({ kind }) => kind)];
}

describe("a log with more anchored checkpoints than are kept", () => {
  it("still has its time stamp when asked for", async () => {
    expect(await exportWith("--stamped")).toEqual([stamped, "nv-certify", "rfc3161"]);
  });

  it("still has the one checkpoint with both when asked for", async () => {
    expect(await exportWith("--anchored", "--stamped")).toEqual([stamped, "nv-certify", "rfc3161"]);
  });

  it("has the first anchored one when that is asked for", async () => {
    const [size, ...kinds] = await exportWith("--anchored");
    expect(Number(size)).toBeLessThan(stamped);
    expect(kinds).toEqual(["nv-certify"]);
  });
});

describe("the watch for outside evidence", () => {
  it("keeps the smallest sizes of every kind, in the order of the log, and those alone that still count", () => {
    const watch = new OutsideWatch();
    for (let size = 1; size <= 100; size += 1) watch.anchor(anchorOver(size, "nv-certify"));
    for (const size of [90, 95]) watch.anchor(anchorOver(size, "rfc3161"));
    watch.anchor(anchorOver(10, "rfc3161"));
    watch.anchor(anchorOver(10, "nv-certify"));
    expect(watch.sizes(["nv-certify"])).toEqual(Array.from({ length: 64 }, (_, i) => i + 1));
    expect(watch.sizes(["rfc3161"])).toEqual([10, 90, 95]);
    expect(watch.sizes(["nv-certify", "rfc3161"])).toEqual([10, 90, 95]);
    expect(watch.at(10).map(({ kind }) => kind)).toEqual(["nv-certify", "rfc3161", "nv-certify"]);
    expect(watch.at(95).map(({ kind }) => kind)).toEqual(["rfc3161"]);
    watch.over(90);
    expect(watch.sizes(["nv-certify", "rfc3161"])).toEqual([95]);
    expect([watch.at(10), watch.at(95).length]).toEqual([[], 1]);
  });

  it("keeps at most so many over one checkpoint that a bundle brings them all", () => {
    const watch = new OutsideWatch();
    for (let i = 0; i < 20; i += 1) watch.anchor(anchorOver(5, "nv-certify"));
    watch.anchor(anchorOver(5, "rfc3161"));
    expect(watch.at(5).map(({ kind }) => kind)).toEqual([
      ...Array.from({ length: 8 }, () => "nv-certify"),
      "rfc3161",
    ]);
  });
});
