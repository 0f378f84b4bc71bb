import { generateKeyPairSync } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addEvidenceCommands } from "../../../src/cli/evidence-commands.js";
import { readEntries, type FoundEntry } from "../../../src/cli/evidence-files.js";
import { decodeBundle, encodeBundle } from "../../../src/evidence/bundle.js";
import { hex } from "../../../src/evidence/hex.js";
import { checkReceipt } from "../../../src/evidence/receipt.js";
import { makeCorpus, makeCorpusKey, sha256 } from "../../support/corpus.js";
import { sampleLog } from "../../support/evidence-rig.js";
import { readSegments } from "../../support/corpus-reading.js";
import {
  makeBundle,
  makeLogKey,
  runPython,
  runSteps,
  VERIFIER,
  verifySignature,
} from "../../support/proof-bundle.js";

const PROFILE = readFileSync(new URL("../../support/corpus-profile.yaml", import.meta.url));
const SEED = 20_261_123;
const folder = mkdtempSync(join(tmpdir(), "holdpoint-export-"));
const log = join(folder, "log");
const key = makeCorpusKey();
let entries: readonly FoundEntry[] = [];

/** A log of the guard's own, over several segments and runs. */
beforeAll(async () => {
  mkdirSync(log);
  const options = { directory: log, profiles: [PROFILE], seed: SEED, commands: 2_700 };
  const { runs } = await makeCorpus({ ...options, segmentBytesMax: 700_000, signer: key.signer });
  entries = [...readSegments(log)].flatMap(([name, bytes]) => readEntries(name, bytes));
  console.log(
    `seed ${SEED}: ${entries.length} entries in ${runs} runs, ${segmentsOf(log).length} segments`,
  );
}, 300_000);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const segmentsOf = (directory: string): readonly string[] => [...readSegments(directory).keys()];

type Ran = { readonly code: number; readonly out: string };

async function run(...args: readonly string[]): Promise<Ran> {
  let [code, out] = [-1, ""];
  const program = new Command()
    .exitOverride()
    .configureOutput({ writeErr: (text) => (out += text) });
  const sink = { write: (text: string) => void (out += text) };
  addEvidenceCommands(program, {
    streams: { out: sink, err: sink },
    verifier: VERIFIER,
    stop: new AbortController().signal,
    exit: (given) => {
      code = given;
    },
  });
  await program.parseAsync(["evidence", ...args], { from: "user" });
  return { code, out };
}

/** Numbers of the newest permit that was done, and of its outcome. */
function newestDone(): { readonly permit: number; readonly outcome: number } {
  const outcome = entries.findLast(
    ({ entry: { body } }) => body.type === "outcome" && body.outcome === "done",
  );
  if (outcome?.entry.body.type !== "outcome") throw new Error("nothing was done");
  const id = hex(outcome.entry.body.id);
  const permit = entries.find(
    ({ entry: { body } }) => body.type === "decision" && hex(body.id) === id,
  );
  if (permit === undefined) throw new Error("an outcome without permit");
  return { permit: permit.entry.seq, outcome: outcome.entry.seq };
}

function decisionWith(verdict: "deny" | "permit"): number {
  const found = entries.findLast(
    ({ entry: { body } }) => body.type === "decision" && body.verdict === verdict,
  );
  if (found === undefined) throw new Error(`no ${verdict}`);
  return found.entry.seq;
}

let count = 0;
async function exportTo(
  ...args: readonly string[]
): Promise<{ readonly directory: string; readonly file: string; readonly out: string }> {
  const directory = join(folder, `export-${(count += 1)}`);
  mkdirSync(directory);
  const file = join(directory, "proof.cbor");
  const { out, code } = await run("export", log, "--out", file, ...args);
  expect(code).toBe(0);
  return { directory, file, out };
}

