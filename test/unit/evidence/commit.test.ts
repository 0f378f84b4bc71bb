import { describe, expect, it } from "vitest";
import { decodeCbor } from "../../../src/codec/cbor/decode.js";
import { encodeCbor } from "../../../src/codec/cbor/encode.js";
import { isCborMap, type CborKey, type CborValue } from "../../../src/codec/cbor/value.js";
import { encodeSign1, sigStructure } from "../../../src/codec/cose/sign1.js";
import {
  draftCheckpoint,
  finishCheckpoint,
  readCheckpoint,
} from "../../../src/evidence/checkpoint.js";
import { commitKeyId, encodeCommitKey, readCommitKey } from "../../../src/evidence/commit-key.js";
import {
  commitSigned,
  draftCommit,
  encodeCommit,
  finishCommit,
  readCommit,
} from "../../../src/evidence/commit.js";
import { FRAME_KIND, FrameWriter } from "../../../src/evidence/frame.js";
import { bytes, sha256 } from "../../support/evidence-samples.js";

const ROOT = bytes(32, 9);
const KEY_ID = bytes(8, 3);
const SIGNATURE = bytes(64, 5);

describe("a commit", () => {
  it("is the root alone", () => {
    const body = encodeCommit(ROOT);
    expect(Buffer.from(body).toString("hex")).toBe(`5820${"09".repeat(32)}`);
    expect(readCommit(body)).toEqual({ kind: "root", root: ROOT });
    expect(readCommit(body.slice(0, -1))).toBeNull();
    expect(readCommit(Uint8Array.of(...body, 0))).toBeNull();
    expect(readCommit(encodeCbor(bytes(31, 1)))).toBeNull();
  });

  it("is, signed, exactly the bytes of the format, over headers and root", () => {
    const protectedBytes = draftCommit(KEY_ID, 1000);
    const head = `a501270448${"03".repeat(8)}1069${Buffer.from("hp-commit").toString("hex")}19018b013a000111701903e8`;
    expect(Buffer.from(protectedBytes).toString("hex")).toBe(head);
    const body = finishCommit(protectedBytes, SIGNATURE);
    expect(Buffer.from(body).toString("hex")).toBe(`d2845824${head}a0f65840${"05".repeat(64)}`);
    expect(readCommit(body)).toEqual({
      kind: "signed",
      keyId: KEY_ID,
      size: 1000,
      protectedBytes,
      signature: SIGNATURE,
    });
    expect(commitSigned(protectedBytes, ROOT)).toEqual(sigStructure(protectedBytes, ROOT));
  });

  it("takes 126 bytes of the log, at any size up to four thousand million entries", () => {
    const frames = new FrameWriter();
    const body = finishCommit(draftCommit(KEY_ID, 4_000_000_000), SIGNATURE);
    frames.put(FRAME_KIND.commit, body, sha256(body));
    expect(frames.length).toBe(126);
  });

  const signed = (change: (headers: Map<CborKey, CborValue>) => void): Uint8Array => {
    const decoded = decodeCbor(draftCommit(KEY_ID, 1000));
    if (!decoded.ok || !isCborMap(decoded.value)) throw new Error("no map");
    const headers = new Map(decoded.value);
    change(headers);
    return finishCommit(encodeCbor(headers), SIGNATURE);
  };

  it.each([
    ["another algorithm", 1, -7],
    ["a short key id", 4, bytes(7, 1)],
    ["a long key id", 4, bytes(32, 1)],
    ["another type", 16, "application/holdpoint-checkpoint+cose"],
    ["another tree", 395, 2],
    ["no entries", -70_001, 0],
    ["a negative size", -70_001, -1],
    ["a size that is no number", -70_001, "7"],
  ] as const)("is refused, signed, with %s", (_name, label, value) => {
    expect(readCommit(signed(() => undefined))?.kind).toBe("signed");
    expect(readCommit(signed((headers) => headers.set(label, value)))).toBeNull();
    expect(readCommit(signed((headers) => headers.delete(label)))).toBeNull();
  });

  it("is refused, signed, in any other form", () => {
    const protectedBytes = draftCommit(KEY_ID, 1000);
    const parts = { protectedBytes, unprotectedHeaders: new Map(), signature: SIGNATURE };
    const other = [
      encodeSign1({ ...parts, payload: ROOT }),
      encodeSign1({ ...parts, payload: null, signature: bytes(63, 5) }),
      encodeSign1({ ...parts, payload: null, unprotectedHeaders: new Map([[396, 1]]) }),
      signed((headers) => headers.set(-70_009, 1)),
      Uint8Array.of(...finishCommit(protectedBytes, SIGNATURE), 0),
      finishCommit(protectedBytes, SIGNATURE).slice(1),
      ...[1, 3, 4, 30, 60, 107].map((length) =>
        finishCommit(protectedBytes, SIGNATURE).slice(0, length),
      ),
    ];
    for (const [at, body] of other.entries()) expect(readCommit(body), `form ${at}`).toBeNull();
  });
});

