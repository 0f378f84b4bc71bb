import { randomBytes } from "node:crypto";
import { HIERARCHY } from "../../codec/tpm2/constant.js";
import { create, load } from "../../codec/tpm2/create.js";
import { createPrimary } from "../../codec/tpm2/create-primary.js";
import { evictControl } from "../../codec/tpm2/evict-control.js";
import { entityOf, nameOf, type TpmEntity } from "../../codec/tpm2/name.js";
import { parsePublic, templateOf, TPM_OBJECTS } from "../../codec/tpm2/public-area.js";
import type { EccPublic, TpmObjectKind } from "../../codec/tpm2/public-area.js";
import { readPublic, type ObjectPublic } from "../../codec/tpm2/read-public.js";
import { NOTHING_THERE } from "../../codec/tpm2/response-code.js";
import { sign } from "../../codec/tpm2/sign.js";
import { sha256 } from "./key-derivation.js";
import { faultOf, type TpmResult } from "./result.js";
import type { Tpm } from "./tpm.js";
import type { TpmLine } from "./tpm-line.js";

/** An object at its handle, with exactly the attributes of its kind; the Name is computed, not believed. */
export type TpmKey = TpmEntity & {
  /** TPMT_PUBLIC exactly as the TPM gave it. */
  readonly publicArea: Uint8Array;
  readonly area: EccPublic;
};

/** A key and the value that lets one use it. */
export type KeyUse = { readonly key: TpmEntity; readonly auth: Uint8Array };

/** Empty where nobody has taken ownership, as on most machines. */
export type HierarchyAuths = { readonly owner: Uint8Array; readonly endorsement: Uint8Array };

/**
 * The storage root that is there, or a new one. Runs without sessions, since there is nothing yet to salt one to: the
 * Name of what comes back is what is pinned from then on. Another object at its handle is a `mismatch`. An owner value that is
 * not empty crosses the bus as it is, here and nowhere else.
 */
export async function findStorageRoot(tpm: Tpm, owner: Uint8Array): Promise<TpmResult<TpmKey>> {
  const kind = TPM_OBJECTS.storageRoot;
  return await tpm.perform(async (line) => {
    const there = keyOf(kind, await line.plain(readPublic(entityOf(kind.handle))));
    if (!there.ok || there.value !== null) return there.ok ? wanted(there.value) : there;
    const template = templateOf(kind, new Uint8Array(32));
    const command = createPrimary(HIERARCHY.owner, template, new Uint8Array(0));
    const made = await line.withPassword(command, owner);
    if (!made.ok) return made;
    const { handle } = made.value;
    const name = nameOf(made.value.publicArea, sha256);
    const kept = await line.withPassword(evictControl({ handle, name }, kind.handle), owner);
    const flushed = await line.flush(handle);
    if (!kept.ok) return kept;
    if (!flushed.ok) return flushed;
    const read = keyOf(kind, await line.plain(readPublic(entityOf(kind.handle))));
    return read.ok ? wanted(read.value) : read;
  });
}

/** Null when nothing is at its handle; `mismatch` when it is not exactly of its kind. */
export async function readKey(tpm: Tpm, kind: TpmObjectKind): Promise<TpmResult<TpmKey | null>> {
  return await tpm.perform(async (line) => keyOf(kind, await line.readObject(kind.handle)));
}

/** A new evidence key under the storage root, kept at its handle; refused when one is there. */
export async function makeEvidenceKey(
  tpm: Tpm,
  auth: Uint8Array,
  owner: Uint8Array,
  kind: TpmObjectKind = TPM_OBJECTS.evidenceKey,
): Promise<TpmResult<TpmKey>> {
  return await tpm.perform(async (line) => {
    const root = await line.root();
    if (!root.ok) return root;
    // The storage root's own authorisation value is empty.
    const template = templateOf(kind, new Uint8Array(0));
    const wrapped = await line.authorised(create(root.value, template, auth), [NO_AUTH]);
    if (!wrapped.ok) return wrapped;
    const loaded = await line.authorised(load(root.value, wrapped.value), [NO_AUTH]);
    if (!loaded.ok) return loaded;
    return await keepKey(line, kind, { handle: loaded.value.handle, ...wrapped.value }, owner);
  });
}

