import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { positionOf } from "../../../src/profile/diagnostic.js";
import { loadProfile } from "../../../src/profile/load.js";
import { loadSite } from "../../../src/profile/site.js";
import type { SiteLoad } from "../../../src/profile/site.js";
import { load, SOUND } from "./fixture.js";

const SITE = `site: north-7
gateway: gw-1
profile: ./profiles/tank.yaml
devices:
  plc: {tcp: 127.0.0.1:1510, unit: 1}
doors:
  modbus:
    listen:
      127.0.0.1:1502: {1: plc}
      127.0.0.1:1503: {1: plc}
    clients:
      127.0.0.1:1502: {127.0.0.1: ai}
      127.0.0.1:1503: {"*": people}
    own_unit: 247
evidence: {dir: ./evidence, commit_every: 2 ms}
`;

const profile = load(SOUND);
const model = profile.ok ? profile.model : null;

const said = (result: SiteLoad, text: string): string[] =>
  (result.ok ? result.warnings : result.diagnostics)
    .filter((diagnostic) => diagnostic.severity === (result.ok ? "warning" : "error"))
    .map((diagnostic) => {
      const { line, column } = positionOf(text, diagnostic.from);
      const marks = text.slice(diagnostic.from, diagnostic.to);
      return `${line}:${column} ${marks} | ${diagnostic.message} | ${diagnostic.hint ?? ""}`;
    });