describe("the key of an interval", () => {
  const coseKey = encodeCommitKey(bytes(32, 7));

  it("is a COSE_Key of Ed25519 in its one form, named by its thumbprint", () => {
    expect(Buffer.from(coseKey).toString("hex")).toBe(`a301012006215820${"07".repeat(32)}`);
    expect(readCommitKey(coseKey)).toEqual(bytes(32, 7));
    expect(new Uint8Array(commitKeyId(coseKey, sha256))).toEqual(
      new Uint8Array(sha256(coseKey)).slice(0, 8),
    );
    expect(() => encodeCommitKey(bytes(31, 7))).toThrow(RangeError);
  });

  const key = (...pairs: readonly (readonly [number, CborValue])[]): Uint8Array =>
    encodeCbor(new Map<CborKey, CborValue>(pairs));
  const x = [-2, bytes(32, 7)] as const;

  it.each([
    ["of another type", key([1, 2], [-1, 6], x)],
    ["of another curve", key([1, 1], [-1, 4], x)],
    ["that is short", key([1, 1], [-1, 6], [-2, bytes(31, 7)])],
    ["with a private half", key([1, 1], [-1, 6], x, [-4, bytes(32, 8)])],
    ["with an algorithm", key([1, 1], [3, -8], [-1, 6], x)],
    ["in another order", Uint8Array.of(0xa3, 0x20, 6, 1, 1, ...coseKey.slice(5))],
    ["with something behind it", Uint8Array.of(...coseKey, 0)],
    ["that is nothing", new Uint8Array(0)],
  ])("is not one %s", (_name, other) => {
    expect(readCommitKey(other)).toBeNull();
  });

  it("stands in the protected headers of a checkpoint, and nothing else does in its place", () => {
    const claim = {
      kid: bytes(32, 1),
      gateway: "gw-7",
      log: "log-0011",
      issuedUtcS: 1_790_000_000,
      size: 1000,
      previous: bytes(32, 2),
      boot: 3,
      counter: 8,
    };
    const read = (commitKey: Uint8Array | null): ReturnType<typeof readCheckpoint> =>
      readCheckpoint(
        finishCheckpoint(draftCheckpoint({ ...claim, commitKey }, ROOT), SIGNATURE, null),
      );
    for (const commitKey of [null, coseKey]) {
      expect(read(commitKey)).toMatchObject({
        ok: true,
        checkpoint: { claim: { ...claim, commitKey } },
      });
    }
    for (const commitKey of [bytes(42, 1), coseKey.slice(1), bytes(0, 0)]) {
      expect(read(commitKey)).toEqual({ ok: false, why: "no Ed25519 commit key" });
    }
    const length = (commitKey: Uint8Array | null): number =>
      draftCheckpoint({ ...claim, commitKey }, ROOT).protectedBytes.length;
    expect(length(coseKey) - length(null)).toBe(47);
  });
});
