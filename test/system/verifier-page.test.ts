import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportEvidence } from "../../src/cli/evidence-export.js";
import { encodeBundle, encodeKeyBundle, type ProofBundle } from "../../src/evidence/bundle.js";
import { nameSegment } from "../../src/evidence/segment.js";
import { attest, claimAttester, claimKey } from "../support/attested-key.js";
import { startAuthority } from "../support/authority.js";
import { Browser } from "../support/browser.js";
import { makeCorpus, makeCorpusKey } from "../support/corpus.js";
import { runEvidence } from "../support/evidence-command.js";
import { sampleLog } from "../support/evidence-rig.js";
import { entryOf } from "../support/evidence-samples.js";
import { makePeriod } from "../support/period-bundle.js";
import { makeBundle, makeLogKey, VERIFIER } from "../support/proof-bundle.js";
import { seeded } from "../support/seeded.js";
import {
  buildPage,
  checksIn,
  VerifierPage,
  type Check,
  type Shown,
} from "../support/verifier-page.js";

const PROFILE = readFileSync(new URL("../support/corpus-profile.yaml", import.meta.url));
const SEED = 20_261_123;
const folder = mkdtempSync(join(tmpdir(), "holdpoint-page-"));
const log = join(folder, "log");
const html = join(folder, "verifier-page.html");
const signer = makeCorpusKey();
const browser = new Browser();
const opened: { page: VerifierPage | null } = { page: null };

beforeAll(async () => {
  buildPage(html);
  mkdirSync(log);
  const options = { directory: log, profiles: [PROFILE], seed: SEED, commands: 120 };
  await makeCorpus({ ...options, segmentBytesMax: 40_000, signer: signer.signer });
  opened.page = await VerifierPage.open(browser, html);
});

afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});

function page(): VerifierPage {
  if (opened.page === null) throw new Error("the page was not opened");
  return opened.page;
}

let written = 0;
function write(content: Uint8Array, name?: string): string {
  written += 1;
  const within = join(folder, `case-${written}`);
  mkdirSync(within);
  const file = join(within, name ?? `proof-${written}.cbor`);
  writeFileSync(file, content);
  return file;
}

/** What the command line says of the same, check by check. */
async function byCommand(path: string, ...args: readonly string[]): Promise<readonly Check[]> {
  return checksIn((await runEvidence("verify", path, "--json", ...args)).out);
}

/** The page says where bytes stop being canonical, and counts further faults, behind the same words. */
function expectSame(shown: Shown, checks: readonly Check[]): void {
  const without = shown.checks.map((check) => ({ ...check, why: "" })).sort(byId);
  expect(without).toEqual(checks.map((check) => ({ ...check, why: "" })).sort(byId));
  for (const { id, why } of checks) {
    const own = shown.checks.find((check) => check.id === id)?.why ?? "";
    expect(own.slice(0, why.length), id).toBe(why);
    expect(own === "", id).toBe(why === "");
  }
}

function byId(a: Check, b: Check): number {
  return a.id < b.id ? -1 : 1;
}

function failing(checks: readonly Check[]): readonly string[] {
  return checks.filter(({ status }) => status === "FAIL").map(({ id }) => id);
}

const segments = (): readonly string[] =>
  readdirSync(log)
    .filter((name) => name.startsWith("segment-"))
    .sort();
const paths = (names: readonly string[]): readonly string[] => names.map((name) => join(log, name));

function copyLog(change: (name: string, bytes: Buffer) => Buffer): string {
  written += 1;
  const directory = join(folder, `log-${written}`);
  mkdirSync(directory);
  for (const name of segments()) {
    writeFileSync(join(directory, name), change(name, readFileSync(join(log, name))));
  }
  return directory;
}

const key = makeLogKey();
const made = makeBundle(sampleLog(0, 11), [4, 5], key).bundle;
const good = encodeBundle(made);

