import { describe, expect, it } from "vitest";
import { parseAttest } from "../../../../src/codec/tpm2/attest.js";
import { parseResponse, responseLength } from "../../../../src/codec/tpm2/command.js";
import { parsePublic } from "../../../../src/codec/tpm2/public-area.js";
import { TpmReader, type TpmParsed } from "../../../../src/codec/tpm2/reader.js";
import { recordedParameters, recordedResponses } from "../../../support/tpm-samples.js";

const FAULTS = ["short", "trailing", "size", "tag", "value"];
const responses = recordedResponses();

/** Every copy with one bit turned. */
function* flipsOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const copy = bytes.slice();
    copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    yield copy;
  }
}

function* truncationsOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let length = 0; length < bytes.length; length += 1) yield bytes.slice(0, length);
}

function isClassified(parsed: TpmParsed<unknown>): boolean {
  return parsed.ok || FAULTS.includes(parsed.fault.code);
}

describe("a recorded TPM response", () => {
  it("is there for every family that answers with something", () => {
    expect(new Set(responses.map(({ title }) => title)).size).toBe(15);
  });

  it.each(responses)("of $title is read whole", ({ command, sessions, frame, parameters }) => {
    const { makesHandle } = command;
    const parsed = parseResponse(frame, { makesHandle, sessions });
    if (!parsed.ok || parsed.value.kind !== "answer") throw new Error("the frame is not read");
    expect(parsed.value.auths).toHaveLength(sessions);
    expect(parsed.value.parameters).toHaveLength(parameters.length);
    expect(responseLength(frame)).toBe(frame.length);
    expect(command.parse(parameters, parsed.value.made)).toMatchObject({ ok: true });
  });

  it.each(responses)("of $title is a fault wherever it is cut", (response) => {
    const { command, sessions, frame, parameters } = response;
    const { makesHandle } = command;
    for (const cut of truncationsOf(frame)) {
      expect(parseResponse(cut, { makesHandle, sessions }).ok).toBe(false);
    }
    for (const cut of truncationsOf(parameters)) expect(command.parse(cut, 1).ok).toBe(false);
  });

  it.each(responses)("of $title is a fault with a byte behind it", (response) => {
    const { command, sessions, frame, parameters } = response;
    const { makesHandle } = command;
    const longer = Uint8Array.of(...frame, 0);
    expect(parseResponse(longer, { makesHandle, sessions }).ok).toBe(false);
    const told = longer.slice();
    new DataView(told.buffer).setUint32(2, told.length);
    // Without sessions the frame has no other length to check: its parameters do the checking.
    if (sessions > 0) expect(parseResponse(told, { makesHandle, sessions }).ok).toBe(false);
    expect(command.parse(Uint8Array.of(...parameters, 0), 1).ok).toBe(false);
  });

  it.each(responses)("of $title never throws with one bit turned", (response) => {
    const { command, sessions, frame, parameters } = response;
    const { makesHandle } = command;
    let header = 0;
    for (const flip of flipsOf(frame)) {
      const parsed = parseResponse(flip, { makesHandle, sessions });
      expect(isClassified(parsed)).toBe(true);
      const same = frame.subarray(0, 6).every((byte, at) => byte === flip[at]);
      if (!same) expect(parsed.ok).toBe(false);
      header += same ? 0 : 1;
    }
    expect(header).toBe(48);
    for (const flip of flipsOf(parameters)) expect(isClassified(command.parse(flip, 1))).toBe(true);
  });

  it("is not read with another number of sessions than the command had", () => {
    for (const { command, sessions, frame } of responses) {
      const { makesHandle } = command;
      for (const other of [0, 1, 2, 3].filter((count) => count !== sessions)) {
        expect(parseResponse(frame, { makesHandle, sessions: other }).ok).toBe(false);
      }
    }
  });

  it("that refuses is ten bytes and has no sessions", () => {
    const refused = Uint8Array.of(0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x09, 0x22);
    const asked = { makesHandle: false, sessions: 1 };
    expect(parseResponse(refused, asked)).toEqual({
      ok: true,
      value: { kind: "refused", code: 0x922 },
    });
    const withSessions = Uint8Array.from(refused, (byte, at) => (at === 1 ? 2 : byte));
    expect(parseResponse(withSessions, asked)).toEqual({
      ok: false,
      fault: { code: "tag", at: 0 },
    });
    expect(
      parseResponse(Uint8Array.of(...refused.slice(0, 5), 11, 0, 0, 9, 0x22, 0), asked).ok,
    ).toBe(false);
  });

  it("says how long it is, or that no response is", () => {
    const header = (length: number): Uint8Array =>
      Uint8Array.of(
        0x80,
        1,
        length >>> 24,
        (length >> 16) & 255,
        (length >> 8) & 255,
        length & 255,
        0,
        0,
        0,
        0,
      );
    expect(responseLength(header(10).subarray(0, 9))).toBeNull();
    expect(responseLength(header(10))).toBe(10);
    expect(responseLength(header(9))).toBe("bad");
    expect(responseLength(header(4096))).toBe(4096);
    expect(responseLength(header(4097))).toBe("bad");
    expect(responseLength(header(0xffffffff))).toBe("bad");
  });
});

describe("structures inside", () => {
  const attests = ["TPM2_Certify", "TPM2_Quote", "TPM2_GetTime", "TPM2_NV_Certify"].map(
    (title) => ({
      title,
      bytes: new TpmReader(recordedParameters(title)).sized(1024),
    }),
  );

  it.each(attests)(
    "the attest of $title: cut or with one bit turned it never throws",
    ({ bytes }) => {
      expect(parseAttest(bytes).ok).toBe(true);
      for (const cut of truncationsOf(bytes)) expect(parseAttest(cut).ok).toBe(false);
      expect(parseAttest(Uint8Array.of(...bytes, 0)).ok).toBe(false);
      for (const flip of flipsOf(bytes)) expect(isClassified(parseAttest(flip))).toBe(true);
    },
  );

  it("a public area cut or with one bit turned never throws", () => {
    const bytes = new TpmReader(recordedParameters("TPM2_ReadPublic")).sized(1024);
    expect(parsePublic(bytes).ok).toBe(true);
    for (const cut of truncationsOf(bytes)) expect(parsePublic(cut).ok).toBe(false);
    for (const flip of flipsOf(bytes)) expect(isClassified(parsePublic(flip))).toBe(true);
  });
});