describe("evidence export", () => {
  it("proves a permit with its outcome to Holdpoint, to the Python it brings, and to openssl", async () => {
    const { permit, outcome } = newestDone();
    const trust = join(folder, "trusted.der");
    writeFileSync(trust, key.signer.spki);
    const { directory, file, out } = await exportTo("--seq", String(permit), "--with-profile");
    expect(out).toContain("key: software, not hardware");
    const verified = await run("verify", file, "--trust", trust);
    expect(verified).toMatchObject({ code: 0 });
    for (const id of ["signed by that key", "to the signed root", "every decision names"]) {
      expect(verified.out).toMatch(new RegExp(`PASS .*${id}`));
    }
    const python = runPython([join(directory, "proof.verify.py"), file, "--trust", trust]);
    expect(python.code).toBe(0);
    expect(python.lines).toEqual(
      verified.out.split("\n").filter((line) => /^(?:PASS|FAIL|NOT PRESENT) {2}/.test(line)),
    );
    const steps = runSteps(directory, "proof.README.md");
    expect(steps.out.split("\n")).toEqual([
      "Verified OK",
      "the key and the number of entries are the signed ones",
      ...readBundle(file).map((seq) => `entry ${seq} is under the signed root`),
      "the profile is the one that is named",
      "",
    ]);
    expect(steps.status).toBe(0);
    expect(readBundle(file)).toContain(permit);
    expect(readBundle(file)).toContain(outcome);
  });

  it("takes at most 2,500 bytes for a permit and its outcome at 4,096 leaves and more, without key bundle", async () => {
    const { permit } = newestDone();
    expect(permit).toBeGreaterThan(4_096);
    const { file } = await exportTo("--seq", String(permit));
    const { length } = readFileSync(file);
    console.log(`a bundle of entries ${readBundle(file).join(", ")}: ${length} bytes with the key`);
    expect(length - key.signer.spki.length - 16).toBeLessThanOrEqual(2_500);
  });

  it("to a file with a name that a shell would read otherwise has steps that run", async () => {
    const directory = join(folder, "odd names");
    const file = join(directory, "it's $(date) proof.cbor");
    expect(await run("export", log, "--seq", "2", "--out", file)).toMatchObject({ code: 0 });
    const { status, out } = runSteps(directory, "it's $(date) proof.README.md");
    expect(out).toContain("entry 2 is under the signed root");
    expect(status).toBe(0);
  });

  it("of an outcome brings its permit too", async () => {
    const { permit, outcome } = newestDone();
    const { file } = await exportTo("--seq", String(outcome));
    expect(readBundle(file)).toContain(permit);
  });

  it("of what the gateway did by itself brings what caused it", async () => {
    const own = entries.findLast(
      ({ entry: { body, cause } }) =>
        body.type === "decision" && body.source.kind === "own" && cause !== null,
    );
    if (own?.entry.cause == null) throw new Error("nothing of its own");
    const { file } = await exportTo("--seq", String(own.entry.seq));
    expect(readBundle(file)).toContain(own.entry.cause);
  });

  it("says of a denied command that it stands alone, and why", async () => {
    const { out, file, directory } = await exportTo("--seq", String(decisionWith("deny")));
    expect(out).toContain("It was denied: nothing was sent, so it has no outcome");
    expect(readBundle(file)).toEqual([decisionWith("deny")]);
    expect(runSteps(directory, "proof.README.md").status).toBe(0);
  });

  it("writes an RFC 9942 receipt when asked to, and tells all as JSON", async () => {
    const { permit } = newestDone();
    const { directory, out } = await exportTo("--seq", String(permit), "--receipt", "--json");
    expect(JSON.parse(out)).toMatchObject({
      software: true,
      bundle: join(directory, "proof.cbor"),
    });
    expect(readFileSync(join(directory, "proof.README.md"), "utf8")).toContain("RFC 9942");
    const entry = readFileSync(join(directory, "proof.parts", `entry-${permit}.cbor`));
    const leafHash = sha256(Uint8Array.from([0, ...entry]));
    const receipt = new Uint8Array(readFileSync(join(directory, "proof.receipt.cbor")));
    const by = { spki: key.signer.spki, sha256, verifySignature };
    expect(checkReceipt(receipt, leafHash, by)).toMatchObject({
      ok: true,
      proof: { index: permit },
    });
  });

  it("proves any entry of the log, in any segment", async () => {
    const wanted = entries
      .filter((_, i) => i % 701 === 0 && i < entries.length - 200)
      .map(({ entry }) => entry.seq);
    for (const seq of wanted) {
      const { file } = await exportTo("--seq", String(seq));
      expect(readBundle(file)).toContain(seq);
    }
  });

  it("proves what is left of a log whose older segments are gone, and refuses what is not", async () => {
    const rest = join(folder, "rest");
    cpSync(log, rest, { recursive: true });
    const [oldest = ""] = segmentsOf(rest);
    rmSync(join(rest, oldest));
    const { permit } = newestDone();
    const file = join(folder, "rest.cbor");
    expect(await run("export", rest, "--seq", String(permit), "--out", file)).toMatchObject({
      code: 0,
    });
    expect(await run("verify", file)).toMatchObject({ code: 0 });
    const refused = run("export", rest, "--seq", "2", "--out", join(folder, "none.cbor"));
    await expect(refused).rejects.toThrow(/entry 2 is in an older segment that is not here/);
  });
});

