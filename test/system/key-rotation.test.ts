import { execFile } from "node:child_process";
import { createPublicKey } from "node:crypto";
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { makeEvidenceKey } from "../../src/adapters/tpm/keys.js";
import { otherPlace, type TpmRecord } from "../../src/adapters/tpm/record.js";
import {
  readRecord,
  recordPath,
  writeNextPlan,
  writeRecord,
} from "../../src/adapters/tpm/record-file.js";
import { openSocketChannel } from "../../src/adapters/tpm/socket-channel.js";
import { TPM_OBJECTS } from "../../src/codec/tpm2/public-area.js";
import { listSegments, readEntries, readSegment } from "../../src/cli/evidence-files.js";
import type { Entry } from "../../src/kernel/record/entry.js";
import { holdpoint, type Ran } from "../support/built-command.js";
import { untilDone, writePdu } from "../support/byte-client.js";
import {
  eventually,
  launch,
  makeSite,
  runCli,
  startPlant,
  startSite,
  type LiveSite,
} from "../support/live-gateway.js";
import { runPython } from "../support/proof-bundle.js";
import { startProvisioned, testFolder, type ProvisionedTpm } from "../support/tpm-process.js";
import { NO_AUTH, openTestTpm, valueOf } from "../support/tpm-rig.js";

const run = promisify(execFile);