describe("the verifier page with a proof bundle", () => {
  it("finds nothing wrong in one that is right, as the command line does [HP-170 allows]", async () => {
    const file = write(good);
    const shown = await page().drop(file);
    expectSame(shown, await byCommand(file));
    expect(failing(shown.checks)).toEqual([]);
    expect(shown.status).toMatch(/^proof-\d+\.cbor: 0 FAIL, 12 PASS, \d+ NOT PRESENT\.$/);
    expect(shown.text).toContain("Controller ai asked for output 4 = raw 3000");
    expect(shown.text).toContain("It was done, and read back from the plant.");
    expect(shown.text).toContain("Key: software, not hardware.");
  });

  it("says what the command line says of one with a flipped bit, wherever it is [HP-170 refuses]", async () => {
    const places = Array.from(
      { length: 12 },
      (_, i) => Math.floor((i * good.length) / 12) + (i % 3),
    );
    for (const at of places) {
      const bytes = good.slice();
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
      const file = write(bytes);
      const shown = await page().check(file);
      expectSame(shown, await byCommand(file));
      expect(failing(shown.checks), `byte ${at}`).not.toEqual([]);
      expect(shown.text).toContain("Do not rely on this evidence.");
    }
  });

  const [first, second] = made.items;
  if (first === undefined || second === undefined) throw new Error("two entries were asked for");
  const reproved = (change: Partial<typeof first.proof>): ProofBundle => ({
    ...made,
    items: [{ ...first, proof: { ...first.proof, ...change } }, second],
  });
  const ATTACKS: readonly (readonly [string, ProofBundle, string])[] = [
    ["a wrong tree size", reproved({ size: 12 }), "sizes"],
    ["a moved index", reproved({ index: 3 }), "places"],
    ["a path cut short", reproved({ path: first.proof.path.slice(1) }), "paths"],
    ["entries in another order", { ...made, items: [second, first] }, "order"],
    ["another key", { ...made, key: { ...made.key, spki: makeLogKey().spki } }, "key"],
    [
      "a key of another curve",
      { ...made, key: { ...made.key, spki: makeLogKey("P-384").spki } },
      "signature",
    ],
    ["outside evidence", { ...made, outside: [Uint8Array.of(1)] }, "outside"],
  ];
  it.each(ATTACKS)(
    "refuses one with %s, in the words of the command line [HP-170 refuses]",
    async (_, bundle, check) => {
      const file = write(encodeBundle(bundle));
      const shown = await page().check(file);
      expectSame(shown, await byCommand(file));
      expect(failing(shown.checks)).toContain(check);
    },
  );

  it("says where the form of one breaks, and shows nothing else of it", async () => {
    const shown = await page().check(write(good.slice(0, 333)));
    expect(failing(shown.checks)).toEqual(["form"]);
    expect(shown.checks[0]?.why).toMatch(/^it is not one item of canonical CBOR: \w+ at byte \d+$/);
    expect(shown.checks.filter(({ status }) => status === "PASS")).toEqual([]);
  });

  it("says of any bytes at all that they are no bundle, and goes on", async () => {
    const random = seeded(SEED);
    const samples = Array.from({ length: 8 }, (_, i) =>
      Uint8Array.from({ length: i * i * 37 }, () => random.below(256)),
    );
    for (const bytes of samples) {
      // Half of them begin as a bundle does.
      if (bytes.length % 2 === 1) bytes.set([0xd9, 0xd9, 0xf7]);
      const file = write(bytes);
      const shown = await page().check(file);
      expectSame(shown, await byCommand(file));
      expect(failing(shown.checks)).toEqual(["form"]);
    }
  });

  it("checks a period and that its log grew from an earlier checkpoint that a person kept", async () => {
    const period = makePeriod(sampleLog(0, 40), { from: 20, to: 39 }, 17, key);
    const file = write(encodeBundle(period.bundle));
    const earlier = write(period.earlier);
    expectSame(await page().check(file), await byCommand(file));
    const shown = await page().hold("earlier", earlier);
    expectSame(shown, await byCommand(file, "--earlier", earlier));
    expect(shown.checks.find(({ id }) => id === "earlier")?.status).toBe("PASS");
    const other = write(makePeriod(sampleLog(1, 40), { from: 20, to: 39 }, 17, key).earlier);
    const refused = await page().hold("earlier", other);
    expectSame(refused, await byCommand(file, "--earlier", other));
    expect(failing(refused.checks)).toEqual(["earlier"]);
  });

  it("compares with a key and a profile that a person names", async () => {
    const file = write(good);
    await page().check(file);
    const own = write(key.spki, "key.der");
    const trusting = await page().hold("trusted", own);
    expectSame(trusting, await byCommand(file, "--trust", own));
    expect(trusting.checks.find(({ id }) => id === "trust")?.status).toBe("PASS");
    const bundled = await page().hold("trusted", write(encodeKeyBundle(made.key)));
    expect(bundled.checks).toEqual(trusting.checks);
    const other = write(makeLogKey().spki, "key.der");
    expect(failing((await page().hold("trusted", other)).checks)).toEqual(["trust"]);
    const strange = await page().hold("trusted", write(PROFILE, "profile.yaml"));
    expect(strange.text).toContain("profile.yaml holds no public key on P-256");
    expect(strange.checks).toEqual([]);
    await page().check(file);
    const profile = write(PROFILE, "profile.yaml");
    const refused = await page().hold("profile", profile);
    expectSame(refused, await byCommand(file, "--profile", profile));
    expect(failing(refused.checks)).toEqual(["profile"]);
  });

  it("never shows a key to be in a TPM, and names the command that can", async () => {
    const authority = await startAuthority();
    try {
      const [inside, attester] = [claimKey(), claimAttester()];
      const certificates = await authority.issue({ spki: attester.spki });
      const bundle = makeBundle(sampleLog(0, 11), [4, 5], inside).bundle;
      const attestation = attest(inside, attester);
      const held = { ...bundle.key, certificates, attestation, software: false };
      const file = write(encodeBundle({ ...bundle, key: held }));
      const shown = await page().check(file);
      const unread = ["certificate", "roots"];
      const same = (checks: readonly Check[]) => checks.filter(({ id }) => !unread.includes(id));
      expectSame({ ...shown, checks: same(shown.checks) }, same(await byCommand(file)));
      for (const id of [...unread, "hardware"]) {
        expect(shown.checks.find((check) => check.id === id)?.status).toBe("NOT PRESENT");
      }
      expect(shown.checks.find(({ id }) => id === "attester")?.status).toBe("PASS");
      expect(shown.text).toContain("holdpoint evidence verify BUNDLE --trust ROOTS.pem reads them");
      expect(shown.text).toContain("it says it is in a TPM; not shown here");
    } finally {
      authority.remove();
    }
  });

  it("shows what stands in an entry as text, whatever it is", async () => {
    const what = '<img src=x onerror="document.title = 1"><script>document.title = 2</script>';
    const entries = [...sampleLog(0, 4), entryOf({ type: "notice", what, details: null }, 4)];
    const shown = await page().check(
      write(encodeBundle(makeBundle(entries, [4], key).bundle), "<b>x.cbor"),
    );
    expect(shown.text).toContain(what);
    expect(shown.status).toContain("<b>x.cbor: 0 FAIL");
    expect(
      await page().page.evaluate(
        "document.querySelectorAll('#result img, #result script, #result b').length",
      ),
    ).toBe(0);
    expect(await page().page.evaluate("document.title")).toBe("Holdpoint: check evidence");
  });
});