/** A new attestation key in the endorsement hierarchy, kept at its handle; refused when one is there. */
export async function makeAttestationKey(
  tpm: Tpm,
  auth: Uint8Array,
  hierarchies: HierarchyAuths,
): Promise<TpmResult<TpmKey>> {
  const kind = TPM_OBJECTS.attestationKey;
  return await tpm.perform(async (line) => {
    // A primary is the same for the same template: this makes it a new key each time.
    const template = templateOf(kind, randomBytes(32));
    const command = createPrimary(HIERARCHY.endorsement, template, auth);
    const made = await line.authorised(command, [hierarchies.endorsement]);
    if (!made.ok) return made;
    return await keepKey(line, kind, made.value, hierarchies.owner);
  });
}

/**
 * Frees the handle of a key that is exactly of its kind and, where `name` is given, is that very one; what it signed stays
 * valid, it never signs again.
 */
export async function removeKey(
  tpm: Tpm,
  kind: TpmObjectKind,
  owner: Uint8Array,
  name: Uint8Array | null = null,
): Promise<TpmResult<null>> {
  return await tpm.perform(async (line) => {
    const there = keyOf(kind, await line.readObject(kind.handle));
    if (!there.ok) return there;
    if (there.value === null) return { ok: true, value: null };
    if (name !== null && !Buffer.from(name).equals(there.value.name)) {
      return faultOf("mismatch", `the key at 0x${kind.handle.toString(16)} is another one`);
    }
    return await line.authorised(evictControl(there.value, kind.handle), [owner]);
  });
}

/** ECDSA over a SHA-256 digest of 32 bytes: r || s. `unknown` may be asked again, a signature more does no harm. */
export async function signDigest(
  tpm: Tpm,
  { key, auth }: KeyUse,
  digest: Uint8Array,
): Promise<TpmResult<Uint8Array>> {
  return await tpm.perform(async (line) => await line.authorised(sign(key, digest), [auth]));
}

/** A TPMT_PUBLIC as a key of its kind; `mismatch` when it is not exactly that. */
export function parseKey(kind: TpmObjectKind, publicArea: Uint8Array): TpmResult<TpmKey> {
  const area = parsePublic(publicArea);
  const place = `the object at 0x${kind.handle.toString(16)}`;
  if (!area.ok)
    return faultOf("mismatch", `${place} is no P-256 key of the kind that belongs there`);
  const { use, attributes, policy } = area.value;
  if (use !== kind.use || attributes !== kind.attributes || policy.length !== 0) {
    const found = `0x${attributes.toString(16).padStart(8, "0")}`;
    return faultOf("mismatch", `${place} has not the attributes it must (${found})`);
  }
  const name = nameOf(publicArea, sha256);
  return { ok: true, value: { handle: kind.handle, name, publicArea, area: area.value } };
}

const NO_AUTH = new Uint8Array(0);

/** Moves a loaded key to its handle and reads it back from there. */
async function keepKey(
  line: TpmLine,
  kind: TpmObjectKind,
  loaded: { readonly handle: number; readonly publicArea: Uint8Array },
  owner: Uint8Array,
): Promise<TpmResult<TpmKey>> {
  const name = nameOf(loaded.publicArea, sha256);
  const entity = { handle: loaded.handle, name };
  const kept = await line.authorised(evictControl(entity, kind.handle), [owner]);
  const flushed = await line.flush(loaded.handle);
  if (!kept.ok) return kept;
  if (!flushed.ok) return flushed;
  const read = keyOf(kind, await line.readObject(kind.handle));
  if (!read.ok) return read;
  return wanted(read.value, name);
}

function keyOf(kind: TpmObjectKind, read: TpmResult<ObjectPublic>): TpmResult<TpmKey | null> {
  if (!read.ok) return read.fault.code === NOTHING_THERE ? { ok: true, value: null } : read;
  return parseKey(kind, read.value.publicArea);
}

function wanted(key: TpmKey | null, name: Uint8Array | null = null): TpmResult<TpmKey> {
  if (key === null) return faultOf("mismatch", "the key that was just kept is not there");
  if (name !== null && !Buffer.from(name).equals(key.name)) {
    return faultOf("mismatch", "the key that was just kept is another one");
  }
  return { ok: true, value: key };
}
