import type { SignedAttest } from "./attest.js";
import { attestParameters, parseSignedAttest } from "./certify.js";
import { parseNothing, type TpmCommand } from "./command.js";
import { COMMAND, HIERARCHY, SIZE } from "./constant.js";
import { entityOf, type TpmEntity } from "./name.js";
import { encodeNvPublic, NV_COUNTER_SIZE, takeNvPublic, type NvPublic } from "./nv-public.js";
import { parseWhole, TpmReader } from "./reader.js";
import { TpmWriter } from "./writer.js";

/** TPM2_NV_DefineSpace (Library Part 3, 31.3). */
export function nvDefineSpace(area: NvPublic, auth: Uint8Array): TpmCommand<null> {
  return {
    title: "TPM2_NV_DefineSpace",
    code: COMMAND.nvDefineSpace,
    entities: [entityOf(HIERARCHY.owner)],
    authorised: 1,
    parameters: new TpmWriter().sized(auth).sized(encodeNvPublic(area)).done(),
    seals: { command: true, response: false },
    makesHandle: false,
    parse: parseNothing,
  };
}

/** TPM2_NV_Increment (Library Part 3, 31.8), authorised by the index itself. Sent twice it counts twice. */
export function nvIncrement(index: TpmEntity): TpmCommand<null> {
  return {
    title: "TPM2_NV_Increment",
    code: COMMAND.nvIncrement,
    entities: [index, index],
    authorised: 1,
    parameters: new Uint8Array(0),
    seals: { command: false, response: false },
    makesHandle: false,
    parse: parseNothing,
  };
}

/** Some of what an NV index holds: both are at most 65,535, and TPMs limit the size further. */
export type NvPart = { readonly offset: number; readonly size: number };

/** TPM2_NV_Read (Library Part 3, 31.13), authorised by the index itself. The answer is exactly as long as asked for. */
export function nvRead(index: TpmEntity, part: NvPart): TpmCommand<Uint8Array> {
  return readPart(index, part, (reader) => reader.sized(part.size, part.size));
}

/** The same of a counter. */
export function nvReadCounter(index: TpmEntity): TpmCommand<bigint> {
  return readPart(index, { offset: 0, size: NV_COUNTER_SIZE }, (reader) =>
    reader.nested(NV_COUNTER_SIZE, (counter) => counter.u64()),
  );
}

export type NvIndexPublic = {
  readonly area: NvPublic;
  /** TPMS_NV_PUBLIC exactly as the TPM gave it. */
  readonly publicArea: Uint8Array;
  /** As the TPM says it. */
  readonly name: Uint8Array;
};

/** TPM2_NV_ReadPublic (Library Part 3, 31.6). */
export function nvReadPublic(index: number): TpmCommand<NvIndexPublic> {
  return {
    title: "TPM2_NV_ReadPublic",
    code: COMMAND.nvReadPublic,
    entities: [entityOf(index)],
    authorised: 0,
    parameters: new Uint8Array(0),
    seals: { command: false, response: true },
    makesHandle: false,
    parse: (parameters) =>
      parseWhole(parameters, (reader) => {
        const publicArea = reader.sized(SIZE.publicArea, 1);
        const name = reader.sized(SIZE.name, SIZE.name);
        const inner = new TpmReader(publicArea);
        const area = takeNvPublic(inner);
        const fault = inner.finish();
        if (fault !== null) reader.fail(fault.code, fault.at + 2);
        return { area, publicArea, name };
      }),
  };
}

/** TPM2_NV_Certify (Library Part 3, 31.16) of a whole counter. The signer and the index are authorised. */
export function nvCertify(
  signer: TpmEntity,
  index: TpmEntity,
  qualifying: Uint8Array,
): TpmCommand<SignedAttest> {
  return {
    title: "TPM2_NV_Certify",
    code: COMMAND.nvCertify,
    entities: [signer, index, index],
    authorised: 2,
    parameters: attestParameters(qualifying).u16(NV_COUNTER_SIZE).u16(0).done(),
    seals: { command: true, response: true },
    makesHandle: false,
    parse: parseSignedAttest,
  };
}

function readPart<T>(
  index: TpmEntity,
  { offset, size }: NvPart,
  take: (reader: TpmReader) => T,
): TpmCommand<T> {
  return {
    title: "TPM2_NV_Read",
    code: COMMAND.nvRead,
    entities: [index, index],
    authorised: 1,
    parameters: new TpmWriter().u16(size).u16(offset).done(),
    seals: { command: false, response: true },
    makesHandle: false,
    parse: (parameters) => parseWhole(parameters, take),
  };
}