describe("the verifier page with segments of a log", () => {
  it("says of a whole log what the command line says [HP-171 allows]", async () => {
    const shown = await page().drop(...paths(segments()).toReversed());
    expect(segments().length).toBeGreaterThan(1);
    expectSame(shown, await byCommand(log));
    expect(failing(shown.checks)).toEqual([]);
    expect(shown.text).toContain(
      "not done by this page: holdpoint evidence verify FOLDER --replay does",
    );
  });

  it("checks the newest segment alone from where its link says that it begins, and fails its missing beginning [HP-171 refuses]", async () => {
    const name = segments().at(-1) ?? "";
    const alone = write(readFileSync(join(log, name)), name);
    const shown = await page().check(alone);
    expectSame(shown, await byCommand(join(alone, "..")));
    expect(failing(shown.checks)).toEqual(["beginning"]);
  });

  it("names the place of damage that the command line names [HP-171 refuses]", async () => {
    const [first = ""] = segments();
    const damages: readonly ((bytes: Buffer) => Buffer)[] = [
      (bytes) => flip(bytes, Math.floor(bytes.length / 2)),
      (bytes) => flip(bytes, 2),
      (bytes) => bytes.subarray(0, bytes.length - 7),
      (bytes) => Buffer.from(bytes).fill(0, 4096, 4608),
    ];
    for (const damage of damages) {
      const directory = copyLog((name, bytes) => (name === first ? damage(bytes) : bytes));
      const shown = await page().check(...segments().map((name) => join(directory, name)));
      expectSame(shown, await byCommand(directory));
      expect(failing(shown.checks)).toContain("frames");
      expect(shown.text).toMatch(
        /First fault: every byte belongs to a whole frame\. segment-\d{16}\.cborseq, byte \d+, seq \d+: /,
      );
    }
  });

  it("finds a segment left out, and a key that is not the named one [HP-171 refuses]", async () => {
    const [first = "", , ...rest] = segments();
    expect(rest.length).toBeGreaterThan(0);
    const shown = await page().check(...paths([first, ...rest]));
    expect(failing(shown.checks)).toContain("order");
    await page().check(...paths(segments()));
    const other = write(makeLogKey().spki, "key.der");
    const untrusted = await page().hold("trusted", other);
    expectSame(untrusted, await byCommand(log, "--trust", other));
    expect(failing(untrusted.checks)).toEqual(["signed-commits", "signatures"]);
  });

  it("refuses what cannot be one log, and says why", async () => {
    const [first = ""] = segments();
    const bytes = readFileSync(join(log, first));
    const [one, two] = [write(bytes, first), write(bytes, first)];
    expect((await page().check(one, two)).text).toContain("is there twice");
    const renamed = write(bytes, "segment (1).cborseq");
    expect((await page().check(one, renamed)).text).toContain(
      "does not bear the name of a segment",
    );
    expect((await page().check(one, write(good))).text).toContain(
      "A proof bundle is dropped alone",
    );
    const empty = await page().check(write(new Uint8Array(0), nameSegment(0)));
    expect(empty.text).toContain("No entry can be read in it.");
    expect(empty.text).toContain("Do not rely on this evidence.");
  });
});

