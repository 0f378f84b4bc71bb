import { generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { parsePlace, placeText } from "../../../../src/adapters/tpm/place.js";
import {
  countersOf,
  decodePlan,
  decodeRecord,
  encodePlan,
  encodeRecord,
  kindOf,
  type TpmRecord,
} from "../../../../src/adapters/tpm/record.js";
import {
  readPlan,
  readRecord,
  recordPath,
  removePlan,
  writePlan,
  writeRecord,
} from "../../../../src/adapters/tpm/record-file.js";
import { hexOf } from "../../../support/hex.js";

const auths = {
  evidence: new Uint8Array(32).fill(1),
  attestation: new Uint8Array(32).fill(2),
  checkpoint: new Uint8Array(32).fill(3),
  anchor: new Uint8Array(32).fill(4),
};

function spki(): Uint8Array {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return Uint8Array.from(publicKey.export({ type: "spki", format: "der" }));
}

const record: TpmRecord = {
  place: { kind: "socket", path: "/run/swtpm/sock" },
  kind: "tpm-software",
  chip: { manufacturer: "IBM", vendor: "SW   TPM", firmware: "2019102300163636" },
  rootName: new Uint8Array(34).fill(5),
  evidence: {
    key: { handle: 0x81010010, name: new Uint8Array(34).fill(6) },
    auth: auths.evidence,
    spki: spki(),
  },
  attestation: {
    key: { handle: 0x81010011, name: new Uint8Array(34).fill(7) },
    auth: auths.attestation,
    spki: spki(),
  },
  counters: countersOf(auths),
  firsts: { checkpoint: 1, anchor: 300 },
};

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-record-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

describe("the record of provisioned keys", () => {
  it("comes out as it went in, and in no other form", () => {
    const bytes = encodeRecord(record);
    expect(decodeRecord(bytes)).toEqual(record);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(decodeRecord(bytes.slice(0, length))).toBeNull();
    }
    expect(decodeRecord(Uint8Array.of(...bytes, 0))).toBeNull();
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = bytes.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const read = decodeRecord(changed);
      if (read !== null && placeText(read.place) !== placeText(record.place)) continue;
      if (read !== null) expect(hexOf(encodeRecord(read))).toBe(hexOf(changed));
    }
  });

  it("comes out with what a rotation has begun, and what it left, as they went in", () => {
    const { auth, key } = record.evidence;
    const other = { key: { handle: 0x81010012, name: new Uint8Array(34).fill(8) }, spki: spki() };
    const next = { ...other, auth, givenUp: false };
    for (const rotation of [
      { next, before: null },
      { next: { ...next, givenUp: true }, before: other },
      { next: null, before: other },
    ]) {
      const bytes = encodeRecord({ ...record, rotation });
      expect(decodeRecord(bytes)).toEqual({ ...record, rotation });
      for (let length = 0; length < bytes.length; length += 1) {
        expect(decodeRecord(bytes.slice(0, length))).toBeNull();
      }
    }
    // Nothing, and a key at the place of the one that signs, are no rotation.
    const same = { ...next, key };
    for (const rotation of [
      { next: null, before: null },
      { next: same, before: null },
      { next: null, before: same },
    ]) {
      expect(decodeRecord(encodeRecord({ ...record, rotation }))).toBeNull();
    }
  });

  it("is refused with other handles than the gateway's own", () => {
    const { evidence } = record;
    const key = { ...evidence.key, handle: 0x81010012 };
    expect(decodeRecord(encodeRecord({ ...record, evidence: { ...evidence, key } }))).toBeNull();
  });

  it("is a file for its owner alone, whole or not there", async () => {
    const folder = join(makeFolder(), "made", "on the way");
    expect(await readRecord(folder)).toEqual({ kind: "none" });
    await writeRecord(folder, record);
    expect(await readRecord(folder)).toEqual({ kind: "there", value: record });
    expect(statSync(recordPath(folder)).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    writeFileSync(`${recordPath(folder)}.tmp`, "left by a crash", { mode: 0o644 });
    await writeRecord(folder, record);
    expect(readdirSync(folder)).toEqual(["tpm-key.cbor"]);
    expect(statSync(recordPath(folder)).mode & 0o777).toBe(0o600);
  });

  it("is not used when others can read it, or when it is damaged", async () => {
    const folder = makeFolder();
    await writeRecord(folder, record);
    chmodSync(recordPath(folder), 0o640);
    const open = await readRecord(folder);
    expect(open.kind === "bad" && open.says).toContain("chmod 600");
    chmodSync(recordPath(folder), 0o600);
    for (const content of [Buffer.alloc(0), Buffer.alloc(5_000), encodePlan(auths)]) {
      writeFileSync(recordPath(folder), content);
      const read = await readRecord(folder);
      expect(read.kind === "bad" && read.says).toContain("is damaged");
    }
    rmSync(recordPath(folder));
    expect(await readRecord(join(recordPath(folder), "deeper"))).toEqual({ kind: "none" });
  });

  it("is planned in a file of its own, which goes when it is there", async () => {
    const folder = makeFolder();
    expect(decodePlan(encodePlan(auths))).toEqual(auths);
    expect(decodePlan(encodeRecord(record))).toBeNull();
    expect(await readPlan(folder)).toEqual({ kind: "none" });
    await writePlan(folder, auths);
    expect(await readPlan(folder)).toEqual({ kind: "there", value: auths });
    await removePlan(folder);
    await removePlan(folder);
    expect(await readPlan(folder)).toEqual({ kind: "none" });
  });
});

describe("a place of a TPM", () => {
  it.each([
    ["device:/dev/tpmrm0", { kind: "device", path: "/dev/tpmrm0" }],
    ["swtpm:/run/s.sock", { kind: "socket", path: "/run/s.sock" }],
    ["swtpm:127.0.0.1:2321", { kind: "tcp", host: "127.0.0.1", port: 2321 }],
    ["swtpm:[::1]:2321", { kind: "tcp", host: "::1", port: 2321 }],
  ])("is read and written: %s", (text, place) => {
    const read = parsePlace(text);
    expect(read).toEqual(place);
    expect(read === null ? null : placeText(read)).toBe(text);
  });

  it.each([
    ...["", "device:", "device:tpmrm0", "swtpm:", "swtpm:localhost", "swtpm:localhost:0"],
    ...[
      "swtpm:localhost:70000",
      "tcp:/x",
      "/dev/tpmrm0",
      "swtpm:/a\nb",
      `device:/${"x".repeat(600)}`,
    ],
  ])("is not guessed from %j", (text) => {
    expect(parsePlace(text)).toBeNull();
  });

  it("counts as hardware only as a device of a known maker of chips", () => {
    const device = { kind: "device", path: "/dev/tpmrm0" } as const;
    const chip = { manufacturer: "IFX", vendor: "SLB9672", firmware: "0" };
    expect(kindOf(device, chip)).toBe("tpm");
    expect(kindOf({ kind: "socket", path: "/s" }, chip)).toBe("tpm-software");
    expect(kindOf({ kind: "tcp", host: "::1", port: 1 }, chip)).toBe("tpm-software");
    for (const manufacturer of ["IBM", "MSFT", "GOOG", "AMZN", "", "ifx"]) {
      expect(kindOf(device, { ...chip, manufacturer })).toBe("tpm-software");
    }
    expect(kindOf(device, { ...chip, vendor: "SW   TPM" })).toBe("tpm-software");
  });
});
