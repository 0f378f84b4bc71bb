import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PERIOD_ENTRIES_MAX } from "../../../src/cli/export-period.js";
import { readSegments } from "../../support/corpus-reading.js";
import { bySeq, numbersIn, runEvidence } from "../../support/evidence-command.js";
import { makeCorpusKey } from "../../support/corpus.js";
import { sampleLog } from "../../support/evidence-rig.js";
import { cutLog, makePeriodLog, writeLog, type PeriodLog } from "../../support/period-log.js";
import { runPython, runSteps } from "../../support/proof-bundle.js";

const SEED = 20_261_124;
let made: PeriodLog;

beforeAll(async () => {
  made = await makePeriodLog(SEED, 900);
  expect(readSegments(made.log).size).toBeGreaterThan(1);
}, 300_000);

afterAll(() => {
  made.remove();
});

let count = 0;
async function exportTo(...args: readonly string[]): Promise<{
  readonly directory: string;
  readonly file: string;
  readonly out: string;
  readonly err: string;
}> {
  const directory = join(made.folder, `export ${(count += 1)}`);
  mkdirSync(directory);
  const file = join(directory, "proof.cbor");
  const { out, err, code } = await runEvidence("export", made.log, "--out", file, ...args);
  expect(code).toBe(0);
  return { directory, file, out, err };
}

const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Well inside the log, behind a checkpoint. */
function middle(): { readonly from: number; readonly to: number; readonly before: number } {
  const from = Math.floor(made.entries.length / 3);
  const sizes = made.checkpoints.map(({ claim }) => claim.size);
  const before = Math.max(...sizes.filter((size) => size <= from));
  return { from, to: from + 199, before };
}

const utc = (utcUs: number): string =>
  new Date(utcUs / 1000).toISOString().replace(/\.\d+/, `.${String(utcUs % 1e6).padStart(6, "0")}`);