describe("holdpoint key rotate", () => {
  it("has the gateway's next start hand over: old key, entry, new key, which both verifiers and tpm2-tools confirm; an older record locks it out [HP-192 allows] [HP-192 refuses]", async () => {
    const { site, tpm } = await startRotatingSite();
    const folder = testFolder();
    const file = (name: string): string => join(folder, name);
    await oneRun(site, 1);
    const old = await recordOf(tpm);
    const oldPem = pemFile(old, file("old.pem"));
    await attest(tpm, file("old-key.cbor"));
    await exportOne(site, { seq: 1, out: file("before.cbor"), key: file("old-key.cbor") });

    const rotated = await key("rotate", tpm.directory);
    expect(rotated).toMatchObject({ code: 0, err: "" });
    expect(rotated.out).toContain("a new key was made in the TPM, and tried");
    expect(rotated.out).toMatch(
      /^next key +[0-9a-f]{64} at 0x81010012, when the gateway is started/m,
    );
    expect((await recordOf(tpm)).evidence).toEqual(old.evidence);
    const again = await key("rotate", tpm.directory, "--json");
    expect(JSON.parse(again.out)).toMatchObject({
      made: false,
      rotation: { step: "waits", handle: "0x81010012", givenUp: false },
      usable: true,
    });

    const kept = file("kept");
    copyFileSync(recordPath(tpm.directory), kept);
    await oneRun(site, 2);
    const fresh = await recordOf(tpm);
    expect(fresh.evidence.key.handle).toBe(0x81010012);
    expect(fresh.evidence.spki).not.toEqual(old.evidence.spki);
    // Its value is forgotten: nothing in the folder opens the old key any more.
    const forgotten = Buffer.from(old.evidence.auth).toString("hex");
    expect(readFileSync(recordPath(tpm.directory)).toString("hex")).not.toContain(forgotten);
    expect(await keyEvents(site)).toEqual(["made", "rotated"]);
    for (const trust of [[], ["--trust", oldPem]]) {
      const verified = await runCli([
        "evidence",
        "verify",
        site.evidence,
        "--replay",
        "--json",
        ...trust,
      ]);
      expect(JSON.parse(verified.output)).toMatchObject({ ok: true, uncovered: 0 });
      expect(statusIn(verified.output, "keys")).toBe("PASS");
    }
    const byNew = ["--trust", pemFile(fresh, file("new.pem"))];
    expect((await runCli(["evidence", "verify", site.evidence, ...byNew])).code).toBe(1);

    const stale = await key("status", tpm.directory);
    expect(stale.out).toMatch(/^attested +NO: key-bundle.cbor: it is of another key/m);
    expect(stale.out).toMatch(
      /^key before +[0-9a-f]{64} at 0x81010010; it cannot be used any more$/m,
    );
    await attest(tpm, file("new-key.cbor"));
    const seq = await newestDecision(site);
    await exportOne(site, { seq, out: file("after.cbor"), key: file("new-key.cbor") });
    for (const [name, pem] of [
      ["before", oldPem],
      ["after", file("new.pem")],
    ] as const) {
      const bundle = file(`${name}.cbor`);
      expect((await runCli(["evidence", "verify", bundle, "--trust", pem])).code).toBe(0);
      const python = runPython([file(`${name}.verify.py`), bundle, "--trust", pem]);
      expect([python.code, python.lines.filter((line) => line.startsWith("FAIL"))]).toEqual([
        0,
        [],
      ]);
    }
    expect((await runCli(["evidence", "verify", file("after.cbor"), "--trust", oldPem])).code).toBe(
      1,
    );
    for (const handle of ["0x81010010", "0x81010012"]) {
      const { stdout } = await run("tpm2_readpublic", ["-T", tpm.chip.tcti, "-c", handle]);
      expect(stdout).toMatch(/raw: 0x40472$/m);
      expect(stdout).toMatch(/value: NIST p256/);
    }
    // A record from before the new key took over, which only somebody can have put there.
    copyFileSync(kept, recordPath(tpm.directory));
    const said = await startLocked(site);
    expect(said).toContain("the newest checkpoint of a TPM is of another key");
  }, 120_000);

  it("goes on where a call that was cut short ended, at each of its steps [HP-194]", async () => {
    const { tpm } = await startRotatingSite();
    const auth = new Uint8Array(32).fill(7);
    const record = await recordOf(tpm);
    const step = async (): Promise<unknown> => {
      const done = await key("rotate", tpm.directory, "--json");
      expect(done).toMatchObject({ code: 0, err: "" });
      expect(readdirSync(tpm.directory)).toEqual(["tpm-key.cbor"]);
      return JSON.parse(done.out);
    };
    // Its value written down, the key not made; then made, and not recorded.
    await writeNextPlan(tpm.directory, auth);
    expect(await step()).toMatchObject({ made: true });
    const made = (await recordOf(tpm)).rotation?.next;
    expect(made?.auth).toEqual(auth);
    await writeRecord(tpm.directory, record);
    await writeNextPlan(tpm.directory, auth);
    expect(await step()).toMatchObject({ made: true });
    expect((await recordOf(tpm)).rotation?.next).toEqual(made);
    // Recorded, and what was written down first not removed; half a record beside it.
    await writeNextPlan(tpm.directory, auth);
    writeFileSync(`${recordPath(tpm.directory)}.tmp`, "half");
    const waits = await key("rotate", tpm.directory, "--json");
    expect(JSON.parse(waits.out)).toMatchObject({ made: false });
    expect((await recordOf(tpm)).rotation?.next).toEqual(made);
  }, 120_000);

  it("takes turns between two places, and goes on where the key left there was removed and no other made yet [HP-194]", async () => {
    const { site, tpm } = await startRotatingSite();
    await key("rotate", tpm.directory);
    await oneRun(site, 1);
    const { evidence, rotation } = await recordOf(tpm);
    const done = await key("rotate", tpm.directory, "--json");
    expect(JSON.parse(done.out)).toMatchObject({ made: true, rotation: { handle: "0x81010010" } });
    const third = (await recordOf(tpm)).rotation;
    expect(third?.next?.key.name).not.toEqual(rotation?.before?.key.name);
    await run("tpm2_evictcontrol", ["-Q", "-T", tpm.chip.tcti, "-C", "o", "-c", "0x81010010"]);
    await writeRecord(tpm.directory, {
      ...(await recordOf(tpm)),
      evidence,
      ...(rotation === undefined ? {} : { rotation }),
    });
    expect((await key("rotate", tpm.directory)).code).toBe(0);
    await oneRun(site, 2);
    expect(await keyEvents(site)).toEqual(["made", "rotated", "rotated"]);
    expect((await runCli(["evidence", "verify", site.evidence])).code).toBe(0);
  }, 120_000);

  it("goes on where the gateway was killed between the entry that names the key and its signature [HP-194]", async () => {
    const { site, tpm } = await startRotatingSite("preferred");
    await oneRun(site, 1);
    const first = pemFile(await recordOf(tpm), join(testFolder(), "first.pem"));
    await key("rotate", tpm.directory);
    tpm.chip.freeze();
    const gateway = await startSite(site);
    await untilDone(gateway.port, writePdu(41, 2));
    process.kill(await gateway.guardPid(), "SIGKILL");
    gateway.launcher.kill("SIGKILL");
    await gateway.ended;
    tpm.chip.thaw();
    expect((await recordOf(tpm)).rotation?.next).not.toBeNull();
    await oneRun(site, 3);
    expect((await recordOf(tpm)).rotation?.next).toBeNull();
    const events = await keyEvents(site);
    expect(events.filter((event) => event === "rotated")).toHaveLength(2);
    const verified = await runCli([
      "evidence",
      "verify",
      site.evidence,
      "--replay",
      "--trust",
      first,
    ]);
    expect(verified.code).toBe(0);
  }, 120_000);

  it("gives up a key that is gone by a person's word alone, and nobody vouches for the new one [HP-193 allows] [HP-193 refuses]", async () => {
    const { site, tpm } = await startRotatingSite();
    await oneRun(site, 1);
    const first = pemFile(await recordOf(tpm), join(testFolder(), "first.pem"));
    await run("tpm2_evictcontrol", ["-Q", "-T", tpm.chip.tcti, "-C", "o", "-c", "0x81010010"]);
    const refused = await key("rotate", tpm.directory);
    expect(refused).toMatchObject({ code: 1, out: "" });
    expect(refused.err).toMatch(/^no key is at 0x81010010 any more; .*give it up with --lost\n$/);
    expect(readdirSync(tpm.directory)).toEqual(["tpm-key.cbor"]);
    const given = await key("rotate", tpm.directory, "--lost");
    expect(given).toMatchObject({ code: 0, err: "" });
    expect(given.out).toContain("nobody vouches for it");
    await oneRun(site, 2);
    expect(await keyEvents(site)).toEqual(["made", "lost", "made"]);
    const plain = await runCli(["evidence", "verify", site.evidence, "--replay", "--json"]);
    expect(JSON.parse(plain.output)).toMatchObject({ ok: true });
    expect(statusIn(plain.output, "keys")).toBe("NOT PRESENT");
    expect(plain.output).toContain("nobody vouches for the key that entry");
    expect((await runCli(["evidence", "verify", site.evidence, "--trust", first])).code).toBe(1);
  }, 120_000);

  it("makes another where the one that waits is gone, and over what a rotation that came to its end left behind [HP-194]", async () => {
    const { site, tpm } = await startRotatingSite();
    await key("rotate", tpm.directory);
    await run("tpm2_evictcontrol", ["-Q", "-T", tpm.chip.tcti, "-C", "o", "-c", "0x81010012"]);
    // The key that signs is whole: it goes on.
    await oneRun(site, 1);
    expect(await keyEvents(site)).toEqual(["made", "rotated"]);
    const again = await key("rotate", tpm.directory, "--json");
    expect(JSON.parse(again.out)).toMatchObject({ made: true, usable: true });
    await oneRun(site, 2);
    const { evidence, rotation } = await recordOf(tpm);
    expect([evidence.key.handle, rotation?.next]).toEqual([0x81010012, null]);
    await writeNextPlan(tpm.directory, evidence.auth);
    const third = await key("rotate", tpm.directory, "--json");
    expect(JSON.parse(third.out)).toMatchObject({ made: true, rotation: { handle: "0x81010010" } });
    expect((await runCli(["evidence", "verify", site.evidence])).code).toBe(0);
  }, 120_000);

  it("hands nothing over in an older copy of the log, which could not be vouched for in the right one then [HP-194]", async () => {
    const { site, tpm } = await startRotatingSite();
    const folder = testFolder();
    const [older, right] = [join(folder, "older"), join(folder, "right")];
    await oneRun(site, 1);
    cpSync(site.evidence, older, { recursive: true });
    await oneRun(site, 2);
    await key("rotate", tpm.directory);
    renameSync(site.evidence, right);
    renameSync(older, site.evidence);
    await startLocked(site);
    expect((await recordOf(tpm)).rotation?.next).not.toBeNull();
    expect(await keyEvents(site)).toEqual(["made"]);
    rmSync(site.evidence, { recursive: true });
    renameSync(right, site.evidence);
    // That run raised the counter: a person says that this log is the one to go on with.
    await startLocked(site, async () => {
      const accept = ["accept-log", "--site", site.siteFile, "--why", "the right one again"];
      expect(await runCli(accept)).toMatchObject({ code: 0 });
    });
    const last = launch(site);
    await eventually(
      () => `the new key takes over; it said ${last.output()}`,
      async () => ((await recordOf(tpm)).rotation?.next === null ? true : null),
    );
    expect(await last.stop()).toMatchObject({ code: 0 });
    expect(await keyEvents(site)).toEqual(["made", "rotated"]);
  }, 120_000);

  it("makes nothing over a key that the folder has no record of, and nothing without a record", async () => {
    const { tpm } = await startRotatingSite();
    const bare = openTestTpm(
      openSocketChannel({ path: tpm.chip.path }, 30_000),
      tpm.record.rootName,
    );
    const kind = TPM_OBJECTS[otherPlace(tpm.record.evidence)];
    valueOf(await makeEvidenceKey(bare, new Uint8Array(32).fill(3), NO_AUTH, kind));
    bare.close();
    const refused = await key("rotate", tpm.directory);
    expect(refused).toMatchObject({ code: 1, out: "" });
    expect(refused.err).toMatch(/^a key is at 0x81010012 already, and .* has no record of it\n$/);
    // With a value of ours, but not that key's.
    await writeNextPlan(tpm.directory, new Uint8Array(32).fill(4));
    expect((await key("rotate", tpm.directory)).code).toBe(1);
    expect((await recordOf(tpm)).rotation).toBeUndefined();
    const none = await key("rotate", testFolder());
    expect(none).toMatchObject({ code: 1, out: "" });
    expect(none.err).toMatch(/^there is no .*: holdpoint key provision makes it\n$/);
  }, 120_000);
});

