import { PDU_BYTES_MAX } from "./limits.js";
import type { IdentifyRequest } from "./pdu-request.js";

/** One object of 43/14 (V1.1b3 section 6.21). Ids 0..6 are named there; 0x80..0xFF are the vendor's own. */
export type IdentityObject = { readonly id: number; readonly value: Uint8Array };

export type Identity = {
  readonly kind: "identity";
  /** What was asked for. */
  readonly level: 1 | 2 | 3 | 4;
  /** 0x01..0x03, or 0x81..0x83 when single objects can be read as well. */
  readonly conformity: number;
  /** Object to ask for next; null: that was the last. */
  readonly next: number | null;
  readonly objects: readonly IdentityObject[];
};

/** Standard objects. The first three are the basic level and always there. */
export const IDENTITY_OBJECTS = {
  vendorName: 0,
  productCode: 1,
  majorMinorRevision: 2,
  vendorUrl: 3,
  productName: 4,
  modelName: 5,
  userApplicationName: 6,
} as const;

const HEAD_BYTES = 7;
const OBJECT_HEAD_BYTES = 2;
const CONFORMITIES: ReadonlySet<number> = new Set([1, 2, 3, 0x81, 0x82, 0x83]);
const LAST_OF_LEVEL = { 1: 0x02, 2: 0x7f, 3: 0xff } as const;

/**
 * Picks from `objects` (rising ids, values of at most 244 bytes so that each fits a PDU alone) what answers the
 * request: as many as fit, and where to go on. A stream asked for from an unknown id starts at the first; a
 * single object that is not there is null, which exception 2 answers.
 */
export function identify(
  request: IdentifyRequest,
  objects: readonly IdentityObject[],
): Identity | null {
  const conformity = 0x80 | levelOf(objects);
  const common = { kind: "identity", level: request.level, conformity } as const;
  if (request.level === 4) {
    const one = objects.find(({ id }) => id === request.object);
    return one === undefined || OBJECT_HEAD_BYTES + one.value.length > room()
      ? null
      : { ...common, next: null, objects: [one] };
  }
  const last = LAST_OF_LEVEL[request.level];
  const stream = objects.filter(({ id }) => id <= last);
  const at = stream.findIndex(({ id }) => id === request.object);
  const wanted = stream.slice(Math.max(0, at));
  const fitting = takeFitting(wanted);
  return { ...common, next: wanted[fitting.length]?.id ?? null, objects: fitting };
}

/** Null when an object or the whole does not fit. */
export function encodeIdentity(identity: Identity): Uint8Array | null {
  const bytes = identity.objects.reduce((sum, { value }) => sum + 2 + value.length, HEAD_BYTES);
  if (bytes > PDU_BYTES_MAX || identity.objects.length > 0xff) return null;
  const pdu = new Uint8Array(bytes);
  const more = identity.next === null ? 0 : 0xff;
  const { level, conformity, next, objects } = identity;
  pdu.set([43, 14, level, conformity, more, next ?? 0, objects.length]);
  let at = HEAD_BYTES;
  for (const { id, value } of objects) {
    pdu[at] = id;
    pdu[at + 1] = value.length;
    pdu.set(value, at + OBJECT_HEAD_BYTES);
    at += OBJECT_HEAD_BYTES + value.length;
  }
  return pdu;
}

/** Null when anything in it does not agree with the rest or with the request. */
export function parseIdentity(request: IdentifyRequest, pdu: Uint8Array): Identity | null {
  if (pdu.length < HEAD_BYTES || pdu[1] !== 14 || pdu[2] !== request.level) return null;
  const conformity = pdu[3] ?? 0;
  const next = pdu[4] === 0 ? null : (pdu[5] ?? 0);
  if (!CONFORMITIES.has(conformity) || (next !== null && pdu[4] !== 0xff)) return null;
  const objects = readObjects(pdu, pdu[6] ?? 0);
  if (objects === null) return null;
  if (request.level === 4 && !isOne(objects, request.object, next)) return null;
  return { kind: "identity", level: request.level, conformity, next, objects };
}

/** Null when the objects claimed and the bytes there are do not come out even. */
function readObjects(pdu: Uint8Array, count: number): IdentityObject[] | null {
  const objects: IdentityObject[] = [];
  let at = HEAD_BYTES;
  for (let n = 0; n < count; n += 1) {
    const id = pdu[at];
    const length = pdu[at + 1];
    if (id === undefined || length === undefined) return null;
    const from = at + OBJECT_HEAD_BYTES;
    at = from + length;
    if (at > pdu.length) return null;
    // Not slice(): on a runtime's own byte arrays that may be a view of the receive buffer.
    objects.push({ id, value: Uint8Array.from(pdu.subarray(from, at)) });
  }
  return at === pdu.length ? objects : null;
}

function isOne(objects: readonly IdentityObject[], id: number, next: number | null): boolean {
  return next === null && objects.length === 1 && objects[0]?.id === id;
}

function takeFitting(objects: readonly IdentityObject[]): readonly IdentityObject[] {
  let left = room();
  const fitting: IdentityObject[] = [];
  for (const object of objects) {
    left -= OBJECT_HEAD_BYTES + object.value.length;
    if (left < 0) break;
    fitting.push(object);
  }
  return fitting;
}

function levelOf(objects: readonly IdentityObject[]): number {
  const highest = objects.at(-1)?.id ?? 0;
  if (highest > LAST_OF_LEVEL[2]) return 3;
  return highest > LAST_OF_LEVEL[1] ? 2 : 1;
}

function room(): number {
  return PDU_BYTES_MAX - HEAD_BYTES;
}
