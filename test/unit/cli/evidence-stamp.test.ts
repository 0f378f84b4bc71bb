import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stampCheckpoint, type StampCommand } from "../../../src/cli/evidence-stamp.js";
import { Refusal } from "../../../src/cli/output.js";
import type { Segments } from "../../support/corpus-reading.js";
import { keepCheckpoint, Victim } from "../../support/attacked-log.js";
import { ForgetfulDisk } from "../../support/evidence-disk.js";
import { startTimeAuthority } from "../../support/time-authority.js";

const folder = mkdtempSync(join(tmpdir(), "holdpoint-stamp-"));
const at = (name: string): string => join(folder, name);
const authority = startTimeAuthority("Time");
const stranger = startTimeAuthority("Time");
let kept: Segments = new Map();

beforeAll(async () => {
  const victim = new Victim();
  const disk = new ForgetfulDisk();
  await victim.run(disk, 1, 1);
  writeFileSync(at("early"), keepCheckpoint(disk.files()).body);
  await victim.run(disk, 2, 1);
  kept = disk.files();
  writeFileSync(at("late"), keepCheckpoint(kept).body);
  expect(await stamp({ checkpoint: at("late"), request: at("request") })).toMatch(/^0 .*over /);
  authority.answer(at("request"), at("response"));
});

afterAll(() => {
  authority.remove();
  stranger.remove();
  rmSync(folder, { recursive: true });
});

async function strangersLog(): Promise<Segments> {
  const disk = new ForgetfulDisk();
  await new Victim().run(disk, 1, 1);
  return disk.files();
}

/** Exit code and what it says. */
async function stamp(command: Partial<StampCommand>): Promise<string> {
  let text = "";
  const sink = { write: (piece: string) => void (text += piece) };
  const whole = { checkpoint: at("late"), request: null, response: null, ...command };
  const code = await stampCheckpoint(whole, { out: sink, err: sink });
  return `${code} ${text}`;
}

const response = (path = at("response"), roots = authority.roots) => ({ path, roots });

describe("a time stamp over a checkpoint", () => {
  it("says when that was there, by an authority that was named [HP-156 allows]", async () => {
    expect(await stamp({ response: response() })).toMatch(
      /^0 PASS: the checkpoint over \d+ entries of gw-test was there at \d{4}-\d{2}-\d{2}/,
    );
  });

  it("is a FAIL over another checkpoint, or by another authority [HP-156 refuses]", async () => {
    expect(await stamp({ checkpoint: at("early"), response: response() })).toMatch(/^1 FAIL/);
    expect(await stamp({ response: response(at("response"), stranger.roots) })).toMatch(/^1 FAIL/);
    stranger.answer(at("request"), at("strange"));
    expect(await stamp({ response: response(at("strange")) })).toMatch(/^1 FAIL/);
  });

  it("is a FAIL with a byte of it turned, cut short, or where it is none", async () => {
    const bytes = readFileSync(at("response"));
    for (const place of [40, bytes.length >> 1, bytes.length - 8]) {
      const turned = Buffer.from(bytes);
      turned[place] = (turned[place] ?? 0) ^ 1;
      writeFileSync(at("turned"), turned);
      expect(await stamp({ response: response(at("turned")) }), String(place)).toMatch(/^1 FAIL/);
    }
    writeFileSync(at("turned"), bytes.subarray(0, bytes.length - 100));
    expect(await stamp({ response: response(at("turned")) })).toMatch(/^1 FAIL/);
    writeFileSync(at("turned"), "");
    expect(await stamp({ response: response(at("turned")) })).toMatch(/^1 FAIL/);
  });

  it("is kept for a gateway whose log holds the checkpoint, and for no other, where it would be a fault for ever", async () => {
    for (const [name, files] of [
      ["own-log", kept],
      ["strange-log", await strangersLog()],
    ] as const) {
      mkdirSync(at(name), { recursive: true });
      for (const [segment, bytes] of files) writeFileSync(join(at(name), segment), bytes);
    }
    const stamps = (name: string): readonly string[] =>
      readdirSync(at(name)).filter((file) => file.startsWith("stamp-"));
    const refused = stamp({ response: response(), keep: at("strange-log") });
    await expect(refused).rejects.toThrow("this checkpoint is not in its log");
    expect(stamps("strange-log")).toEqual([]);
    expect(await stamp({ response: response(), keep: at("own-log") })).toMatch(/^0 PASS/);
    expect(stamps("own-log")).toHaveLength(1);
  });

  it("is refused for what is no checkpoint, for files that are not there, and never writes over one", async () => {
    copyFileSync(at("response"), at("none"));
    await expect(stamp({ checkpoint: at("none"), request: at("r2") })).rejects.toThrow(Refusal);
    await expect(stamp({ request: at("request") })).rejects.toThrow("already");
    await expect(stamp({ response: response(at("absent")) })).rejects.toThrow("no such file");
    writeFileSync(at("long"), Buffer.alloc(70_000));
    await expect(stamp({ response: response(at("long")) })).rejects.toThrow("too long");
  });
});
