import { ALGORITHM, SIZE } from "./constant.js";
import { parseWhole, type TpmParsed, type TpmReader } from "./reader.js";
import { TpmWriter } from "./writer.js";

/** A P-256 object with nameAlg SHA-256: `storage` wraps with AES-128-CFB, `signing` is ECDSA with SHA-256. */
export type EccPublic = {
  readonly use: "storage" | "signing";
  /** TPMA_OBJECT. */
  readonly attributes: number;
  /** Empty: no policy. */
  readonly policy: Uint8Array;
  /** 32 bytes each; in a template also other lengths up to 32. */
  readonly x: Uint8Array;
  readonly y: Uint8Array;
};

/** An object of the gateway: where it stays and what it must be, to the bit. */
export type TpmObjectKind = {
  readonly handle: number;
  readonly use: EccPublic["use"];
  readonly attributes: number;
};

/** The objects of the gateway. Whatever else stands at their handles is not used. */
export const TPM_OBJECTS: Readonly<
  Record<"storageRoot" | "evidenceKey" | "attestationKey" | "otherEvidenceKey", TpmObjectKind>
> = {
  /** Parent of the evidence key, and what sessions are salted to (TCG template for a P-256 storage root). */
  storageRoot: { handle: 0x81000001, use: "storage", attributes: 0x00030472 },
  /** fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, sign. */
  evidenceKey: { handle: 0x81010010, use: "signing", attributes: 0x00040472 },
  /** The same and restricted: it signs nothing that did not come from inside the TPM. */
  attestationKey: { handle: 0x81010011, use: "signing", attributes: 0x00050472 },
  /** As the evidence key: the two places take turns when it is rotated. */
  otherEvidenceKey: { handle: 0x81010012, use: "signing", attributes: 0x00040472 },
};

/** What CreatePrimary and Create are asked for. `unique` makes one primary differ from another of its seed. */
export function templateOf(kind: TpmObjectKind, unique: Uint8Array): EccPublic {
  const { use, attributes } = kind;
  const y = new Uint8Array(use === "storage" ? SIZE.coordinate : 0);
  return { use, attributes, policy: new Uint8Array(0), x: unique, y };
}

/** TCG EK Credential Profile, template L-2: P-256, usable through PolicySecret of the endorsement hierarchy. */
export const ENDORSEMENT_KEY_TEMPLATE: EccPublic = {
  use: "storage",
  attributes: 0x000300b2,
  policy: Uint8Array.of(
    ...[0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7],
    ...[0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14],
    ...[0x69, 0xaa],
  ),
  x: new Uint8Array(SIZE.coordinate),
  y: new Uint8Array(SIZE.coordinate),
};

/** TPMT_PUBLIC (Library Part 2, 12.2.4), without the TPM2B around it. */
export function encodePublic(area: EccPublic): Uint8Array {
  const writer = new TpmWriter().u16(ALGORITHM.ecc).u16(ALGORITHM.sha256).u32(area.attributes);
  writer.sized(area.policy);
  if (area.use === "storage") writer.u16(ALGORITHM.aes).u16(AES_BITS).u16(ALGORITHM.cfb);
  else writer.u16(ALGORITHM.none);
  if (area.use === "storage") writer.u16(ALGORITHM.none);
  else writer.u16(ALGORITHM.ecdsa).u16(ALGORITHM.sha256);
  return writer.u16(NIST_P256).u16(ALGORITHM.none).sized(area.x).sized(area.y).done();
}

/** Refuses every other kind of object. Coordinates that came without their leading zeros get them back. */
export function parsePublic(bytes: Uint8Array): TpmParsed<EccPublic> {
  return parseWhole(bytes, (reader) => {
    reader.expect(2, ALGORITHM.ecc, "tag");
    reader.expect(2, ALGORITHM.sha256);
    const attributes = reader.u32();
    const policy = reader.sized(SIZE.digest);
    if (policy.length !== 0 && policy.length !== SIZE.digest) reader.fail("size");
    const use = takeUse(reader);
    reader.expect(2, NIST_P256);
    reader.expect(2, ALGORITHM.none);
    return { use, attributes, policy, x: takeCoordinate(reader), y: takeCoordinate(reader) };
  });
}

/** 1 to 32 bytes as 32. */
export function takeCoordinate(reader: TpmReader): Uint8Array {
  const bytes = reader.sized(SIZE.coordinate, 1);
  const whole = new Uint8Array(SIZE.coordinate);
  whole.set(bytes, SIZE.coordinate - bytes.length);
  return whole;
}

const NIST_P256 = 0x0003;
const AES_BITS = 128;

function takeUse(reader: TpmReader): EccPublic["use"] {
  const symmetric = reader.u16();
  if (symmetric === ALGORITHM.none) {
    reader.expect(2, ALGORITHM.ecdsa);
    reader.expect(2, ALGORITHM.sha256);
    return "signing";
  }
  if (symmetric !== ALGORITHM.aes) reader.fail("value");
  reader.expect(2, AES_BITS);
  reader.expect(2, ALGORITHM.cfb);
  reader.expect(2, ALGORITHM.none);
  return "storage";
}
