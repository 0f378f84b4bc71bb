import {
  appendFileSync,
  cpSync,
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
import { addQueryCommand } from "../../../src/cli/query-command.js";
import type { FoundEntry } from "../../../src/cli/evidence-files.js";
import { FrameWriter } from "../../../src/evidence/frame.js";
import { hex } from "../../../src/evidence/hex.js";
import type { DecisionBody } from "../../../src/kernel/record/entry.js";
import { compileCorpus, makeCorpus, makeCorpusKey } from "../../support/corpus.js";
import { entriesOf, readSegments } from "../../support/corpus-reading.js";
import { sha256 } from "../../support/evidence-samples.js";

const SEED = 20_261_124;
const PROFILE = readFileSync(new URL("../../support/corpus-profile.yaml", import.meta.url));
const { outputs } = compileCorpus(PROFILE).model;
const folder = mkdtempSync(join(tmpdir(), "holdpoint-query-"));
const log = join(folder, "log");

let entries: readonly FoundEntry[] = [];
let names: readonly string[] = [];
const permits = new Map<string, DecisionBody>();

beforeAll(async () => {
  mkdirSync(log);
  const { signer } = makeCorpusKey();
  const options = { profiles: [PROFILE], seed: SEED, commands: 1_500, segmentBytesMax: 40_000 };
  await makeCorpus({ directory: log, ...options, signer });
  const segments = readSegments(log);
  names = [...segments.keys()];
  entries = entriesOf(segments);
  console.log(`log of seed ${SEED}: ${entries.length} entries in ${names.length} segments`);
  for (const { entry } of entries) {
    if (entry.body.type === "decision") permits.set(hex(entry.body.id), entry.body);
  }
}, 300_000);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

type Ran = { readonly out: string; readonly err: string; readonly seqs: readonly number[] };

async function query(directory: string, ...args: readonly string[]): Promise<Ran> {
  let [code, out, err] = [-1, "", ""];
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  addQueryCommand(program, {
    streams: {
      out: { write: (text) => void (out += text) },
      err: { write: (text) => void (err += text) },
    },
    exit: (given) => {
      code = given;
    },
  });
  await program.parseAsync(["query", directory, ...args], { from: "user" });
  expect(code).toBe(0);
  const lines = args.includes("--json") ? out.split("\n").slice(0, -1) : [];
  return { out, err, seqs: lines.map(seqOf) };
}

function seqOf(line: string): number {
  const parsed: unknown = JSON.parse(line);
  if (typeof parsed !== "object" || parsed === null || !("seq" in parsed)) return -1;
  return Number(parsed.seq);
}

/** The plain meaning of a filter, over everything in memory. */
function expected(keep: (found: FoundEntry, permit: DecisionBody | null) => boolean): number[] {
  return entries
    .filter((found) => {
      const { body } = found.entry;
      const permit = body.type === "outcome" ? (permits.get(hex(body.id)) ?? null) : null;
      return keep(found, body.type === "decision" ? body : permit);
    })
    .map(({ entry }) => entry.seq);
}

const writes = (body: DecisionBody, name: string): boolean => {
  const number = outputs.findIndex((output) => output.name === name);
  const written = body.writes instanceof Uint8Array ? [] : body.writes;
  return [...written, ...body.reasons].some(({ output }) => output === number);
};
const isFrom = (body: DecisionBody | null, controller: string): boolean =>
  body?.source.kind === "controller" && body.source.controller === controller;

describe("evidence query", () => {
  it("finds by type, and by several", async () => {
    const { seqs } = await query(log, "--type", "trip,lease", "--all", "--json");
    expect(seqs.length).toBeGreaterThan(10);
    expect(seqs).toEqual(
      expected(({ entry: { body } }) => body.type === "trip" || body.type === "lease"),
    );
  });

  it("finds by verdict the decisions, and the outcomes of those commands", async () => {
    const denied = await query(log, "--verdict", "deny", "--all", "--json");
    expect(denied.seqs).toEqual(expected((_found, permit) => permit?.verdict === "deny"));
    const clamped = await query(log, "--verdict", "clamp,hold", "--all", "--json");
    expect(clamped.seqs).toEqual(
      expected((_found, permit) => permit?.verdict === "clamp" || permit?.verdict === "hold"),
    );
  });

  it("finds the unknown outcomes of one controller's commands", async () => {
    const args = ["--controller", "ai", "--outcome", "unknown,crash-unknown"];
    const { seqs } = await query(log, ...args, "--all", "--json");
    expect(seqs.length).toBeGreaterThan(0);
    expect(seqs).toEqual(
      expected(
        ({ entry: { body } }, permit) =>
          body.type === "outcome" && body.outcome.includes("unknown") && isFrom(permit, "ai"),
      ),
    );
  });

  it("finds what a client asked that nobody knows", async () => {
    const stranger = entries.flatMap(({ entry: { body } }) =>
      body.type === "decision" && body.reasons.some(({ code }) => code === "identity")
        ? [body.source.kind === "controller" ? body.source.controller : ""]
        : [],
    )[0];
    expect(stranger).toMatch(/^#/);
    const { seqs } = await query(log, "--controller", stranger ?? "", "--all", "--json");
    expect(seqs).toEqual(expected((_found, permit) => isFrom(permit, stranger ?? "")));
  });

  it("finds decisions about an output by its name, and by its number", async () => {
    const number = outputs.findIndex(({ name }) => name === "load");
    const byName = await query(log, "--output", "load", "--type", "decision", "--all", "--json");
    expect(byName.seqs.length).toBeGreaterThan(10);
    expect(byName.seqs).toEqual(
      expected(
        ({ entry: { body } }, permit) =>
          body.type === "decision" && permit !== null && writes(permit, "load"),
      ),
    );
    const args = ["--output", `${number}`, "--type", "decision", "--all", "--json"];
    expect((await query(log, ...args)).seqs).toEqual(byName.seqs);
  });

  it("finds by reason and by rule", async () => {
    const reasoned = await query(log, "--reason", "ramp", "--type", "decision", "--all", "--json");
    expect(reasoned.seqs.length).toBeGreaterThan(0);
    expect(reasoned.seqs).toEqual(
      expected(
        ({ entry: { body } }) =>
          body.type === "decision" && body.reasons.some(({ code }) => code === "ramp"),
      ),
    );
    const rule = entries.flatMap(({ entry: { body } }) =>
      body.type === "trip" ? [body.rule] : [],
    )[0];
    const ruled = await query(log, "--rule", rule ?? "", "--type", "trip", "--all", "--json");
    expect(ruled.seqs).toEqual(
      expected(({ entry: { body } }) => body.type === "trip" && body.rule === rule),
    );
  });

  it("finds by wall time: from this time on, up to and without that one", async () => {
    const middle = Math.floor((entries[entries.length >> 1]?.stamp.utcUs ?? 0) / 1000);
    const [from, to] = [new Date(middle), new Date(middle + 5_000)];
    const zone = to.toISOString().replace("Z", "+00:00");
    const args = ["--from", from.toISOString(), "--to", zone, "--all", "--json"];
    const { seqs } = await query(log, ...args);
    expect(seqs.length).toBeGreaterThan(5);
    expect(seqs).toEqual(
      expected(
        ({ stamp }) => stamp.utcUs >= middle * 1000 && stamp.utcUs < (middle + 5_000) * 1000,
      ),
    );
  });

  it.each([
    ["one controller", ["--controller", "pilot"]],
    ["one output", ["--output", "speed"]],
    ["denials", ["--verdict", "deny"]],
    ["outcomes of permits", ["--verdict", "permit", "--type", "outcome"]],
    ["everything", []],
    ["nothing", ["--type", "anchor"]],
  ] as const)(
    "takes the newest or the oldest of all that match, whatever segments they are in: %s",
    async (_name, filter) => {
      const { seqs } = await query(log, ...filter, "--all", "--json");
      for (const limit of [1, 7, 100, 400, 10_000]) {
        const args = [...filter, "--limit", `${limit}`, "--json"];
        expect((await query(log, ...args)).seqs, `newest ${limit}`).toEqual(seqs.slice(-limit));
        const oldest = await query(log, ...args, "--oldest");
        expect(oldest.seqs, `oldest ${limit}`).toEqual(seqs.slice(0, limit));
      }
    },
  );

  it("finds the command of an outcome in the segment before", async () => {
    const begins = new Set(names.map((name) => Number(name.slice(8, 24))));
    const parted = entries.filter(({ entry: { seq, cause, body } }) =>
      [...begins].some(
        (begin) => body.type === "outcome" && cause !== null && cause < begin && seq >= begin,
      ),
    );
    expect(parted.length).toBeGreaterThan(0);
    const args = ["--verdict", "permit,clamp", "--type", "outcome", "--limit", "10000", "--json"];
    const { seqs } = await query(log, ...args);
    expect(seqs).toEqual(expect.arrayContaining(parted.map(({ entry }) => entry.seq)));
  });

  it("does not read segments that hold nothing newer", async () => {
    const { out } = await query(log, "--limit", "2");
    expect(out).toContain("2 of ");
    expect(out).toContain(`${names.length - 1} segments were not needed`);
  });

  it("prints lines in columns, oldest first, and says that it verifies nothing", async () => {
    const { out, err } = await query(log, "--limit", "30");
    const lines = out.trimEnd().split("\n");
    expect(lines).toHaveLength(31);
    const type = lines[0]?.search(/[a-z]/) ?? 0;
    for (const line of lines.slice(0, -1)) expect(line.slice(type)).toMatch(/^[a-z-]+ {2,}\S/);
    expect(lines.at(-1)).toContain("these are the newest 30, there may be more");
    expect(lines.at(-1)).toContain(
      `query reads and does not verify: holdpoint evidence verify ${log} does`,
    );
    expect(out).not.toContain("\u001B");
    expect(err).toBe("");
  });

  it("says so where nothing matches", async () => {
    const { out } = await query(log, "--type", "anchor");
    expect(out).toMatch(/^nothing matches in \d+ entries read; /);
  });

  it("gives programs the same names on every line, and its closing words elsewhere", async () => {
    const { out, err } = await query(log, "--limit", "3", "--json");
    for (const line of out.trimEnd().split("\n")) {
      const parsed: unknown = JSON.parse(line);
      expect(Object.keys(parsed ?? {})).toEqual([
        "seq",
        "utc",
        "type",
        "cause",
        "says",
        "monoUs",
        "stamp",
        "segment",
        "offset",
        "leafHash",
        "prev",
        "body",
      ]);
    }
    expect(err).toContain("query reads and does not verify");
  });
});

describe("evidence query of a log that is being written, or damaged", () => {
  it("leaves out what no commit covers yet, and says how much", async () => {
    const growing = join(folder, "growing");
    cpSync(log, growing, { recursive: true });
    const newest = join(growing, names.at(-1) ?? "");
    const before = await query(growing, "--limit", "5", "--json");
    const frames = new FrameWriter();
    const last = entries.at(-1);
    const bytes = readFileSync(join(log, last?.segment ?? ""));
    // The newest entry once more, whole and half: as a group looks while it is written.
    const start = last?.offset ?? 0;
    const length = bytes.subarray(start).indexOf(Buffer.from("d9d9f783", "hex"), 4);
    const whole = bytes.subarray(start, start + length);
    appendFileSync(newest, Buffer.concat([whole, whole.subarray(0, 40)]));
    const after = await query(growing, "--limit", "5", "--json");
    expect(after.seqs).toEqual(before.seqs);
    expect(after.err).toContain("1 newer entries are not committed yet");
    frames.put(16, new Uint8Array(34), sha256(Uint8Array.of(16, ...new Uint8Array(34))));
    writeFileSync(newest, Buffer.concat([readFileSync(join(log, names.at(-1) ?? "")), whole]));
    appendFileSync(newest, frames.bytes());
    expect((await query(growing, "--limit", "5", "--json")).seqs.at(-1)).toBe(last?.entry.seq);
  });

  it("passes over damage and says how many bytes", async () => {
    const damaged = join(folder, "damaged");
    cpSync(log, damaged, { recursive: true });
    const first = join(damaged, names[0] ?? "");
    const bytes = readFileSync(first);
    bytes.fill(0, 5_000, 5_010);
    writeFileSync(first, bytes);
    const { err, seqs } = await query(damaged, "--all", "--json");
    expect(seqs.length).toBeLessThan(entries.length);
    expect(err).toMatch(/\d+ bytes are no entry and were passed over/);
  });
});

describe("evidence query refuses", () => {
  it.each([
    [
      ["--verdict", "permitted"],
      /--verdict permitted: unknown; .*known: permit, clamp, deny, hold/,
    ],
    [["--type", "decison"], /did you mean decision\? known: decision, outcome,/],
    [["--outcome", "failed"], /known: done, acknowledged,/],
    [["--reason", "rampe"], /did you mean ramp\?/],
    [["--controller", "piloz"], /--controller piloz: unknown; did you mean pilot\?/],
    [["--output", "speeed"], /--output speeed: unknown; did you mean speed\? known: local, valve,/],
    [["--rule", "nonesuch"], /--rule nonesuch: unknown; known: /],
    [["--type", "trip,,lease"], /a name is empty/],
    [["--from", "yesterday"], /no time; write it as/],
    [["--from", "2026-02-30"], /no time/],
    [["--from", "2026-03-02", "--to", "2026-03-02"], /--from must be before --to/],
    [["--limit", "0"], /from 1 to 10000; --all has no limit/],
    [["--all", "--oldest"], /not both/],
  ] as const)("%j", async (args, text) => {
    await expect(query(log, ...args)).rejects.toThrow(text);
  });

  it("a directory without a log", async () => {
    await expect(query(folder)).rejects.toThrow(/no segment of a log/);
  });
});
