import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEvidenceDisk } from "../../../src/adapters/evidence-file/evidence-disk.js";
import { openFileSigner } from "../../../src/adapters/signer-file/file-signer.js";
import { addEvidenceCommands } from "../../../src/cli/evidence-commands.js";
import { Refusal } from "../../../src/cli/output.js";
import { CHECKS } from "../../../src/evidence/findings.js";
import { openEvidence } from "../../../src/guard/evidence/open.js";
import { StillClock, sampleLog, settle } from "../../support/evidence-rig.js";
import { bytes, entryOf } from "../../support/evidence-samples.js";

const folder = mkdtempSync(join(tmpdir(), "holdpoint-cli-"));
const log = join(folder, "log");
const segment = join(log, "segment-0000000000000000.cborseq");
const publicKey = join(folder, "key.der");

beforeAll(async () => {
  const signer = await openFileSigner(join(folder, "key.pem"));
  writeFileSync(publicKey, signer.spki);
  const { store } = await openEvidence({
    disk: await openEvidenceDisk(log),
    clock: new StillClock(),
    signer,
    gateway: "gw-cli",
    bootId: bytes(16, 4),
    visitor: { snapshot: () => undefined, entry: () => undefined },
    rotate: () => undefined,
    report: () => undefined,
  });
  for (const entry of sampleLog(0, 20)) {
    store.append(
      entry.seq === 1 ? entryOf({ type: "key", event: "made", spki: signer.spki }, 1) : entry,
    );
    if (entry.seq % 5 === 0) await settle(5);
  }
  await store.close();
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function run(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let [code, out, err] = [-1, "", ""];
  const program = new Command().exitOverride().configureOutput({
    writeOut: (text) => (out += text),
    writeErr: (text) => (err += text),
  });
  const stop = new AbortController();
  addEvidenceCommands(program, {
    verifier: "none",
    streams: {
      out: {
        write: (text) => {
          out += text;
        },
      },
      err: {
        write: (text) => {
          err += text;
        },
      },
    },
    stop: stop.signal,
    exit: (given) => {
      code = given;
    },
  });
  await program.parseAsync(["evidence", ...args], { from: "user" });
  return { code, out, err };
}

describe("evidence verify", () => {
  it("prints a line for every check, says the key is software, and exits 0 [HP-073 allows]", async () => {
    const { code, out } = await run("verify", log);
    expect(code).toBe(0);
    const lines = out.split("\n");
    expect(lines.filter((line) => /^(PASS|FAIL|NOT PRESENT) {2,}/.test(line))).toHaveLength(
      CHECKS.length,
    );
    expect(out).toContain("key: software, not hardware");
    expect(out).toContain("keys: taken from the log itself");
    expect(lines.at(-2)).toBe("PASS");
  });

  it("trusts only the key it is given", async () => {
    expect((await run("verify", log, "--trust", publicKey)).code).toBe(0);
    const other = join(folder, "other.pem");
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    writeFileSync(other, pair.publicKey.export({ type: "spki", format: "pem" }));
    const { code, out } = await run("verify", log, "--trust", other);
    expect(code).toBe(1);
    expect(out).toContain("it is not a trusted key");
  });

  it("names the first place of a fault, and exits 1", async () => {
    const changed = join(folder, "changed");
    const content = readFileSync(segment);
    content[1000] = (content[1000] ?? 0) ^ 1;
    const name = "segment-0000000000000000.cborseq";
    const { mkdirSync } = await import("node:fs");
    mkdirSync(changed);
    writeFileSync(join(changed, name), content);
    const { code, out } = await run("verify", changed);
    expect(code).toBe(1);
    expect(out).toMatch(/FAIL {2,}every byte belongs to a whole frame/);
    expect(out).toMatch(new RegExp(`${name}, byte \\d+, seq \\d+: \\d+ bytes that are no frame`));
    const asJson: unknown = JSON.parse((await run("verify", changed, "--json")).out);
    expect(asJson).toMatchObject({ ok: false, segments: 1 });
  });

  it("says with --replay what cannot be replayed, and fails where the profile is missing", async () => {
    const { code, out } = await run("verify", log, "--replay");
    expect(code).toBe(1);
    expect(out).toContain("is not in the log");
  });

  it.each([
    ["a directory without a log", ["verify", folder], /no segment of a log/],
    ["no directory", ["verify", join(folder, "none")], /no such directory/],
    ["no key file", ["verify", log, "--trust", join(folder, "none")], /no such file/],
    ["a key that is none", ["verify", log, "--trust", segment], /not a public key/],
    ["a profile that is none", ["verify", log, "--profile", segment], /cannot be loaded/],
  ] as const)("refuses %s", async (_name, args, text) => {
    const refused = run(...args);
    await expect(refused).rejects.toThrow(text);
    await expect(refused).rejects.toMatchObject({ exitCode: 2 });
    await expect(refused).rejects.toBeInstanceOf(Refusal);
  });
});

describe("evidence tail and show", () => {
  it("print the newest entries, a line each", async () => {
    const { code, out } = await run("tail", log, "-n", "3");
    expect(code).toBe(0);
    expect(out.trimEnd().split("\n")).toHaveLength(3);
    expect(out).toMatch(/^17 .*outcome .*done/);
  });

  it("print one entry with everything in it, bytes as hex", async () => {
    const { out } = await run("show", log, "2");
    expect(out).toContain("PERMIT ai: output 4 = 3000");
    const shown: unknown = JSON.parse(out.slice(out.indexOf("\n")));
    expect(shown).toMatchObject({ seq: 2, segment: "segment-0000000000000000.cborseq" });
    expect(out).toContain(`"id": "${"00".repeat(16)}"`);
  });

  it("refuse a number the log does not have, and one that is none", async () => {
    await expect(run("show", log, "99")).rejects.toThrow(/no entry 99/);
    await expect(run("show", log, "x")).rejects.toThrow(/whole number/);
  });

  it("leave the log as it is", () => {
    expect(readdirSync(log)).toEqual(["segment-0000000000000000.cborseq"]);
  });
});
