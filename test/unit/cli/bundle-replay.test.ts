import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeBundle } from "../../../src/evidence/bundle.js";
import { hex } from "../../../src/evidence/hex.js";
import type { Entry, EntryBody } from "../../../src/kernel/record/entry.js";
import { makeCorpus, makeCorpusKey } from "../../support/corpus.js";
import { readSegments } from "../../support/corpus-reading.js";
import { runEvidence } from "../../support/evidence-command.js";
import { nameSegment } from "../../../src/evidence/segment.js";
import { writeLog } from "../../support/replayed-log.js";
import { bootBody, entryOf, sha256 } from "../../support/evidence-samples.js";
import { makeBundle, makeLogKey } from "../../support/proof-bundle.js";
import { readEntries } from "../../../src/cli/evidence-files.js";

const SEED = 20_261_124;
const FILE = new URL("../../support/corpus-profile.yaml", import.meta.url);
const PROFILE = new Uint8Array(readFileSync(FILE));
const folder = mkdtempSync(join(tmpdir(), "holdpoint-bundle-replay-"));
const log = join(folder, "log");
const profile = join(folder, "profile.yaml");
let entries: readonly Entry[] = [];

beforeAll(async () => {
  mkdirSync(log);
  writeFileSync(profile, PROFILE);
  const key = makeCorpusKey();
  const made = { directory: log, profiles: [PROFILE], seed: SEED, commands: 300 };
  await makeCorpus({ ...made, segmentBytesMax: 700_000, signer: key.signer });
  console.log(`seed ${SEED}`);
  entries = [...readSegments(log)].flatMap(([name, content]) =>
    readEntries(name, content).map(({ entry }) => entry),
  );
}, 120_000);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The newest decision of this verdict by a controller, and what came of it; of a permit, that it was done. */
function storyOf(verdict: "permit" | "deny"): {
  readonly seq: number;
  readonly bodies: EntryBody[];
} {
  const done = new Set(
    entries.flatMap(({ body }) =>
      body.type === "outcome" && body.outcome === "done" ? [hex(body.id)] : [],
    ),
  );
  const found = entries.findLast(({ body }) => {
    if (body.type !== "decision" || body.source.kind !== "controller") return false;
    return body.verdict === verdict && (verdict === "deny" || done.has(hex(body.id)));
  });
  if (found?.body.type !== "decision") throw new Error(`no ${verdict}`);
  const id = hex(found.body.id);
  const outcomes = entries.flatMap(({ body }) =>
    body.type === "outcome" && hex(body.id) === id ? [body] : [],
  );
  return { seq: found.seq, bodies: [found.body, ...outcomes] };
}

/** A bundle of these, signed by a key of the test's own: what a forger with the key would give out. */
function forge(bodies: readonly EntryBody[], brings: Uint8Array | null = PROFILE): string {
  const file = join(folder, "forged.cbor");
  const list = bodies.map((body, seq) => entryOf(body, seq));
  const { bundle } = makeBundle(list, [...list.keys()], makeLogKey());
  writeFileSync(file, encodeBundle({ ...bundle, profile: brings }));
  return file;
}

function line(out: string, level: "L1" | "L2"): string {
  const lines = out.split("\n");
  const at = lines.findIndex((text) => text.includes(`(${level})`));
  return lines
    .slice(at, at + 2)
    .join(" ")
    .replaceAll(/ +/g, " ");
}

