import { ES256, verifySign1 } from "../codec/cose/sign1.js";
import { decodeBundle, type BundleItem, type ProofBundle } from "./bundle.js";
import { BundleFindings, type BundleCheck } from "./bundle-findings.js";
import type { CertificateTrust } from "./certificate.js";
import { readCheckpoint, type Checkpoint, type CheckpointClaim } from "./checkpoint.js";
import { decodeEntry, type ReadEntry } from "./decode-entry.js";
import { FRAME_KIND, type Sha256 } from "./frame.js";
import { hex } from "./hex.js";
import { checkKeyBundle } from "./key-bundle.js";
import { checkEarlier, checkGrowth, checkPeriod, type Period } from "./verify-growth.js";
import type { DecisionBody, EntryBody } from "../kernel/record/entry.js";
import { equalBytes, verifyInclusion } from "./merkle-proof.js";
import type { VerifySignature } from "./verify-checkpoints.js";
import { checkOutside, type IsStamped } from "./verify-outside.js";
import { checkVerdicts, type BundleProfiles } from "./verify-verdicts.js";

export type BundleOptions = {
  readonly sha256: Sha256;
  readonly verifySignature: VerifySignature;
  /** Keys (SPKI) that alone may have signed; null: whichever the bundle brings. */
  readonly trusted: readonly Uint8Array[] | null;
  /** What says whose key it is; its roots are the other way of naming whom one trusts. */
  readonly certificates: CertificateTrust;
  /** A profile's exact bytes that the decisions must name, besides any in the bundle. */
  readonly profile: Uint8Array | null;
  /** File of a checkpoint, or of another bundle, that somebody kept from before: the log must have grown from it. */
  readonly earlier?: Uint8Array | null;
  /** Numbers of entries that must all be here. */
  readonly period?: Period | null;
  /** Judge every verdict again by these; null: not asked. */
  readonly replay?: BundleProfiles | null;
  /** Who signed a time stamp; null: not asked. */
  readonly isStamped?: IsStamped | null;
};

export type BundleReport = {
  readonly checks: readonly BundleCheck[];
  readonly ok: boolean;
  /** What the checkpoint says; null: there is none that can be read. */
  readonly claim: CheckpointClaim | null;
  /** Those that can be read, in the order of the bundle. */
  readonly entries: readonly ReadEntry[];
  /** SHA-256 of the key (SPKI) that is in the bundle. */
  readonly key: string | null;
  readonly software: boolean;
};

/**
 * Checks a proof bundle on its own: one signature, then a path to its root for every entry. It shows that the
 * entries stand so in a log that this key signed; whose key that is, `trusted` says, or the roots, or nobody.
 */
export function verifyBundle(bytes: Uint8Array, options: BundleOptions): BundleReport {
  const replay = options.replay ?? null;
  const findings = new BundleFindings({ replays: replay !== null });
  const decoded = decodeBundle(bytes);
  findings.look("form", decoded.ok ? null : decoded.why);
  if (!decoded.ok) return report(findings, { claim: null, entries: [], bundle: null }, options);
  const { bundle } = decoded;
  const checkpoint = readSigned(bundle.checkpoint, findings);
  const seen = bundle.items.map((item) => readItem(item, findings, options.sha256));
  const entries = seen.flatMap(({ read: entry }) => (entry === null ? [] : [entry]));
  if (checkpoint !== null) {
    checkKey(bundle, checkpoint, { findings, options });
    for (const item of seen) checkPath(item, checkpoint, { findings, options });
  }
  checkOrder(seen, findings);
  const asked = options.period ?? null;
  const period = checkPeriod(bundle, { checkpoint, asked }, findings);
  if (checkpoint !== null) {
    checkGrowth(bundle, checkpoint, { findings, options });
    checkEarlier(bundle, checkpoint, { findings, options });
  }
  checkOutcomes(entries, period, findings);
  checkProfile(bundle, entries, { findings, options });
  checkSpan(bundle, entries, { findings, options });
  checkKeyBundle(bundle.key, checkpoint?.claim.gateway ?? null, { findings, ...options });
  checkOutside(bundle, checkpoint, { findings, options });
  if (replay !== null) checkVerdicts(entries, replay, findings);
  return report(findings, { claim: checkpoint?.claim ?? null, entries, bundle }, options);
}

type Seen = {
  readonly item: BundleItem;
  readonly leafHash: Uint8Array;
  readonly read: ReadEntry | null;
};

type By = { readonly findings: BundleFindings; readonly options: BundleOptions };

const CANNOT = "it is there, and this version cannot check it";

function report(
  findings: BundleFindings,
  of: Pick<BundleReport, "claim" | "entries"> & { readonly bundle: ProofBundle | null },
  options: BundleOptions,
): BundleReport {
  const checks = findings.results();
  const { claim, entries, bundle } = of;
  const key = bundle === null ? null : hex(options.sha256(bundle.key.spki));
  const ok = checks.every(({ status }) => status !== "FAIL");
  return { checks, ok, claim, entries, key, software: bundle?.key.software === true };
}

function readSigned(bytes: Uint8Array, findings: BundleFindings): Checkpoint | null {
  const read = readCheckpoint(bytes);
  findings.look("checkpoint", read.ok ? null : read.why);
  return read.ok ? read.checkpoint : null;
}