/** Number of a decision of the log, as text. */
async function findDecision(): Promise<string> {
  const { out } = await runEvidence("tail", log, "-n", "1000");
  const [, seq = ""] = /^(\d+)\b.* decision +(?:DENY|PERMIT) \w+: output/m.exec(out) ?? [];
  return seq;
}

describe("the verifier page as it is handed over", () => {
  it("asked for nothing and broke no rule of its policy while it checked all of the above [HP-172 allows]", () => {
    const { requests, complaints } = page().page;
    expect(requests).toEqual([`file://${html}`]);
    expect(complaints).toEqual([]);
  });

  it("goes with every export, and its README says so", async () => {
    const out = join(folder, "handed.cbor");
    const seq = await findDecision();
    const options = { receipt: false, withProfile: true, json: false };
    const command = { ...options, directory: log, seq: Number(seq), out, verifier: VERIFIER };
    const silent = { out: { write: () => undefined }, err: { write: () => undefined } };
    const missing = join(folder, "nowhere.html");
    await expect(exportEvidence({ ...command, page: missing }, silent)).rejects.toThrow(
      /nowhere\.html: the page that goes with an export is missing; npm run build makes it/,
    );
    expect(readdirSync(folder).filter((name) => name.startsWith("handed"))).toEqual([]);
    await exportEvidence({ ...command, page: html }, silent);
    expect(readFileSync(join(folder, "handed.verify.html"))).toEqual(readFileSync(html));
    expect(readFileSync(join(folder, "handed.README.md"), "utf8")).toContain(
      "`handed.verify.html`",
    );
    expectSame(await page().check(out), await byCommand(out));
  });

  it("calls things by their names only from the profile that the decisions name", async () => {
    const seq = await findDecision();
    const file = join(folder, "bare.cbor");
    await runEvidence("export", log, "--seq", seq, "--out", file);
    expect((await page().check(file)).text).toMatch(/Controller \S+ asked for output \d+ = raw/);
    const named = await page().hold("profile", write(PROFILE, "profile.yaml"));
    expect(named.text).toMatch(/Controller \S+ asked for \S+ \(output \d+\) = raw/);
    const other = Buffer.from(PROFILE.toString().replace("outputs:", "outputs: "));
    const strange = await page().hold("profile", write(other, "profile.yaml"));
    expect(strange.text).toMatch(/Controller \S+ asked for output \d+ = raw/);
    expect(failing(strange.checks)).toEqual(["profile"]);
  });
});

function flip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
