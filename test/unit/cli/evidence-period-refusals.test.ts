import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readEntries } from "../../../src/cli/evidence-files.js";
import { readVerifier } from "../../../src/cli/python-verifier.js";
import { BUNDLE_BYTES_MAX } from "../../../src/evidence/bundle.js";
import { PART_BYTES_MAX } from "../../../src/evidence/parts.js";
import { carryConsistency } from "../../../src/evidence/checkpoint.js";
import { readSegments } from "../../support/corpus-reading.js";
import { bySeq, checkpointsIn, runEvidence } from "../../support/evidence-command.js";
import { sampleLog } from "../../support/evidence-rig.js";
import { entryOf } from "../../support/evidence-samples.js";
import { cutLog, makePeriodLog, writeLog, type PeriodLog } from "../../support/period-log.js";
import { VERIFIER } from "../../support/proof-bundle.js";

const SEED = 20_261_125;
let made: PeriodLog;

beforeAll(async () => {
  made = await makePeriodLog(SEED, 900);
  expect(readSegments(made.log).size).toBeGreaterThan(1);
}, 300_000);

afterAll(() => {
  made.remove();
});

describe("evidence export of a period refuses", () => {
  const refuse = async (args: readonly string[], exitCode: 1 | 2, text: RegExp): Promise<void> => {
    const refused = runEvidence(
      "export",
      made.log,
      "--out",
      join(made.folder, "never.cbor"),
      ...args,
    );
    await expect(refused).rejects.toThrow(text);
    await expect(refused).rejects.toMatchObject({ exitCode });
    expect(existsSync(join(made.folder, "never.cbor"))).toBe(false);
  };

  it.each([
    ["nothing that was named", [], /name what to prove: --seq N for one entry, --from TIME/],
    ["an entry and a period", ["--seq", "1", ...bySeq(1, 2)], /one of the three/],
    ["one end only", ["--from-seq", "1"], /two ends: --from-seq N --to-seq N/],
    ["one time only", ["--to", "2026-11-23"], /two ends: --from TIME --to TIME/],
    ["a time and a number", ["--from", "2026-11-23", "--to-seq", "3"], /one of the three/],
    ["a reversed period", bySeq(9, 4), /--from-seq 9 comes after --to-seq 4: exchange them/],
    [
      "reversed times",
      ["--from", "2026-11-24", "--to", "2026-11-23"],
      /--from 2026-11-24 comes after --to 2026-11-23/,
    ],
    [
      "a time without its zone",
      ["--from", "2026-11-23T10:00", "--to", "2026-11-24"],
      /names no zone: put a Z behind it, times are UTC/,
    ],
    [
      "a number for a time",
      ["--from", "120", "--to", "340"],
      /--from 120 is no time .* an evidence number is named with --from-seq/,
    ],
    [
      "a day that is none",
      ["--from", "2026-02-30", "--to", "2026-03-01"],
      /--from 2026-02-30 is no time in UTC/,
    ],
    ["a receipt", [...bySeq(1, 2), "--receipt"], /--receipt is for one entry/],
    [
      "an earlier file for one entry",
      ["--seq", "1", "--earlier", "x"],
      /--earlier is for a period/,
    ],
    ["an earlier file that is not there", [...bySeq(1, 2), "--earlier", "none"], /no such file/],
    [
      "an earlier file that is none",
      [...bySeq(1, 2), "--earlier", VERIFIER],
      /neither a checkpoint nor a proof bundle/,
    ],
  ] as const)("%s, as used wrongly", async (_name, args, text) => {
    await refuse(args, 2, text);
  });

  it("times that nothing was written in, and says which times the log has", async () => {
    const empty = ["--from", "1999-01-01", "--to", "1999-12-31"];
    await refuse(empty, 1, /no entry is in this period; the log's times are from \S+Z to \S+Z/);
  });

  it("numbers that the log does not have, or no longer", async () => {
    await refuse(bySeq(1, 99_999_999), 1, /there is no entry 99999999; the newest is \d+/);
    const rest = join(made.folder, "rest");
    cpSync(made.log, rest, { recursive: true });
    const [oldest = "", second = ""] = [...readSegments(rest).keys()];
    rmSync(join(rest, oldest));
    const begins = readEntries(second, readSegments(rest).get(second) ?? new Uint8Array())[0];
    const from = begins?.entry.seq ?? 0;
    const file = join(made.folder, "rest.cbor");
    await expect(runEvidence("export", rest, ...bySeq(5, from + 3))).rejects.toThrow(
      new RegExp(`entry 5 is in an older segment that is not here .they begin at ${from}.`),
    );
    // Its first entries follow no checkpoint that is here: the period is whole, and no more is said.
    const { out } = await runEvidence("export", rest, ...bySeq(from, from + 3), "--out", file);
    expect(out).toContain("No checkpoint from before the period is here");
    expect(await runEvidence("verify", file, "--period", `${from}-${from + 3}`)).toMatchObject({
      code: 0,
    });
    const old = made.checkpoints.find(({ claim }) => claim.size < from);
    if (old === undefined) throw new Error("no checkpoint in the first segment");
    const kept = join(made.folder, "old.cbor");
    writeFileSync(kept, carryConsistency(old, null));
    await expect(
      runEvidence("export", rest, ...bySeq(from, from + 3), "--earlier", kept),
    ).rejects.toThrow(/no proof can lead from it: the log here begins with entry \d+, after it/);
  });

  it("a period that is not signed to its end, and says up to where it is", async () => {
    const signed = made.checkpoints.at(-2)?.claim.size ?? 0;
    const next = made.checkpoints.at(-1)?.claim.size ?? 0;
    expect(next).toBeGreaterThan(signed);
    const cut = cutLog(made, next);
    dropLastCheckpoint(cut);
    const late = runEvidence(
      "export",
      cut,
      ...bySeq(signed - 5, signed),
      "--out",
      join(cut, "x.cbor"),
    );
    const says = `entry ${signed}, the last of the period, is not signed yet: the newest checkpoint, of \\S+, covers entries up to ${signed - 1}\\. .* or end the period with --to-seq ${signed - 1}`;
    await expect(late).rejects.toThrow(new RegExp(says));
    const ok = await runEvidence(
      "export",
      cut,
      ...bySeq(signed - 5, signed - 1),
      "--out",
      join(cut, "x.cbor"),
    );
    expect(ok.code).toBe(0);
  });

  it("to lead from what never was a state of this log", async () => {
    const other = join(made.folder, "other");
    await writeLog(other, sampleLog(0, 100), [100]);
    const kept = join(made.folder, "kept.cbor");
    expect(await runEvidence("export", other, "--seq", "3", "--out", kept)).toMatchObject({
      code: 0,
    });
    await refuse(
      [...bySeq(500, 510), "--earlier", kept],
      1,
      /are not those of the earlier checkpoint: this is another log, or it was changed/,
    );
  }, 120_000);

  it("to check a whole log as if it were a bundle, and a period that is none", async () => {
    await expect(runEvidence("verify", made.log, "--period", "1-2")).rejects.toThrow(
      /--period is for a proof bundle, not for a whole log/,
    );
    for (const text of ["5", "9-4", "1-", "-1-2", "a-b", "1-2-3"]) {
      await expect(runEvidence("verify", made.log, "--period", text)).rejects.toThrow(/FIRST-LAST/);
    }
  });

  it("a period of more bytes than a bundle may have, and says where to end it", async () => {
    const heavy = join(made.folder, "heavy");
    const part = {
      part: 0,
      of: 2,
      whole: new Uint8Array(32),
      bytes: new Uint8Array(PART_BYTES_MAX),
    };
    const body = {
      type: "profile",
      digest: new Uint8Array(32),
      bytes: part,
      signatures: [],
      event: "loaded",
      previous: null,
      proof: null,
      why: null,
    } as const;
    const most = Math.floor(BUNDLE_BYTES_MAX / PART_BYTES_MAX);
    const size = 2 + most + 1;
    const entries = [
      ...sampleLog(0, 2),
      ...Array.from({ length: most + 1 }, (_, i) => entryOf(body, 2 + i)),
    ];
    await writeLog(heavy, entries, [size]);
    const long = runEvidence("export", heavy, ...bySeq(2, size - 1), "--out", join(heavy, "x"));
    await expect(long).rejects.toThrow(
      /too many for a bundle: end the period at --to-seq \d+, and export the rest from --from-seq \d+/,
    );
    await expect(long).rejects.toMatchObject({ exitCode: 1 });
    rmSync(heavy, { recursive: true });
  }, 120_000);

  it("to name a profile where the period's decisions name none that the log holds", async () => {
    const other = join(made.folder, "no-profile");
    await writeLog(other, sampleLog(0, 30), [30]);
    for (const seqs of [bySeq(0, 1), bySeq(2, 9)]) {
      await expect(runEvidence("export", other, ...seqs, "--with-profile")).rejects.toThrow(
        /it has no decision whose profile the log holds; leave --with-profile out/,
      );
    }
  });

  it("an earlier checkpoint that is newer than all that is signed", async () => {
    const kept = join(made.folder, "newest.cbor");
    const newest = made.checkpoints.at(-1);
    if (newest === undefined) throw new Error("nothing is signed");
    writeFileSync(kept, carryConsistency(newest, null));
    await refuse(
      [...bySeq(5, 9), "--earlier", kept],
      1,
      /no checkpoint is newer than the one that --earlier names, over \d+ entries: the newest/,
    );
  });

  it("to hand out a Python verifier of which a part is missing", async () => {
    const alone = join(made.folder, "verify_bundle.py");
    cpSync(VERIFIER, alone);
    await expect(readVerifier(alone)).rejects.toThrow(/bundle_form\.py: .* missing; install anew/);
    expect(await readVerifier(VERIFIER)).toContain("def read_bundle(");
  });

  it("a log in which an entry of the period is damaged", async () => {
    const damaged = join(made.folder, "damaged");
    cpSync(made.log, damaged, { recursive: true });
    const from = Math.floor(made.entries.length / 3);
    const victim = made.entries[from + 10];
    if (victim === undefined) throw new Error("the log is short");
    const path = join(damaged, victim.segment);
    const content = readFileSync(path);
    content[victim.offset + 60] = (content[victim.offset + 60] ?? 0) ^ 1;
    writeFileSync(path, content);
    await expect(runEvidence("export", damaged, ...bySeq(from, from + 50))).rejects.toThrow(
      /holdpoint evidence verify .* says where/,
    );
  });
});

/** Everything from the newest checkpoint on is gone: a crash just before it was written. */
function dropLastCheckpoint(directory: string): void {
  const [name = "", bytes = new Uint8Array()] = [...readSegments(directory)].at(-1) ?? [];
  truncateSync(join(directory, name), checkpointsIn(bytes).at(-1)?.offset ?? bytes.length);
}