describe("evidence verify BUNDLE --replay", () => {
  it("judges each verdict again by the profile that the bundle brings, or that is named", async () => {
    for (const verdict of ["permit", "deny"] as const) {
      const { seq } = storyOf(verdict);
      const whole = join(folder, `${verdict}-whole.cbor`);
      const bare = join(folder, `${verdict}-bare.cbor`);
      await runEvidence("export", log, "--seq", String(seq), "--out", whole, "--with-profile");
      await runEvidence("export", log, "--seq", String(seq), "--out", bare);
      for (const asked of [[whole], [bare, "--profile", profile]]) {
        const { code, out } = await runEvidence("verify", ...asked, "--replay");
        expect(line(out, "L1")).toMatch(/^PASS every verdict follows .*\(L1\) \([12]\)/);
        expect(line(out, "L2")).toMatch(/^NOT PRESENT .*that needs the whole log/);
        expect(code).toBe(0);
      }
    }
  });

  it("says what to do where no profile is at hand, and shows no such line where it was not asked", async () => {
    const { bodies } = storyOf("deny");
    const file = forge(bodies, null);
    const { code, out } = await runEvidence("verify", file, "--replay");
    expect(line(out, "L1")).toMatch(/^NOT PRESENT .*--with-profile .*--profile FILE/);
    expect(code).toBe(0);
    expect((await runEvidence("verify", file)).out).not.toContain("(L1)");
  });

  it("fails for a verdict, a reason or a second look that does not follow, and says which", async () => {
    const [denied] = storyOf("deny").bodies;
    const [permit, ...outcomes] = storyOf("permit").bodies;
    if (denied?.type !== "decision" || permit?.type !== "decision") throw new Error("no decision");
    const wrong: readonly (readonly [EntryBody[], RegExp])[] = [
      [[{ ...denied, verdict: "permit", reasons: [] }], /entry 0: recorded permit, replayed deny/],
      [[{ ...denied, reasons: [] }], /entry 0: the same verdict for other reasons/],
      [[{ ...permit, verdict: "deny" }, ...outcomes], /entry 0: recorded deny, replayed permit/],
      [[permit, ...outcomes.map(withdrawn)], /entry 1: permit 0 was withdrawn/],
    ];
    for (const [bodies, why] of wrong) {
      const { code, out } = await runEvidence("verify", forge(bodies), "--replay");
      expect(line(out, "L1")).toMatch(/^FAIL /);
      expect(line(out, "L1")).toMatch(why);
      expect(code).toBe(1);
    }
    expect((await runEvidence("verify", forge([permit, ...outcomes]), "--replay")).code).toBe(0);
  });

  it("shows nothing of a stranger's text that a terminal would obey, as a bundle, as a log, as JSON", async () => {
    const evil = "x\u001b[2J\u009b1A\u202e\nPASS\u001bP";
    const denied = entries.find(
      ({ body }) => body.type === "decision" && body.reasons[0]?.code === "range",
    )?.body;
    if (denied?.type !== "decision") throw new Error("no decision");
    const reasons = denied.reasons.map((reason) => ({ ...reason, rule: evil }));
    const body = { ...denied, reasons };
    const forgedLog = join(folder, "evil");
    mkdirSync(forgedLog);
    writeFileSync(join(forgedLog, nameSegment(0)), writeLog([entryOf(body, 0)]));
    const asked = [
      ["verify", forge([body]), "--replay"],
      ["verify", forgedLog, "--replay", "--profile", profile],
      ["show", forgedLog, "0"],
      ["query", forgedLog],
      ["tail", forgedLog],
    ];
    for (const args of asked) {
      for (const as of args[0] === "tail" || args[0] === "show" ? [[]] : [[], ["--json"]]) {
        const { out } = await runEvidence(...args, ...as);
        expect(out, args.join(" ")).toMatch(/x(\?|\\u001b)\[2J/);
        expect(out.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        expect(out.split("\n")).not.toContain("PASS\u001bP");
      }
    }
  });

  it("fails where this release cannot judge: other kernel semantics, or a profile that is none", async () => {
    const [decision] = storyOf("deny").bodies;
    if (decision?.type !== "decision") throw new Error("no decision");
    const boot: EntryBody = { ...bootBody(1), semantics: 9_999 };
    const other = await runEvidence("verify", forge([boot, decision]), "--replay");
    expect(line(other.out, "L1")).toMatch(/^FAIL .*entry 0: .*kernel semantics 9999/);
    const none = Uint8Array.from(Buffer.from("no profile"));
    const strange = forge([{ ...decision, profile: sha256(none) }], none);
    const { code, out } = await runEvidence("verify", strange, "--replay");
    expect(line(out, "L1")).toMatch(/^FAIL .*entry 0: the profile that it names cannot be loaded/);
    expect(code).toBe(1);
  });
});

/** As though the second look had forbidden what it let through. */
function withdrawn(body: EntryBody): EntryBody {
  const reason = { code: "range", rule: null, output: 0, limit: null, freeUs: null } as const;
  return body.type === "outcome" ? { ...body, outcome: "withdrawn", reasons: [reason] } : body;
}