async function key(...args: readonly string[]): Promise<Ran> {
  return await holdpoint("key", ...args);
}

type Rig = { readonly site: LiveSite; readonly tpm: ProvisionedTpm };

async function startRotatingSite(need: "required" | "preferred" = "required"): Promise<Rig> {
  const tpm = await startProvisioned();
  const plant = await startPlant();
  const site = await makeSite(plant.port);
  appendFileSync(site.siteFile, `tpm: {keys: ${tpm.directory}, need: ${need}}\n`);
  return { site, tpm };
}

/** A command, and an orderly end. */
async function oneRun(site: LiveSite, value: number): Promise<void> {
  const gateway = await startSite(site);
  await untilDone(gateway.port, writePdu(41, value));
  expect(await gateway.stop()).toMatchObject({ code: 0 });
}

/** All that it said until it was locked out, and `then` was done. */
async function startLocked(
  site: LiveSite,
  then: () => Promise<void> = async () => Promise.resolve(),
): Promise<string> {
  const gateway = launch(site);
  await eventually(
    () => `it is locked out; it said ${gateway.output()}`,
    async () => {
      const status = await gateway.status().catch(() => null);
      return status?.mode === "locked-out" ? true : null;
    },
  );
  await then();
  await gateway.stop();
  return gateway.output();
}