describe("evidence export refuses", () => {
  it.each([
    [
      "a number the log does not have",
      ["export", log, "--seq", "99999999"],
      1,
      /no entry 99999999; the newest is \d+/,
    ],
    ["a folder without a log", ["export", folder, "--seq", "1"], 2, /no segment of a log/],
    [
      "a folder that is none",
      ["export", join(folder, "none"), "--seq", "1"],
      2,
      /no such directory/,
    ],
    [
      "a folder it cannot write to",
      ["export", log, "--seq", "1", "--out", join(folder, "trusted.der", "x")],
      2,
      /cannot be written/,
    ],
  ] as const)("%s", async (_name, args, exitCode, text) => {
    const refused = run(...args);
    await expect(refused).rejects.toThrow(text);
    await expect(refused).rejects.toMatchObject({ exitCode });
  });

  it("to write over a file, and leaves it as it is", async () => {
    const { file } = await exportTo("--seq", "2");
    const before = readFileSync(file);
    const again = run("export", log, "--seq", "3", "--out", file);
    await expect(again).rejects.toThrow(/is there already: name another file with --out/);
    expect(readFileSync(file)).toEqual(before);
  });

  it("a log with two changed entries: nothing that does not verify is handed out", async () => {
    const { permit } = newestDone();
    // The leaf hash of a single one is still known: its successor names it.
    const file = join(folder, "damaged.cbor");
    expect(
      await run("export", damage([permit - 20]), "--seq", String(permit), "--out", file),
    ).toMatchObject({ code: 0 });
    const none = join(folder, "damaged-twice.cbor");
    const twice = damage([permit - 20, permit - 19]);
    const refused = run("export", twice, "--seq", String(permit), "--out", none);
    await expect(refused).rejects.toThrow(/holdpoint evidence verify .* says where/);
    await expect(refused).rejects.toMatchObject({ exitCode: 1 });
    expect(existsSync(none)).toBe(false);
  });
});

/** A copy of the log with one bit of each of these entries changed. */
function damage(seqs: readonly number[]): string {
  const damaged = join(folder, `damaged-${seqs.length}`);
  cpSync(log, damaged, { recursive: true });
  for (const seq of seqs) {
    const found = entries.find(({ entry }) => entry.seq === seq);
    if (found === undefined) throw new Error(`no entry ${seq}`);
    const path = join(damaged, found.segment);
    const content = readFileSync(path);
    content[found.offset + 60] = (content[found.offset + 60] ?? 0) ^ 1;
    writeFileSync(path, content);
  }
  return damaged;
}

describe("evidence verify of a bundle", () => {
  it("shows no control character that a stranger put into it", async () => {
    const made = makeBundle(sampleLog(0, 4), [2, 3], makeLogKey(), "gw\u001b[2J\nPASS");
    const file = join(folder, "stranger.cbor");
    writeFileSync(file, encodeBundle(made.bundle));
    const { code, out } = await run("verify", file);
    expect(code).toBe(0);
    expect(out).toContain("of gw?[2J?PASS, log log-0011");
    expect(runPython([VERIFIER, file]).out).toContain("of 'gw\\x1b[2J\\nPASS', log");
  });

  it("fails for a changed file, by name of the check, also as JSON, and by each of the README's steps", async () => {
    const { permit } = newestDone();
    const { directory, file } = await exportTo("--seq", String(permit));
    appendFileSync(file, "x");
    const { code, out } = await run("verify", file);
    expect(code).toBe(1);
    expect(out).toMatch(/FAIL {9}the bundle is in its one canonical form/);
    expect(JSON.parse((await run("verify", file, "--json")).out)).toMatchObject({ ok: false });
    for (const [part, says] of [
      ["signed.bin", /Verification failure/],
      ["signature.der", /Verification failure|Error/],
      ["key.pem", /./],
      [`entry-${permit}.cbor`, /WRONG: entry \d+/],
      [`path-${permit}.txt`, /WRONG: entry \d+ is not under the signed root/],
    ] as const) {
      const path = join(directory, "proof.parts", part);
      const whole = readFileSync(path);
      const changed = Buffer.from(whole);
      const at = whole.length - 10;
      changed[at] = part.endsWith(".txt")
        ? changed[at] === 0x30
          ? 0x31
          : 0x30
        : (changed[at] ?? 0) ^ 1;
      writeFileSync(path, changed);
      const { status, out: said } = runSteps(directory, "proof.README.md");
      expect([part, status]).not.toEqual([part, 0]);
      expect(said).toMatch(says);
      writeFileSync(path, whole);
    }
    expect(runSteps(directory, "proof.README.md").status).toBe(0);
  });

  it("fails under another trusted key and by another profile", async () => {
    const { file } = await exportTo("--seq", String(newestDone().permit));
    const other = join(folder, "other.pem");
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    writeFileSync(other, pair.publicKey.export({ type: "spki", format: "pem" }));
    const trusted = await run("verify", file, "--trust", other);
    expect(trusted.code).toBe(1);
    expect(trusted.out).toContain("it is not a trusted key");
    const profile = join(folder, "profile.yaml");
    writeFileSync(profile, PROFILE);
    expect(await run("verify", file, "--profile", profile)).toMatchObject({ code: 0 });
    appendFileSync(profile, "#");
    const swapped = await run("verify", file, "--profile", profile);
    expect(swapped.code).toBe(1);
    expect(swapped.out).toMatch(/decision \d+ names profile [0-9a-f]{16}, this one is/);
  });

  it("refuses one segment of a log", async () => {
    const [name = ""] = segmentsOf(log);
    await expect(run("verify", join(log, name))).rejects.toThrow(/name the folder it is in/);
  });
});

function readBundle(file: string): readonly number[] {
  const decoded = decodeBundle(new Uint8Array(readFileSync(file)));
  if (!decoded.ok) throw new Error(decoded.why);
  return decoded.bundle.items.map(({ proof }) => proof.index);
}