function readItem(item: BundleItem, findings: BundleFindings, sha256: Sha256): Seen {
  const decoded = decodeEntry(item.entry);
  const why = `entry at path ${item.proof.index} is none in its one canonical form`;
  findings.look("entries", decoded.ok ? null : why);
  return { item, leafHash: hashLeaf(item.entry, sha256), read: decoded.ok ? decoded : null };
}

function hashLeaf(entry: Uint8Array, sha256: Sha256): Uint8Array {
  const leaf = new Uint8Array(entry.length + 1);
  leaf[0] = FRAME_KIND.leaf;
  leaf.set(entry, 1);
  return sha256(leaf);
}

function checkKey(bundle: ProofBundle, checkpoint: Checkpoint, { findings, options }: By): void {
  const { spki } = bundle.key;
  const { kid } = checkpoint.claim;
  const isNamed = equalBytes(options.sha256(spki), kid);
  findings.look("key", isNamed ? null : `it names key ${short(kid)}, and another is here`);
  if (options.trusted !== null) {
    const isTrusted = options.trusted.some((known) => equalBytes(known, spki));
    findings.look("trust", isTrusted ? null : "it is not a trusted key");
  }
  const verify = (toBeSigned: Uint8Array, signature: Uint8Array): boolean =>
    options.verifySignature(spki, toBeSigned, signature);
  const isSigned = verifySign1(checkpoint.sign1, { algorithm: ES256, verify });
  findings.look("signature", isSigned ? null : "its signature does not verify");
}

function checkPath(seen: Seen, { claim, root }: Checkpoint, { findings, options }: By): void {
  const { proof } = seen.item;
  const which = seen.read === null ? `entry at path ${proof.index}` : `entry ${seqOf(seen.read)}`;
  const sized = proof.size === claim.size;
  findings.look(
    "sizes",
    sized ? null : `${which}: its path is for ${proof.size} entries, ${claim.size} are signed`,
  );
  if (seen.read !== null) {
    const placed = seqOf(seen.read) === proof.index;
    findings.look("places", placed ? null : `${which}: its path is for number ${proof.index}`);
  }
  const leads = verifyInclusion(proof, seen.leafHash, root, options.sha256);
  findings.look("paths", leads ? null : `${which}: its path leads to another root`);
}

function checkOrder(seen: readonly Seen[], findings: BundleFindings): void {
  let before: Seen | null = null;
  for (const item of seen) {
    if (item.read === null) continue;
    const seq = seqOf(item.read);
    const last: number = before?.read == null ? -1 : seqOf(before.read);
    findings.look("order", seq > last ? null : `entry ${seq} comes after entry ${last}`);
    if (before !== null && seq === last + 1) {
      const linked = equalBytes(item.read.prev, before.leafHash);
      findings.look("chain", linked ? null : `entry ${seq} does not name entry ${last}`);
    }
    before = item;
  }
}

/** `period`: entries without a gap, from which a permit that is not here came before the first of them. */
function checkOutcomes(
  entries: readonly ReadEntry[],
  period: Period | null,
  findings: BundleFindings,
): void {
  const permits = new Map<string, number>();
  const open = new Set<number>();
  const before: number[] = [];
  for (const { entry } of entries) {
    const { body, seq } = entry;
    if (isPermit(body)) {
      permits.set(hex(body.id), seq);
      open.add(seq);
    } else if (body.type === "outcome") {
      const permit = permits.get(hex(body.id));
      if (permit !== undefined) open.delete(permit);
      if (permit === undefined && period !== null && period.from > 0) before.push(seq);
      else {
        const why = permit === undefined ? `outcome ${seq} has no permit here` : null;
        findings.look("outcomes", why);
      }
    }
  }
  const [first] = open;
  const [earliest] = before;
  const notes: string[] = [];
  if (earliest !== undefined) {
    notes.push(`of outcome ${earliest} it came before entry ${period?.from ?? 0}`);
  }
  if (first !== undefined) notes.push(`the outcome of permit ${first} is not here`);
  if (notes.length > 0) findings.note("outcomes", notes.join(", "));
}

function isPermit(body: EntryBody): body is DecisionBody {
  return body.type === "decision" && (body.verdict === "permit" || body.verdict === "clamp");
}

function checkProfile(
  bundle: ProofBundle,
  entries: readonly ReadEntry[],
  { findings, options }: By,
): void {
  for (const profile of [bundle.profile, options.profile]) {
    if (profile === null) continue;
    const digest = options.sha256(profile);
    const decisions = entries.flatMap(({ entry: { seq, body } }) =>
      body.type === "decision" ? [{ seq, named: body.profile }] : [],
    );
    if (decisions.length === 0) findings.look("profile", "no decision here names a profile");
    for (const { seq, named } of decisions) {
      const why = `decision ${seq} names profile ${short(named)}, this one is ${short(digest)}`;
      findings.look("profile", equalBytes(named, digest) ? null : why);
    }
  }
  if (bundle.profileSignatures.length > 0) findings.look("people", CANNOT);
}

function checkSpan({ key }: ProofBundle, entries: readonly ReadEntry[], by: By): void {
  for (const read of key.validSeq === null ? [] : entries) {
    const seq = seqOf(read);
    const { from, to } = key.validSeq ?? { from: 0, to: -1 };
    const why = `entry ${seq}: the key is for entries ${from} to ${to}`;
    by.findings.look("key", seq >= from && seq <= to ? null : why);
  }
}

function seqOf({ entry }: ReadEntry): number {
  return entry.seq;
}

function short(hash: Uint8Array): string {
  return hex(hash).slice(0, 16);
}
