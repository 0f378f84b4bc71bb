import { describe, expect, it } from "vitest";
import { encodeCommand } from "../../../../src/codec/tpm2/command.js";
import { cutCertificate } from "../../../../src/codec/tpm2/endorsement-certificate.js";
import { entityOf } from "../../../../src/codec/tpm2/name.js";
import { nvRead } from "../../../../src/codec/tpm2/nv.js";
import { TpmWriter } from "../../../../src/codec/tpm2/writer.js";
import { bytesOf, hexOf } from "../../../support/hex.js";

/** A SEQUENCE of so many bytes, its length written in so few bytes as DER wants. */
function sequence(length: number): Uint8Array {
  const head = [0x30];
  if (length < 128) head.push(length);
  else if (length < 256) head.push(0x81, length);
  else head.push(0x82, length >> 8, length & 0xff);
  return Uint8Array.of(...head, ...new Uint8Array(length).fill(0x5c));
}

function padded(bytes: Uint8Array, ...behind: readonly number[]): Uint8Array {
  return Uint8Array.of(...bytes, ...behind);
}

describe("a certificate in an NV index", () => {
  it.each([0, 1, 127, 128, 255, 256, 1200, 4092])("of %i bytes within is cut out", (length) => {
    const whole = sequence(length);
    expect(hexOf(cutCertificate(whole))).toBe(hexOf(whole));
    const room = Math.min(300, 4096 - whole.length);
    const filled = padded(whole, ...new Uint8Array(room));
    expect(hexOf(cutCertificate(filled))).toBe(hexOf(whole));
  });

  it("is nothing when it is cut short anywhere, also where zeros take the place of what is missing", () => {
    for (const whole of [sequence(5), sequence(200), sequence(300)]) {
      for (let length = 0; length < whole.length; length += 1) {
        expect(cutCertificate(whole.slice(0, length))).toBeNull();
      }
    }
    expect(cutCertificate(padded(sequence(300).slice(0, 200), ...new Uint8Array(50)))).toBeNull();
  });

  it.each([
    ["a byte behind it", padded(sequence(200), 1)],
    ["a byte far behind it", padded(sequence(200), ...new Uint8Array(90), 0xff)],
    ["the filling of erased flash behind it", padded(sequence(200), 0xff, 0xff)],
    ["another one behind it", padded(sequence(200), ...sequence(200))],
    ["a byte before it", padded(Uint8Array.of(0), ...sequence(200))],
    ["the frame of TPM 1.2 before it", padded(bytesOf("1001000401"), ...sequence(200))],
    ["more bytes in all than are read", padded(sequence(200), ...new Uint8Array(3894))],
    ["a length of no certain end", bytesOf("308002010000000000")],
    ["a length in one byte too many", padded(bytesOf("30817f"), ...new Uint8Array(127))],
    ["a length with a leading zero", padded(bytesOf("308200ff"), ...new Uint8Array(255))],
    ["a length of four bytes", padded(bytesOf("308400000010"), ...new Uint8Array(16))],
    ["a length of 127 bytes", padded(bytesOf("30ff"), ...new Uint8Array(200))],
    ["a length beyond all", padded(bytesOf("3082ffff"), ...new Uint8Array(1000))],
    ["another tag", padded(Uint8Array.of(0x31), ...sequence(200).slice(1))],
    ["zeros alone", new Uint8Array(1000)],
    ["nothing", new Uint8Array(0)],
  ])("is nothing with %s", (_what, bytes) => {
    expect(cutCertificate(bytes)).toBeNull();
  });
});

describe("TPM2_NV_Read", () => {
  const command = nvRead(entityOf(0x01c00002), { offset: 0x300, size: 5 });

  it("asks for size and offset, in this order, of the index by the index [Part 3, 31.13]", () => {
    const frame = encodeCommand(command, [], command.parameters);
    expect(hexOf(frame)).toBe("8001000000160000014e01c0000201c0000200050300");
    expect(command.authorised).toBe(1);
  });

  it("is answered by exactly as many bytes as were asked for", () => {
    const answer = (length: number): Uint8Array =>
      new TpmWriter().sized(new Uint8Array(length).fill(7)).done();
    expect(command.parse(answer(5), 0)).toEqual({ ok: true, value: new Uint8Array(5).fill(7) });
    for (const length of [0, 4, 6, 1000]) {
      expect(command.parse(answer(length), 0)).toMatchObject({ fault: { code: "size" } });
    }
    expect(command.parse(answer(5).slice(0, 6), 0)).toMatchObject({ fault: { code: "short" } });
    const longer = padded(answer(5), 0);
    expect(command.parse(longer, 0)).toMatchObject({ fault: { code: "trailing" } });
    expect(command.parse(bytesOf("ffff"), 0)).toMatchObject({ fault: { code: "size" } });
  });
});
