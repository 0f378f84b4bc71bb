import { describe, expect, it } from "vitest";
import { decodeCbor } from "../../../src/codec/cbor/decode.js";
import { encodeCbor } from "../../../src/codec/cbor/encode.js";
import { isCborMap, type CborKey, type CborValue } from "../../../src/codec/cbor/value.js";
import { encodeSign1 } from "../../../src/codec/cose/sign1.js";
import {
  draftCheckpoint,
  finishCheckpoint,
  readCheckpoint,
  type CheckpointClaim,
} from "../../../src/evidence/checkpoint.js";
import { bytes } from "../../support/evidence-samples.js";

const CLAIM: CheckpointClaim = {
  kid: bytes(32, 1),
  gateway: "gw-7",
  log: "log-0011",
  issuedUtcS: 1_790_000_000,
  size: 1000,
  previous: bytes(32, 2),
  boot: 3,
  counter: null,
  commitKey: null,
};
const ROOT = bytes(32, 9);
const SIGNATURE = bytes(64, 5);

describe("a checkpoint", () => {
  it("has exactly the protected headers of the format, the tree size among them", () => {
    const { protectedBytes } = draftCheckpoint(CLAIM, ROOT);
    const decoded = decodeCbor(protectedBytes);
    if (!decoded.ok || !isCborMap(decoded.value)) throw new Error("no map");
    expect([...decoded.value]).toEqual([
      [1, -7],
      [4, CLAIM.kid],
      [
        15,
        new Map<number, string | number>([
          [1, "gw-7"],
          [2, "log-0011"],
          [6, 1_790_000_000],
        ]),
      ],
      [16, "application/holdpoint-checkpoint+cose"],
      [395, 1],
      [-70_001, 1000],
      [-70_002, CLAIM.previous],
      [-70_003, 3],
    ]);
  });

  it("carries the counter of a TPM in its protected headers, and nothing there without one", () => {
    const draft = draftCheckpoint({ ...CLAIM, counter: 77 }, ROOT);
    const decoded = decodeCbor(draft.protectedBytes);
    if (!decoded.ok || !isCborMap(decoded.value)) throw new Error("no map");
    expect(decoded.value.get(-70_006)).toBe(77);
    expect(readCheckpoint(finishCheckpoint(draft, SIGNATURE, null))).toMatchObject({
      ok: true,
      checkpoint: { claim: { ...CLAIM, counter: 77 } },
    });
    expect(readCheckpoint(other((headers) => headers.set(-70_006, 0))).ok).toBe(true);
    for (const value of [-1, "7", bytes(8, 1), null]) {
      expect(readCheckpoint(other((headers) => headers.set(-70_006, value))).ok).toBe(false);
    }
  });

  it("names the newest time stamp in its protected headers, and nothing there without one", () => {
    const draft = draftCheckpoint({ ...CLAIM, counter: 7, token: bytes(32, 4) }, ROOT);
    const decoded = decodeCbor(draft.protectedBytes);
    if (!decoded.ok || !isCborMap(decoded.value)) throw new Error("no map");
    expect(decoded.value.get(-70_005)).toEqual(bytes(32, 4));
    expect(readCheckpoint(finishCheckpoint(draft, SIGNATURE, null))).toMatchObject({
      ok: true,
      checkpoint: { claim: { ...CLAIM, counter: 7, token: bytes(32, 4) } },
    });
    const bare = readCheckpoint(finishCheckpoint(draftCheckpoint(CLAIM, ROOT), SIGNATURE, null));
    expect(bare).toMatchObject({ ok: true, checkpoint: { claim: { token: null } } });
    for (const value of [bytes(31, 1), "7", 7, null]) {
      expect(readCheckpoint(other((headers) => headers.set(-70_005, value)))).toMatchObject({
        ok: false,
        why: "a time token that is no hash",
      });
    }
  });

  it("comes back as it was made, with and without a proof", () => {
    const draft = draftCheckpoint(CLAIM, ROOT);
    const proof = { size1: 900, size2: 1000, path: [bytes(32, 3), bytes(32, 4)] };
    for (const consistency of [null, proof]) {
      const read = readCheckpoint(finishCheckpoint(draft, SIGNATURE, consistency));
      expect(read).toMatchObject({
        ok: true,
        checkpoint: { claim: CLAIM, root: ROOT, consistency },
      });
    }
  });

  const other = (change: (headers: Map<CborKey, CborValue>) => void): Uint8Array => {
    const decoded = decodeCbor(draftCheckpoint(CLAIM, ROOT).protectedBytes);
    if (!decoded.ok || !isCborMap(decoded.value)) throw new Error("no map");
    const headers = new Map(decoded.value);
    change(headers);
    return encodeSign1({
      protectedBytes: encodeCbor(headers),
      unprotectedHeaders: new Map(),
      payload: ROOT,
      signature: SIGNATURE,
    });
  };

  it.each([
    ["another algorithm", 1, -8],
    ["a short key id", 4, "x"],
    ["claims that are none", 15, new Map()],
    ["another type", 16, "application/other"],
    ["another tree", 395, 2],
    ["no entries", -70_001, 0],
    ["a negative size", -70_001, -1],
    ["no link", -70_002, bytes(31, 0)],
    ["no run", -70_003, "1"],
  ] as const)("is refused with %s", (_name, label, value) => {
    expect(readCheckpoint(other(() => undefined)).ok).toBe(true);
    expect(readCheckpoint(other((headers) => headers.set(label, value))).ok).toBe(false);
    expect(readCheckpoint(other((headers) => headers.delete(label))).ok).toBe(false);
  });

  it("is refused with a header of a later version, protected or not", () => {
    expect(readCheckpoint(other((headers) => headers.set(-70_004, bytes(3, 1)))).ok).toBe(false);
    const draft = draftCheckpoint(CLAIM, ROOT);
    const parts = { protectedBytes: draft.protectedBytes, payload: ROOT, signature: SIGNATURE };
    const odd = encodeSign1({ ...parts, unprotectedHeaders: new Map([[397, 1]]) });
    expect(readCheckpoint(odd).ok).toBe(false);
  });

  it("is refused with a payload or signature of another length", () => {
    const { protectedBytes } = draftCheckpoint(CLAIM, ROOT);
    const base = {
      protectedBytes,
      unprotectedHeaders: new Map(),
      payload: ROOT,
      signature: SIGNATURE,
    };
    expect(readCheckpoint(encodeSign1({ ...base, payload: null })).ok).toBe(false);
    expect(readCheckpoint(encodeSign1({ ...base, payload: bytes(31, 1) })).ok).toBe(false);
    expect(readCheckpoint(encodeSign1({ ...base, signature: bytes(63, 1) })).ok).toBe(false);
  });
});