describe("a site file", () => {
  it("names devices, listeners, clients and the evidence folder [HP-092 allows]", () => {
    const result = loadSite(SITE, "site.yaml", model);
    expect(result.rendered.filter((text) => text.startsWith("error"))).toEqual([]);
    expect(result.ok && result.site).toEqual({
      name: "north-7",
      gateway: "gw-1",
      profilePath: "./profiles/tank.yaml",
      devices: [{ name: "plc", host: "127.0.0.1", port: 1510, unit: 1 }],
      listeners: [
        {
          host: "127.0.0.1",
          port: 1502,
          units: new Map([[1, "plc"]]),
          clients: new Map([["127.0.0.1", "ai"]]),
        },
        {
          host: "127.0.0.1",
          port: 1503,
          units: new Map([[1, "plc"]]),
          clients: new Map([["*", "people"]]),
        },
      ],
      ownUnit: 247,
      evidence: {
        dir: "./evidence",
        commitEveryUs: 2000,
        keyPath: null,
        space: {
          reserveBytes: 64_000_000,
          highWaterPercent: 90,
          keepUs: null,
          whenFull: "stop",
          tbwBytes: null,
        },
        witness: null,
      },
      tpm: null,
    });
  });

  it("is shown by an example that fits the shipped profile", () => {
    const read = (name: string): string =>
      readFileSync(new URL(`../../../profiles/${name}`, import.meta.url), "utf8");
    const shipped = loadProfile(read("lift-station.yaml"), "lift-station.yaml", new Uint8Array(32));
    const result = loadSite(
      read("site.example.yaml"),
      "site.yaml",
      shipped.ok ? shipped.model : null,
    );
    expect(shipped.ok && result.ok ? [] : result.rendered).toEqual([]);
  });

  it("says how the disk under the log is kept", () => {
    const read = (keys: string): unknown => {
      const text = SITE.replace("commit_every: 2 ms", keys);
      const result = loadSite(text, "site.yaml");
      return result.ok ? result.site.evidence.space : said(result, text);
    };
    expect(
      read(
        "reserve: 128 MB, high_water: 85 %, retention: {keep: 400 d, when_full: drop-oldest}, storage: {tbw: 24 TB}",
      ),
    ).toEqual({
      reserveBytes: 128_000_000,
      highWaterPercent: 85,
      keepUs: 400 * 86_400_000_000,
      whenFull: "drop-oldest",
      tbwBytes: 24_000_000_000_000,
    });
    expect(read("retention: {keep: 90 d}")).toMatchObject({ whenFull: "stop" });
    expect(read("retention: {when_full: drop-oldest}")).toMatchObject({ keepUs: null });
    expect(read("reserve: 10 kB")).toEqual([
      "15:38 10 kB | too little for safe acts and a shutdown | 1 MB is the least",
    ]);
    expect(read("reserve: 1 TB")).toEqual([
      "15:38 1 TB | more than a reserve needs | 4 GB is the most",
    ]);
    expect(read("reserve: 64 MiB")).toEqual([
      "15:38 64 MiB | this is not a size | write it like  64 MB",
    ]);
    expect(read("high_water: 100 %")).toEqual([
      "15:41 100 % | permits must stop before the disk is full | from 10 % to 99 %",
    ]);
    expect(read("retention: {keep: 12 h}")).toEqual([
      "15:47 12 h | evidence would be gone within a day | 1 d is the least; 400 d is usual",
    ]);
    expect(read("retention: {}")).toEqual([
      "15:40 {} | retention says nothing | keep: 400 d, when_full: stop",
    ]);
    expect(read("retention: {when_full: drop}")).toHaveLength(1);
    expect(read("storage: {tbw: much}")).toHaveLength(1);
  });

  it("names a folder that checkpoints are left in for a witness, every hour unless it says otherwise", () => {
    const read = (keys: string): unknown => {
      const text = SITE.replace("commit_every: 2 ms", `commit_every: 2 ms, ${keys}`);
      const result = loadSite(text, "site.yaml");
      return result.ok ? result.site.evidence.witness : said(result, text);
    };
    expect(read("reserve: 64 MB")).toBeNull();
    expect(read("witness: {dir: ./away}")).toEqual({ dir: "./away", everyUs: 3_600_000_000 });
    expect(read("witness: {dir: ./away, every: 1 min}")).toMatchObject({ everyUs: 60_000_000 });
    expect(read("witness: {dir: ./away, every: 59 s}")).toEqual([
      "15:79 59 s | checkpoints are left every 1 min to 7 d | 1 h is the default",
    ]);
    expect(read("witness: {dir: ./away, every: 8 d}")).toHaveLength(1);
    expect(read("witness: {dir: evidence/}")).toEqual([
      "15:64 evidence/ | the witness would have the run of the evidence itself | a folder of its own:  witness: {dir: ./for-the-witness}",
    ]);
    expect(read("witness: {every: 1 h}")).toHaveLength(1);
  });

  it("takes numeric IPv6 addresses", () => {
    const text = SITE.replace("127.0.0.1:1510", '"[::1]:1510"');
    const result = loadSite(text, "site.yaml");
    expect(result.ok && result.site.devices[0]).toMatchObject({ host: "::1", port: 1510 });
  });

  it("says what it is not using yet", () => {
    const text = `${SITE}tpm: {device: /dev/tpmrm0}\nbinding: ./binding.yaml\n`;
    const result = loadSite(text, "site.yaml");
    expect(said(result, text)).toEqual([
      "11:5 clients | clients are told apart by address alone: UNSIGNED | until a signed binding exists, whoever can change this file can change who is who",
      "16:6 {device: /dev/tpmrm0} | no keys in a TPM are named: checkpoints are signed with a file key and say so | keys: FOLDER, as holdpoint key provision wrote it",
      "16:15 /dev/tpmrm0 | 'device' is not used here | the folder of the keys says where their TPM is: holdpoint key provision --tpm device:PATH",
      "17:10 ./binding.yaml | 'binding' is not used by this release | credentials are not checked yet: the gateway runs UNSIGNED",
    ]);
  });

  it("names the keys in a TPM, which are required unless it says otherwise", () => {
    const read = (tpm: string): unknown => {
      const result = loadSite(`${SITE}tpm: ${tpm}\n`, "site.yaml");
      if (result.ok) return result.site.tpm;
      const errors = result.diagnostics.filter(({ severity }) => severity === "error");
      return errors.map(({ message }) => message);
    };
    expect(read("{keys: ./key}")).toEqual({
      keysPath: "./key",
      need: "required",
      anchorEveryUs: 3_600_000_000,
      flashWrites: 100_000,
    });
    expect(read("{keys: ./key, need: preferred}")).toMatchObject({ need: "preferred" });
    expect(read("{need: preferred}")).toBeNull();
    expect(read("{need: required}")).toEqual(["a TPM is required, and no keys in one are named"]);
    expect(read("{keys: ./key, need: maybe}")).toHaveLength(1);
    expect(read("{key: ./key}")).toHaveLength(1);
    expect(read("yes")).toHaveLength(1);
  });

  it("anchors as often as the TPM's flash endures for 10 years, and no more often [HP-151]", () => {
    const read = (tpm: string): unknown => {
      const text = `${SITE}tpm: {keys: ./key, ${tpm}}\n`;
      const result = loadSite(text, "site.yaml");
      return result.ok ? result.site.tpm?.anchorEveryUs : said(result, text);
    };
    expect(read("anchor_every: 57 min")).toBe(57 * 60 * 1_000_000);
    expect(read("anchor_every: 15 min, flash_writes: 400000")).toBe(15 * 60 * 1_000_000);
    expect(read("anchor_every: 15 min")).toEqual([
      "16:34 15 min | the TPM's flash would be worn out in 2.8 years: 100000 writes | at least 10 years: anchor less often, or say what its maker promises in flash_writes:",
    ]);
    expect(read("flash_writes: 50000")).toEqual([
      "16:34 50000 | the TPM's flash would be worn out in 5.3 years: 50000 writes | at least 10 years: anchor less often, or say what its maker promises in flash_writes:",
    ]);
    for (const [written, at] of [
      ["14 min", "14 min"],
      ["8 d", "8 d"],
    ] as const) {
      expect(read(`anchor_every: ${written}`)).toEqual([
        `16:34 ${at} | anchors come every 15 min to 7 d | 1 h is the default`,
      ]);
    }
    expect(read("anchor_every: soon")).toHaveLength(1);
    expect(read("flash_writes: 0")).toHaveLength(1);
  });

  it.each([
    [
      "an unknown key",
      "gateway: gw-1",
      "gatway: gw-1",
      [
        "1:1 s | 'gateway' is missing | there is no default",
        "2:1 gatway | 'gatway' is not a setting here | did you mean gateway?",
      ],
    ],
    [
      "a key that would widen authority",
      "evidence:",
      "observe: pass\nevidence:",
      [
        "15:1 observe | 'observe' is not a setting here | known here: site, gateway, profile, devices, doors, evidence, binding, tpm, console, time",
      ],
    ],
    [
      "a name for an address",
      "tcp: 127.0.0.1:1510",
      "tcp: plc.local:1510",
      [
        "5:14 plc.local:1510 | this is not a numeric address with a port | write it like  192.168.10.5:502 (names would need a name server)",
      ],
    ],
    [
      "a serial line",
      "{tcp: 127.0.0.1:1510, unit: 1}",
      "{serial: ttyS1, baud: 19200, parity: even, unit: 1}",
      [
        "5:17 ttyS1 | serial lines are not part of this release | reach it over TCP:  {tcp: 192.168.10.5:502, unit: 1}",
      ],
    ],
    [
      "a port that does not exist",
      "127.0.0.1:1510",
      "127.0.0.1:70000",
      ["5:14 127.0.0.1:70000 | ports are numbered 1 to 65535 | 502 is Modbus"],
    ],
    [
      "a unit of an unknown device",
      "1503: {1: plc}",
      "1503: {1: plx}",
      ["10:27 plx | no device is called 'plx' | did you mean plc?"],
    ],
    [
      "a unit that is the gateway's own",
      "1503: {1: plc}",
      "1503: {247: plc}",
      ["10:24 247 | unit 247 is the gateway's own | choose another own_unit:"],
    ],
    [
      "clients of a listener that is not there",
      '1503: {"*": people}',
      '1504: {"*": people}',
      ["13:7 127.0.0.1:1504 | nothing listens on 127.0.0.1:1504 | did you mean 127.0.0.1:1502?"],
    ],
    [
      "a controller the profile does not have",
      "{127.0.0.1: ai}",
      "{127.0.0.1: ia}",
      ["12:35 ia | the profile has no controller 'ia' | known here: ai, people"],
    ],
    [
      "a device the profile does not have",
      "  plc: {tcp",
      "  plc2: {tcp: 127.0.0.1:1, unit: 1}\n  plc: {tcp",
      ["5:3 plc2 | the profile has no device 'plc2' | did you mean plc?"],
    ],
    [
      "two devices at one address",
      "  plc: {tcp",
      "  plb: {tcp: 127.0.0.1:1510, unit: 1}\n  plc: {tcp",
      [
        "5:3 plb | the profile has no device 'plb' | did you mean plc?",
        "6:14 127.0.0.1:1510 | plb has the same address and unit | each would see the other's writes as foreign",
      ],
    ],
    [
      "an own unit the leases do not beat",
      "own_unit: 247",
      "own_unit: 248",
      ["14:15 248 | ai could never keep its lease | the profile beats unit 247"],
    ],
    [
      "a wait that makes permits stale",
      "commit_every: 2 ms",
      "commit_every: 2 s",
      ["15:43 2 s | permits would grow stale while they wait | 20 ms is the longest"],
    ],
    [
      "a duplicate listener",
      "127.0.0.1:1503: {1: plc}",
      "127.0.0.1:1502: {1: plc}",
      [
        "10:7 127.0.0.1:1502 | '127.0.0.1:1502' is written twice | it stands in line 9 already; keep one",
        "13:7 127.0.0.1:1503 | nothing listens on 127.0.0.1:1503 | did you mean 127.0.0.1:1502?",
      ],
    ],
    [
      "an anchor",
      "gateway: gw-1",
      "gateway: &name gw-1",
      [
        "2:10 &name | anchors (&name) are not allowed here | write the value out; a reviewer must see what is signed",
      ],
    ],
    [
      "a merge key",
      "evidence:",
      "<<: {}\nevidence:",
      [
        "15:1 << | merge keys (<<) are not allowed here | write the settings out; a reviewer must see what is signed",
      ],
    ],
    [
      "a YAML tag",
      "gateway: gw-1",
      "gateway: !!str gw-1",
      [
        "2:10 !!str | YAML tags (!name) are not allowed here | a value is what it looks like; write NOT for a negation",
      ],
    ],
  ])("refuses %s, with its place and a hint [HP-092 refuses]", (_, was, is, says) => {
    expect(SITE).toContain(was);
    const text = SITE.replace(was, () => is);
    expect(said(loadSite(text, "site.yaml", model), text)).toEqual(says);
  });

  it("lets nobody and everybody be a controller on loopback only", () => {
    const text = SITE.replaceAll("127.0.0.1:1503", "10.0.0.2:1503");
    expect(said(loadSite(text, "site.yaml"), text)).toEqual([
      '13:23 "*" | anybody who reaches this port would be a controller | name the source addresses; any is for loopback listeners only',
    ]);
  });

  it("warns when no client is known at all", () => {
    const text = SITE.replace(/ {4}clients:\n.*\n.*\n/, "");
    const result = loadSite(text, "site.yaml");
    expect(said(result, text)[0]).toContain("no client is known: every write will be refused");
  });
});
