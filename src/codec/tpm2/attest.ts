import { ALGORITHM, SIZE, TAG } from "./constant.js";
import { parseWhole, type TpmParsed, type TpmReader } from "./reader.js";

/** TPMS_CLOCK_INFO. `clockMs` counts while the TPM has power; it is no UTC. */
export type TpmClock = {
  readonly clockMs: bigint;
  readonly resetCount: number;
  readonly restartCount: number;
  /** False after a power cut until the TPM has passed the last time it may have told. */
  readonly safe: boolean;
};

export type PcrSelection = { readonly algorithm: number; readonly pcrs: readonly number[] };

export type Attested =
  | { readonly kind: "certify"; readonly name: Uint8Array; readonly qualifiedName: Uint8Array }
  | {
      readonly kind: "nv";
      readonly indexName: Uint8Array;
      readonly offset: number;
      readonly contents: Uint8Array;
    }
  | {
      readonly kind: "quote";
      readonly selections: readonly PcrSelection[];
      readonly pcrDigest: Uint8Array;
    }
  | {
      readonly kind: "time";
      readonly timeMs: bigint;
      readonly clock: TpmClock;
      readonly firmware: bigint;
    };

/** TPMS_ATTEST (Library Part 2, 10.12.12): what a TPM says of itself. It counts only under a restricted key. */
export type Attest = {
  readonly qualifiedSigner: Uint8Array;
  /** The caller's own bytes, up to 66. */
  readonly qualifying: Uint8Array;
  readonly clock: TpmClock;
  readonly firmware: bigint;
  readonly attested: Attested;
};

/** An attest structure as it was signed, and its signature r || s. */
export type SignedAttest = { readonly attest: Uint8Array; readonly signature: Uint8Array };

/** Exactly one TPMS_ATTEST of the four kinds. Never throws. */
export function parseAttest(bytes: Uint8Array): TpmParsed<Attest> {
  return parseWhole(bytes, (reader) => {
    reader.expect(4, GENERATED, "tag");
    const type = reader.u16();
    const qualifiedSigner = takeName(reader);
    const qualifying = reader.sized(SIZE.qualifying);
    const clock = takeClock(reader);
    const firmware = reader.u64();
    return { qualifiedSigner, qualifying, clock, firmware, attested: takeAttested(reader, type) };
  });
}

/** TPM_GENERATED_VALUE: what a restricted key signs of outside bytes never begins with it. */
const GENERATED = 0xff544347;
const SELECTIONS_MAX = 16;
const SELECT_BYTES_MAX = 4;

function takeAttested(reader: TpmReader, type: number): Attested {
  switch (type) {
    case TAG.attestCertify:
      return { kind: "certify", name: takeName(reader), qualifiedName: takeName(reader) };
    case TAG.attestNv: {
      const indexName = takeName(reader);
      const offset = reader.u16();
      return { kind: "nv", indexName, offset, contents: reader.sized(SIZE.attest) };
    }
    case TAG.attestQuote: {
      const selections = takeSelections(reader);
      return { kind: "quote", selections, pcrDigest: reader.sized(SIZE.digest, SIZE.digest) };
    }
    case TAG.attestTime: {
      const timeMs = reader.u64();
      const clock = takeClock(reader);
      return { kind: "time", timeMs, clock, firmware: reader.u64() };
    }
    default:
      reader.fail("tag");
      return { kind: "certify", name: new Uint8Array(0), qualifiedName: new Uint8Array(0) };
  }
}

function takeName(reader: TpmReader): Uint8Array {
  return reader.sized(SIZE.name, SIZE.name);
}

function takeClock(reader: TpmReader): TpmClock {
  const clockMs = reader.u64();
  const resetCount = reader.u32();
  const restartCount = reader.u32();
  return { clockMs, resetCount, restartCount, safe: reader.flag() };
}

function takeSelections(reader: TpmReader): readonly PcrSelection[] {
  const count = reader.u32();
  if (count > SELECTIONS_MAX) reader.fail("size");
  const selections: PcrSelection[] = [];
  for (let i = 0; i < count && reader.fault === null; i += 1) {
    const algorithm = reader.u16();
    if (algorithm === ALGORITHM.none) reader.fail("value");
    const length = reader.u8();
    if (length > SELECT_BYTES_MAX) reader.fail("size");
    const pcrs: number[] = [];
    reader.bytes(length).forEach((byte, at) => {
      for (let bit = 0; bit < 8; bit += 1) if ((byte & (1 << bit)) !== 0) pcrs.push(at * 8 + bit);
    });
    selections.push({ algorithm, pcrs });
  }
  return selections;
}