describe("evidence export of a period", () => {
  it("proves every entry of it to Holdpoint, to the Python it brings, and to openssl [HP-130 allows]", async () => {
    const { from, to, before } = middle();
    const { directory, file, out } = await exportTo(...bySeq(from, to));
    expect(out).toContain(`entries ${from} to ${to}, all 200 of them`);
    expect(out).toContain(`which continues the one over ${before} entries`);
    expect(numbersIn(file)).toEqual(range(from, to));
    const kept = join(directory, "proof.earlier.cbor");
    const asked = ["--period", `${from}-${to}`, "--earlier", kept];
    const verified = await runEvidence("verify", file, ...asked);
    expect(verified.out).toMatch(/PASS .*left out \(1\); entries/);
    expect(verified.out).toMatch(new RegExp(`PASS .*consistency proof.*from ${before} entries`));
    expect(verified.out).toMatch(new RegExp(`PASS .*earlier checkpoint.*over ${before} entries`));
    expect(verified.out).toContain("... 100 more");
    expect(verified.code).toBe(0);
    const python = runPython([join(directory, "proof.verify.py"), file, ...asked]);
    expect(python.code).toBe(0);
    expect(python.lines).toEqual(
      verified.out.split("\n").filter((line) => /^(?:PASS|FAIL|NOT PRESENT) {2}/.test(line)),
    );
    expect(python.out).toContain("... 100 more");
    const steps = runSteps(directory, "proof.README.md");
    expect(steps.out.split("\n")).toEqual([
      "Verified OK",
      "the key and the number of entries are the signed ones",
      `entries ${from} to ${to} are under the signed root, none is left out`,
      "Verified OK",
      `the log continues the one of ${before} entries`,
      "",
    ]);
    expect(steps.status).toBe(0);
  });

  it("takes its two ends by time, both of them in it, whichever run they are of", async () => {
    const [first, last] = [made.entries[700], made.entries[900]];
    if (first === undefined || last === undefined) throw new Error("the log is short");
    const times = ["--from", utc(first.stamp.utcUs), "--to", utc(last.stamp.utcUs)];
    const inside = made.entries
      .filter(({ stamp: { utcUs } }) => utcUs >= first.stamp.utcUs && utcUs <= last.stamp.utcUs)
      .map(({ entry }) => entry.seq);
    const { file } = await exportTo(...times);
    const [from = 0, to = 0] = [inside[0], inside.at(-1)];
    expect(numbersIn(file)).toEqual(range(from, to));
    expect(from).toBeLessThanOrEqual(700);
    expect(to).toBeGreaterThanOrEqual(900);
    expect(await runEvidence("verify", file, "--period", `${from}-${to}`)).toMatchObject({
      code: 0,
    });
  });

  it("of a whole day says that the log ends within it", async () => {
    const day = utc(made.entries[0]?.stamp.utcUs ?? 0).slice(0, 10);
    const size = made.checkpoints.at(-1)?.claim.size ?? 0;
    const signed = size === made.entries.length ? made.log : cutLog(made, size);
    const file = join(made.folder, "day.cbor");
    const { out } = await runEvidence("export", signed, "--from", day, "--to", day, "--out", file);
    expect(out).toContain("The log ends within the period");
    expect(numbersIn(file)).toEqual(range(0, size - 1));
  });

  it("from the first entry on has no proof, says so, and still shows that none is left out", async () => {
    const { directory, file, out } = await exportTo(...bySeq(0, 99), "--with-profile");
    expect(out).toContain("The period begins with the log");
    expect(existsSync(join(directory, "proof.earlier.cbor"))).toBe(false);
    const { out: said, code } = await runEvidence("verify", file);
    expect(said).toMatch(/NOT PRESENT {2}the checkpoint's consistency proof/);
    expect(said).toMatch(/PASS .*left out \(1\); entries 0 to 99/);
    expect(code).toBe(0);
    const steps = runSteps(directory, "proof.README.md");
    expect(steps.out).toContain("entries 0 to 99 are under the signed root");
    expect(steps.out).toContain("the profile is the one that is named");
    expect(steps.status).toBe(0);
  });

  it("of one entry, and from any place of the log to any other, verifies and has steps that hold", async () => {
    const last = (made.checkpoints.at(-1)?.claim.size ?? 1) - 1;
    for (const [from, to] of [
      [1, 1],
      [2, 300],
      [last - 300, last],
      [last, last],
    ] as const) {
      const { directory, file } = await exportTo(...bySeq(from, to));
      expect(numbersIn(file)).toEqual(range(from, to));
      expect(await runEvidence("verify", file, "--period", `${from}-${to}`)).toMatchObject({
        code: 0,
      });
      expect(runSteps(directory, "proof.README.md").status).toBe(0);
    }
  });

  it("leads from the bundle that an auditor kept when it is named, as file after file does", async () => {
    const { from, to } = middle();
    const before = await exportTo(...bySeq(from, to));
    const next = await exportTo(...bySeq(to + 1, to + 50), "--earlier", before.file);
    const verified = await runEvidence("verify", next.file, "--earlier", before.file);
    expect(verified.out).toMatch(/PASS .*earlier checkpoint/);
    expect(verified.code).toBe(0);
    const python = runPython([
      join(next.directory, "proof.verify.py"),
      next.file,
      "--earlier",
      before.file,
    ]);
    expect(python.code).toBe(0);
    expect(runSteps(next.directory, "proof.README.md").status).toBe(0);
  });

  it("tells all as JSON, and how far it is apart from it", async () => {
    const { from, to, before } = middle();
    const { out, err, file } = await exportTo(...bySeq(from, to), "--json");
    expect(JSON.parse(out)).toMatchObject({
      bundle: file,
      bytes: readFileSync(file).length,
      period: { from, to },
      entries: 200,
      earlier: { size: before },
      software: true,
    });
    expect(err).toMatch(/^looking through 1\/2 segment-\d+\.cborseq\n/);
    expect(err).toMatch(/gathering 1\/2 /);
  });

  it("brings one Python script that needs no other file", async () => {
    const { directory } = await exportTo("--seq", "2");
    const script = readFileSync(join(directory, "proof.verify.py"), "utf8");
    expect(script).not.toMatch(/^(?:from|import) bundle_/m);
    expect(script).toMatch(/^#!\/usr\/bin\/python3\n"""Checks a Holdpoint proof bundle\./);
    expect(runPython([join(directory, "proof.verify.py"), "--help"])).toMatchObject({ code: 0 });
  });

  it("steps find each part that was changed", async () => {
    const { from, to } = middle();
    const { directory } = await exportTo(...bySeq(from, from + 20));
    expect(to).toBeGreaterThan(from + 20);
    for (const [part, says] of [
      [`leaf-${from}.bin`, /WRONG: entry \d+ does not name the one before it/],
      [`leaf-${from + 7}.bin`, /WRONG: entry \d+ does not name the one before it/],
      [`leaf-${from + 20}.bin`, /WRONG: the entries are not under the signed root/],
      ["path.txt", /WRONG: the entries are not under the signed root/],
      ["consistency.txt", /WRONG: the log is not a continuation/],
      ["earlier-signed.bin", /Verification failure/],
      ["earlier-signature.der", /Verification failure|Error/],
      ["signed.bin", /Verification failure/],
    ] as const) {
      const path = join(directory, "proof.parts", part);
      const whole = readFileSync(path);
      const changed = Buffer.from(whole);
      const at = whole.length - 10;
      const flipped = changed[at] === 0x30 ? 0x31 : 0x30;
      changed[at] = part.endsWith(".txt") ? flipped : (changed[at] ?? 0) ^ 1;
      writeFileSync(path, changed);
      const { status, out } = runSteps(directory, "proof.README.md");
      expect([part, status]).not.toEqual([part, 0]);
      expect(out).toMatch(says);
      writeFileSync(path, whole);
    }
    rmSync(join(directory, "proof.parts", `leaf-${from + 3}.bin`));
    expect(runSteps(directory, "proof.README.md").status).not.toBe(0);
  });

  it("by time holds every entry that bears a time in it, and those between, also when the clock is set", async () => {
    const stepped = join(made.folder, "stepped");
    // Minute by minute; at 8 the clock jumps ahead by hours, at 12 it is set back, at 16 further back.
    const minutes = [0, 1, 2, 3, 4, 5, 6, 7, 300, 301, 302, 303, 8, 9, 10, 11, 6, 7, 8, 9, 10, 11];
    const start = Date.parse("2026-11-23T00:00:00Z");
    const at = (minute: number): string => new Date(start + minute * 60_000).toISOString();
    const utcUs = (seq: number): number => (start + (minutes[seq] ?? 0) * 60_000) * 1000;
    await writeLog(stepped, sampleLog(0, minutes.length), [2, minutes.length], { utcUs });
    for (const [from, to, seqs, strays, closed] of [
      [2, 5, range(2, 5), 0, true],
      [6, 9, range(6, 19), 6, true],
      [300, 301, range(8, 9), 0, true],
      [10, 11, range(14, 21), 4, false],
      [304, 999, null, 0, false],
    ] as const) {
      const file = join(made.folder, `stepped-${from}.cbor`);
      const ran = runEvidence("export", stepped, "--from", at(from), "--to", at(to), "--out", file);
      if (seqs === null) {
        await expect(ran).rejects.toThrow(/no entry is in this period/);
        continue;
      }
      const { out } = await ran;
      expect(numbersIn(file)).toEqual(seqs);
      expect(out.includes(`${strays} entries among these bear a time outside`)).toBe(strays > 0);
      expect(out.includes("The log ends within the period")).toBe(!closed);
    }
  });

  it("leaves the checkpoint before it out where another key signed that one, and says so", async () => {
    const rekeyed = join(made.folder, "rekeyed");
    const stranger = makeCorpusKey().signer;
    await writeLog(rekeyed, sampleLog(0, 60), [21, 60], { signers: new Map([[21, stranger]]) });
    const file = join(made.folder, "rekeyed.cbor");
    const { out } = await runEvidence("export", rekeyed, ...bySeq(30, 40), "--out", file);
    expect(out).toContain("is signed by another key");
    expect(existsSync(join(made.folder, "rekeyed.earlier.cbor"))).toBe(false);
    const verified = await runEvidence("verify", file);
    expect(verified.out).toMatch(/PASS .*consistency proof.*from 21 entries/);
    expect(verified.out).toMatch(/NOT PRESENT {2}the log began as the earlier checkpoint/);
    expect(runSteps(made.folder, "rekeyed.README.md").status).toBe(0);
  });

  it("of the most entries that a bundle takes is proven, and one more is refused with advice", async () => {
    const long = join(made.folder, "long");
    const size = PERIOD_ENTRIES_MAX + 100;
    await writeLog(long, sampleLog(0, size), [50, size]);
    const file = join(made.folder, "long.cbor");
    const refused = runEvidence(
      "export",
      long,
      ...bySeq(60, 60 + PERIOD_ENTRIES_MAX),
      "--out",
      file,
    );
    await expect(refused).rejects.toThrow(
      /the period has 16385 entries, a bundle at most 16384: export it in parts, --from-seq 60 --to-seq 16443 and on from 16444; with --earlier BUNDLE/,
    );
    expect(existsSync(file)).toBe(false);
    const last = 59 + PERIOD_ENTRIES_MAX;
    const ran = await runEvidence("export", long, ...bySeq(60, last), "--out", file);
    console.log(`a bundle of ${PERIOD_ENTRIES_MAX} entries: ${readFileSync(file).length} bytes`);
    expect(ran.out).toContain(`all ${PERIOD_ENTRIES_MAX} of them`);
    const asked = ["--period", `60-${last}`, "--earlier", join(made.folder, "long.earlier.cbor")];
    const verified = await runEvidence("verify", file, ...asked);
    expect(verified.code).toBe(0);
    const python = runPython([join(made.folder, "long.verify.py"), file, ...asked]);
    expect(python.lines).toEqual(
      verified.out.split("\n").filter((line) => /^(?:PASS|FAIL|NOT PRESENT) {2}/.test(line)),
    );
  }, 600_000);
});
