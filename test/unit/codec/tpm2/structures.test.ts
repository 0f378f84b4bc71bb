import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseAttest } from "../../../../src/codec/tpm2/attest.js";
import { encodeCommand } from "../../../../src/codec/tpm2/command.js";
import { flushContext } from "../../../../src/codec/tpm2/flush-context.js";
import { entityOf, nameOf } from "../../../../src/codec/tpm2/name.js";
import { nvReadPublic } from "../../../../src/codec/tpm2/nv.js";
import { encodeNvPublic, isNvCounter } from "../../../../src/codec/tpm2/nv-public.js";
import { NV_WRITTEN, nvCounter, takeNvPublic } from "../../../../src/codec/tpm2/nv-public.js";
import { encodePublic, parsePublic } from "../../../../src/codec/tpm2/public-area.js";
import { templateOf, TPM_OBJECTS } from "../../../../src/codec/tpm2/public-area.js";
import { quote } from "../../../../src/codec/tpm2/quote.js";
import { parseWhole, TpmReader } from "../../../../src/codec/tpm2/reader.js";
import { responseCodeOf } from "../../../../src/codec/tpm2/response-code.js";
import { sign } from "../../../../src/codec/tpm2/sign.js";
import { takeSignature } from "../../../../src/codec/tpm2/signature.js";
import { TpmWriter } from "../../../../src/codec/tpm2/writer.js";
import { bytesOf, hexOf } from "../../../support/hex.js";
import { recordedParameters } from "../../../support/tpm-samples.js";

const sha256 = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();

describe("TPMT_PUBLIC", () => {
  it("has exactly the attributes of the three objects, each at its handle", () => {
    const { storageRoot, evidenceKey, attestationKey } = TPM_OBJECTS;
    expect(storageRoot).toEqual({ handle: 0x81000001, use: "storage", attributes: 0x00030472 });
    expect(evidenceKey).toEqual({ handle: 0x81010010, use: "signing", attributes: 0x00040472 });
    expect(attestationKey).toEqual({ handle: 0x81010011, use: "signing", attributes: 0x00050472 });
  });

  it.each(Object.values(TPM_OBJECTS))("of the object at $handle goes round", (kind) => {
    const area = { ...templateOf(kind, new Uint8Array(32).fill(7)), y: new Uint8Array(32).fill(9) };
    expect(parsePublic(encodePublic(area))).toEqual({ ok: true, value: area });
  });

  it("of the storage root is the TCG template, byte for byte", () => {
    const template = templateOf(TPM_OBJECTS.storageRoot, new Uint8Array(32));
    expect(hexOf(encodePublic(template))).toBe(
      `0023000b000304720000000600800043001000030010${"0020".padEnd(68, "0")}${"0020".padEnd(68, "0")}`,
    );
  });

  it("gives coordinates their leading zeros back, and refuses 33 bytes and none", () => {
    const area = templateOf(TPM_OBJECTS.evidenceKey, Uint8Array.of(5));
    const short = parsePublic(encodePublic({ ...area, y: Uint8Array.of(6) }));
    expect(short).toMatchObject({ ok: true });
    if (short.ok) expect(hexOf(short.value.x)).toBe("05".padStart(64, "0"));
    for (const y of [new Uint8Array(33), new Uint8Array(0)]) {
      expect(parsePublic(encodePublic({ ...area, y }))).toMatchObject({
        ok: false,
        fault: { code: "size" },
      });
    }
  });

  it("has a Name: the algorithm, then the digest of the area [Part 1, 16]", () => {
    const reader = new TpmReader(recordedParameters("TPM2_ReadPublic"));
    const area = reader.sized(1024);
    expect(nameOf(area, sha256)).toEqual(reader.sized(34));
    expect(hexOf(entityOf(0x4000000b).name)).toBe("4000000b");
  });
});

describe("TPMS_NV_PUBLIC", () => {
  it.each(["flash", "orderly"] as const)("of the %s counter goes round", (kind) => {
    const area = nvCounter(0x01500010, kind);
    expect(area.attributes).toBe({ flash: 0x02060014, orderly: 0x06060014 }[kind]);
    expect(parseWhole(encodeNvPublic(area), takeNvPublic)).toEqual({ ok: true, value: area });
    const written = { ...area, attributes: (area.attributes | NV_WRITTEN) >>> 0 };
    expect(isNvCounter(area, kind) && isNvCounter(written, kind)).toBe(true);
  });

  it("of anything else is no counter of ours", () => {
    const area = nvCounter(0x01500010, "flash");
    expect(isNvCounter(area, "orderly")).toBe(false);
    expect(isNvCounter({ ...area, size: 4 }, "flash")).toBe(false);
    expect(isNvCounter({ ...area, policy: new Uint8Array(32) }, "flash")).toBe(false);
    for (let bit = 0; bit < 32; bit += 1) {
      const attributes = (area.attributes ^ (1 << bit)) >>> 0;
      expect(isNvCounter({ ...area, attributes }, "flash")).toBe(bit === 29);
    }
  });

  it("gives the Name the TPM has for it", () => {
    const read = nvReadPublic(0x01500010).parse(recordedParameters("TPM2_NV_ReadPublic"), 0);
    if (!read.ok) throw new Error("not read");
    expect(nameOf(read.value.publicArea, sha256)).toEqual(read.value.name);
    expect(encodeNvPublic(read.value.area)).toEqual(read.value.publicArea);
  });
});

