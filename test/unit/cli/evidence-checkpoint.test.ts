import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { takeCheckpoint } from "../../../src/cli/evidence-checkpoint.js";
import { verifyEvidence } from "../../../src/cli/evidence-verify.js";
import { Refusal } from "../../../src/cli/output.js";
import { readCheckpoint } from "../../../src/evidence/checkpoint.js";
import {
  keepCheckpoint,
  makeSigningKey,
  Victim,
  verifyLog,
  withoutCheckpoints,
} from "../../support/attacked-log.js";
import { forgeLog } from "../../support/corpus-forgery.js";
import type { Segments } from "../../support/corpus-reading.js";
import { ForgetfulDisk } from "../../support/evidence-disk.js";
import { failed } from "../../support/evidence-rig.js";

const folder = mkdtempSync(join(tmpdir(), "holdpoint-checkpoint-"));
const victim = new Victim();
let files: ReadonlyMap<string, Uint8Array> = new Map();

beforeAll(async () => {
  const disk = new ForgetfulDisk();
  await victim.run(disk, 1, 4);
  files = disk.files();
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function take(directory: string, out: string | null = null, json = false): Promise<string> {
  let text = "";
  const sink = { write: (piece: string) => void (text += piece) };
  expect(await takeCheckpoint({ directory, out, json }, { out: sink, err: sink })).toBe(0);
  return text;
}

describe("evidence checkpoint", () => {
  it("shows the newest checkpoint, and says what to do with it", async () => {
    const text = await take(folder);
    const { entries } = verifyLog(files);
    expect(text).toMatch(new RegExp(`^checkpoint {2}over ${entries} entries, run 1, \\d{4}-`));
    expect(text).toMatch(/^counter {5}\d+$/m);
    expect(text).toMatch(/^key kind {4}software, not hardware$/m);
    expect(text).toContain("--out FILE");
    const shown: unknown = JSON.parse(await take(folder, null, true));
    expect(shown).toMatchObject({
      gateway: "gw-test",
      size: entries,
      boot: 1,
      out: null,
      kind: "file",
    });
  });

  it("says that the kind of key is not known where the beginning of its run is gone", async () => {
    const names = [...files.keys()].sort();
    const newest = place("newest", new Map([...files].filter(([name]) => name === names.at(-1))));
    expect(names.length).toBeGreaterThan(1);
    expect(await take(newest)).toMatch(/^key kind {4}not known here: /m);
    expect(JSON.parse(await take(newest, null, true))).toMatchObject({ kind: null });
    const unknown = "key: kind of key not known here: no run begins in what was given\n";
    expect((await verify(newest, null)).text).toContain(unknown);
    expect((await verify(folder, null)).text).not.toContain("not known");
  });

  it("writes it to a new file, byte for byte, that the log can be held against", async () => {
    const out = join(folder, "kept.checkpoint");
    expect(await take(folder, out)).toContain(`--earlier ${out}`);
    const body = new Uint8Array(readFileSync(out));
    expect(body).toEqual(keepCheckpoint(files).body);
    expect(failed(verifyLog(files, { held: [{ name: out, body }] }))).toEqual([]);
    const again = take(folder, out);
    await expect(again).rejects.toThrow(/such a file already/);
    await expect(again).rejects.toBeInstanceOf(Refusal);
    await expect(take(folder, join(folder, "none", "x"))).rejects.toThrow(/cannot be written/);
  });

  it("hands out none that no key of the log signed, nor one where there is none yet", async () => {
    const forged = forgeLog(files, makeSigningKey().sign, (entry) => entry);
    await expect(take(place("forged", forged))).rejects.toThrow(/not signed by a key/);
    const none = take(place("none", withoutCheckpoints(files)));
    await expect(none).rejects.toThrow(/no checkpoint yet/);
    await expect(none).rejects.toMatchObject({ exitCode: 1 });
    await expect(take(join(folder, "nowhere"))).rejects.toMatchObject({ exitCode: 2 });
  });

  it("is what a folder is held against with --earlier, alone or in a bundle [HP-110 refuses]", async () => {
    const kept = join(folder, "held.checkpoint");
    await take(folder, kept);
    const log = place("log", files);
    expect(await verify(log, kept)).toMatchObject({ code: 0 });
    const names = [...files.keys()].sort();
    const cut = place("cut", new Map([...files].filter(([name]) => name !== names.at(-1))));
    const { code, text } = await verify(cut, kept);
    expect(code).toBe(1);
    expect(text).toMatch(/^FAIL {9}the log goes on from every checkpoint kept elsewhere \(1\)$/m);
    expect(text).toContain(`${kept}: it is over`);
    const none = join(folder, "none.checkpoint");
    writeFileSync(none, "none");
    expect((await verify(log, none)).text).toContain("neither a checkpoint nor a proof bundle");
    await expect(verify(log, join(folder, "nowhere"))).rejects.toMatchObject({ exitCode: 2 });
  });

  it("goes back to the segment that holds the newest one", async () => {
    const names = [...files.keys()].sort();
    const last = names.at(-1) ?? "";
    const bare = withoutCheckpoints(files).get(last) ?? new Uint8Array(0);
    const older = keepCheckpoint(new Map([...files].filter(([name]) => name !== last)));
    const text = await take(place("older", new Map([...files, [last, bare]])), null, true);
    const read = readCheckpoint(older.body);
    expect(JSON.parse(text)).toMatchObject({ size: read.ok ? read.checkpoint.claim.size : -1 });
  });
});

async function verify(
  directory: string,
  earlier: string | null,
): Promise<{ readonly code: number; readonly text: string }> {
  let text = "";
  const sink = { write: (piece: string) => void (text += piece) };
  const command = { directory, replay: false, profile: null, trust: null, json: false, earlier };
  return { code: await verifyEvidence(command, { out: sink, err: sink }), text };
}

function place(name: string, segments: Segments): string {
  const directory = join(folder, name);
  mkdirSync(directory);
  for (const [file, bytes] of segments) writeFileSync(join(directory, file), bytes);
  return directory;
}
