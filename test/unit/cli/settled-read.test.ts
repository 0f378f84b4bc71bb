import { describe, expect, it } from "vitest";
import { readSettled } from "../../../src/cli/settled-read.js";
import { FrameReader } from "../../../src/evidence/frame.js";
import { sampleLog } from "../../support/evidence-rig.js";
import { sha256 } from "../../support/evidence-samples.js";
import { writeLog } from "../../support/replayed-log.js";

const WHOLE = writeLog(sampleLog(0, 8));
const HALF = WHOLE.subarray(0, WHOLE.length - 30);

/** What it comes to, by readings that end after so many bytes, the last one for ever; and how many there were. */
async function settle(...lengths: readonly number[]): Promise<readonly [number, number]> {
  let readings = 0;
  const read = async (): Promise<Uint8Array> => {
    const length = lengths[Math.min(readings, lengths.length - 1)] ?? 0;
    readings += 1;
    return await Promise.resolve(WHOLE.subarray(0, length));
  };
  const bytes = await readSettled(new FrameReader(sha256), read, async () => {
    await Promise.resolve();
  });
  return [bytes.length, readings];
}

describe("a segment that is being written to", () => {
  it("is read again where a reading ends inside a frame and the file grows", async () => {
    expect(await settle(HALF.length, WHOLE.length)).toEqual([WHOLE.length, 2]);
    expect(await settle(HALF.length, HALF.length + 9, WHOLE.length)).toEqual([WHOLE.length, 3]);
    expect(await settle(WHOLE.length)).toEqual([WHOLE.length, 1]);
  });

  it("stays as it is where it grows no more: a torn end is one", async () => {
    expect(await settle(HALF.length)).toEqual([HALF.length, 2]);
  });

  it("is read so many times and no more", async () => {
    const grows = Array.from({ length: 50 }, (_, i) => WHOLE.length - 60 + i);
    const [length, readings] = await settle(...grows.filter((end) => end < WHOLE.length - 1));
    expect(readings).toBeLessThanOrEqual(20);
    expect(length).toBeLessThan(WHOLE.length);
  });
});