describe("TPMT_SIGNATURE", () => {
  it("becomes r || s, each with its leading zeros", () => {
    const bytes = new TpmWriter()
      .u16(0x18)
      .u16(0x0b)
      .sized(Uint8Array.of(1))
      .sized(Uint8Array.of(2));
    const parsed = parseWhole(bytes.done(), takeSignature);
    expect(parsed.ok && hexOf(parsed.value)).toBe("01".padStart(64, "0") + "02".padStart(64, "0"));
  });

  it.each([
    ["of another scheme", "0014000b0020"],
    ["of another hash", "0018000c0020"],
    ["with an empty r", "0018000b00000020"],
    ["with an r of 33 bytes", "0018000b0021"],
  ])("%s is refused", (_what, hex) => {
    expect(parseWhole(bytesOf(hex.padEnd(160, "0")), takeSignature).ok).toBe(false);
  });
});

describe("TPMS_ATTEST", () => {
  const attestOf = (title: string): Uint8Array =>
    new TpmReader(recordedParameters(title)).sized(1024);

  it("says what kind it is and what was asked", () => {
    const kinds = ["TPM2_Certify", "TPM2_Quote", "TPM2_GetTime", "TPM2_NV_Certify"].map((title) => {
      const parsed = parseAttest(attestOf(title));
      if (!parsed.ok) throw new Error(`${title}: ${parsed.fault.code}`);
      expect(parsed.value.qualifying).toEqual(new Uint8Array(sha256(Buffer.from("qualifying"))));
      return parsed.value.attested.kind;
    });
    expect(kinds).toEqual(["certify", "quote", "time", "nv"]);
  });

  it("of a quote names the PCRs", () => {
    const parsed = parseAttest(attestOf("TPM2_Quote"));
    expect(parsed).toMatchObject({
      value: { attested: { selections: [{ algorithm: 0x0b, pcrs: [0, 1, 7, 15] }] } },
    });
  });

  it("without the magic, of another type or with a flag of 2 is refused", () => {
    const bytes = attestOf("TPM2_Certify");
    const changed = (at: number, byte: number): Uint8Array =>
      Uint8Array.from(bytes, (old, i) => (i === at ? byte : old));
    expect(parseAttest(changed(0, 0))).toMatchObject({ fault: { code: "tag", at: 0 } });
    expect(parseAttest(changed(5, 0x1a))).toMatchObject({ fault: { code: "tag" } });
    const safeAt = 4 + 2 + 36 + 34 + 16;
    expect(parseAttest(changed(safeAt, 2))).toMatchObject({ fault: { code: "value", at: safeAt } });
  });
});

describe("a command", () => {
  it("without sessions is header and parameters", () => {
    const command = flushContext(0x80000001);
    expect(hexOf(encodeCommand(command, [], command.parameters))).toBe(
      "80010000000e0000016580000001",
    );
  });

  it("with a password carries handles, the area's length, the session and the parameters", () => {
    const command = sign(entityOf(0x81010010), new Uint8Array(32));
    const auth = {
      session: 0x40000009,
      nonce: new Uint8Array(0),
      attributes: 1,
      hmac: Uint8Array.of(0xaa, 0xbb),
    };
    const frame = hexOf(encodeCommand(command, [auth], command.parameters));
    expect(frame).toBe(
      `80020000004b0000015d810100100000000b400000090000010002aabb0020${"00".repeat(32)}0018000b8024400000070000`,
    );
  });

  it("refuses what no TPM takes before anything is sent", () => {
    const key = entityOf(0x81010010);
    expect(() => sign(key, new Uint8Array(31))).toThrow(RangeError);
    expect(() => quote(key, new Uint8Array(67), [0])).toThrow(RangeError);
    for (const pcr of [-1, 24, 1.5]) {
      expect(() => quote(key, new Uint8Array(0), [pcr])).toThrow(RangeError);
    }
    expect(() => new TpmWriter().sized(new Uint8Array(65_536))).toThrow(RangeError);
    expect(() => new TpmWriter().u8(256)).toThrow(RangeError);
  });
});

describe("a response code", () => {
  it.each([
    [0x922, "retry", "the TPM is busy (0x922)"],
    [0x100, "start", "the TPM was reset"],
    [0x101, "failure", "failure mode"],
    [0x9a2, "session", "the authorisation is wrong: session 1 (0x9a2)"],
    [0x918, "session", "the first session is not loaded"],
    [0x18b, "other", "nothing is at this handle: handle 1"],
    [0x2c4, "other", "a value is out of range: parameter 2 (0x2c4)"],
    [0xffffffff, "other", "0xffffffff"],
    [0x999, "session", "session 1"],
  ])("%i means %s and says so", (code, then, words) => {
    const meaning = responseCodeOf(code);
    expect(meaning.then).toBe(then);
    expect(meaning.says).toContain(words);
  });
});