async function recordOf({ directory }: ProvisionedTpm): Promise<TpmRecord> {
  const found = await readRecord(directory);
  if (found.kind !== "there") throw new Error(`no record in ${directory}`);
  return found.value;
}

function pemFile({ evidence }: TpmRecord, path: string): string {
  const spki = Buffer.from(evidence.spki);
  const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });
  writeFileSync(path, publicKey.export({ type: "spki", format: "pem" }));
  return path;
}

async function attest({ directory }: ProvisionedTpm, out: string): Promise<void> {
  expect(await key("attest", directory, "--out", out)).toMatchObject({ code: 0, err: "" });
}

async function exportOne(
  site: LiveSite,
  of: { readonly seq: number; readonly out: string; readonly key: string },
): Promise<void> {
  const args = ["--seq", String(of.seq), "--out", of.out, "--key-bundle", of.key];
  const done = await runCli(["evidence", "export", site.evidence, ...args]);
  expect(done).toMatchObject({ code: 0 });
}

async function entriesOf({ evidence }: LiveSite): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for (const name of await listSegments(evidence)) {
    for (const { entry } of readEntries(name, await readSegment(evidence, name)))
      entries.push(entry);
  }
  return entries;
}

async function keyEvents(site: LiveSite): Promise<readonly string[]> {
  return (await entriesOf(site)).flatMap(({ body }) => (body.type === "key" ? [body.event] : []));
}

async function newestDecision(site: LiveSite): Promise<number> {
  const decisions = (await entriesOf(site)).filter(({ body }) => body.type === "decision");
  return decisions.at(-1)?.seq ?? -1;
}

function statusIn(json: string, check: string): string {
  const found = new RegExp(`"id": ?"${check}",\\s*"label": ?"[^"]*",\\s*"status": ?"([^"]*)"`).exec(
    json,
  );
  return found?.[1] ?? "no such check";
}
