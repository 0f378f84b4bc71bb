import { createHash, generateKeyPairSync, sign, verify } from "node:crypto";
import { openEvidence, type Recovered } from "../../src/guard/evidence/open.js";
import type { RecoveryVisitor } from "../../src/guard/evidence/recover.js";
import type { SignedStore } from "../../src/guard/evidence/signed-store.js";
import type {
  Clock,
  CommitKeys,
  EvidenceDisk,
  EvidenceStore,
  Signer,
} from "../../src/guard/ports.js";
import { LogVerifier, type VerifyReport } from "../../src/evidence/verify.js";
import { readSegmentName, segmentOpening, type SegmentLink } from "../../src/evidence/segment.js";
import type { Entry, EntryBody } from "../../src/kernel/record/entry.js";
import { bootBody, bytes, decisionBody, entryOf, outcomeBody, sha256 } from "./evidence-samples.js";
import { testCommitKeys, verifyTestCommit } from "./commit-keys.js";
import type { ForgetfulDisk } from "./evidence-disk.js";

/** Time that stands still until a test moves it. */
export class StillClock implements Clock {
  us = 1_000_000;
  private timers: { readonly atUs: number; readonly run: () => void }[] = [];

  nowUs = (): number => this.us;
  utcUs = (): number => 1_790_000_000_000_000 + this.us;
  quality = (): 2 => 2;
  at = (atUs: number, run: () => void): (() => void) => {
    const timer = { atUs, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  };

  advance(us: number): void {
    this.us += us;
    const due = this.timers.filter(({ atUs }) => atUs <= this.us);
    this.timers = this.timers.filter(({ atUs }) => atUs > this.us);
    for (const { run } of due) run();
  }
}

const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
export const SPKI: Uint8Array = pair.publicKey.export({ type: "spki", format: "der" });

export function testSigner(gate: () => Promise<void> = async () => Promise.resolve()): Signer {
  return {
    kind: "file",
    spki: SPKI,
    kid: createHash("sha256").update(SPKI).digest(),
    raise: null,
    sign: async (toBeSigned) => {
      await gate();
      return sign("sha256", toBeSigned, { key: pair.privateKey, dsaEncoding: "ieee-p1363" });
    },
  };
}

export type Opened = {
  readonly store: SignedStore;
  readonly recovered: Recovered;
  readonly entries: readonly Entry[];
  readonly snapshots: readonly Uint8Array[];
  readonly links: SegmentLink[];
  readonly reports: string[];
  readonly durable: number[];
  readonly failures: string[];
  readonly clock: StillClock;
};

export type OpenWith = {
  readonly segmentBytesMax?: number;
  readonly signer?: Signer;
  /** Null: commits are roots alone. */
  readonly commitKeys?: CommitKeys | null;
  /** Instead of the disk's own. */
  readonly port?: EvidenceDisk;
  readonly reserve?: NonNullable<Parameters<typeof openEvidence>[0]["reserve"]>;
  readonly admit?: () => string | null;
  readonly commitEveryUs?: number;
  readonly rotate?: (store: EvidenceStore, link: SegmentLink) => void;
};

/** A store on this disk, with everything it tells written down. */
export async function openOn(disk: ForgetfulDisk, given: OpenWith = {}): Promise<Opened> {
  const entries: Entry[] = [];
  const snapshots: Uint8Array[] = [];
  const links: SegmentLink[] = [];
  const reports: string[] = [];
  const durable: number[] = [];
  const failures: string[] = [];
  const clock = new StillClock();
  const holder: { store: EvidenceStore | null } = { store: null };
  const visitor: RecoveryVisitor = {
    snapshot: ({ state }) => snapshots.push(state),
    entry: (entry) => entries.push(entry),
  };
  const { commitKeys = testCommitKeys() } = given;
  const { store, recovered } = await openEvidence({
    disk: given.port ?? disk.port(),
    ...(commitKeys === null ? {} : { commitKeys }),
    clock,
    signer: given.signer ?? testSigner(),
    ...(given.admit === undefined ? {} : { admit: given.admit }),
    gateway: "gw-test",
    bootId: bytes(16, 9),
    ...(given.segmentBytesMax === undefined ? {} : { segmentBytesMax: given.segmentBytesMax }),
    ...(given.reserve === undefined ? {} : { reserve: given.reserve }),
    ...(given.commitEveryUs === undefined ? {} : { commitEveryUs: given.commitEveryUs }),
    visitor,
    rotate: (link) => {
      links.push(link);
      if (holder.store !== null) given.rotate?.(holder.store, link);
    },
    report: (text) => reports.push(text),
  });
  holder.store = store;
  store.onDurable((seq) => durable.push(seq));
  store.onFailed((why) => failures.push(why));
  return { store, recovered, entries, snapshots, links, reports, durable, failures, clock };
}

/** Boot and key entries, then permits with their outcomes: `count` entries in all. */
export function sampleLog(from: number, count: number, boot = 1): readonly Entry[] {
  const bodies: EntryBody[] = [bootBody(boot), { type: "key", event: "made", spki: SPKI }];
  for (let i = 0; bodies.length < count; i += 1) {
    const id = (from + i) % 256;
    bodies.push(decisionBody(id), outcomeBody(id));
  }
  return bodies.slice(0, count).map((body, i) => entryOf(body, from + i));
}

/** What a guard does when it is asked to open a segment. */
export function openNext(store: EvidenceStore, link: SegmentLink, stateBytes = 50_000): void {
  segmentOpening(
    link,
    { semantics: 1, profile: bytes(32, 7), state: bytes(stateBytes, 1), foldedTo: link.size - 1 },
    sha256,
  ).forEach((body, i) => {
    store.append(entryOf(body, link.size + i));
  });
}

export function appendAll(store: EvidenceStore, entries: readonly Entry[]): void {
  for (const entry of entries) store.append(entry);
}

/** Until nothing of the store is under way any more: many turns of the loop, no time. */
export async function settle(turns = 50): Promise<void> {
  for (let i = 0; i < turns; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

const verified = new Map<string, boolean>();

/** The same signature over the same bytes is checked once: some tests verify one log thousands of times. */
function verifyOnce(toBeSigned: Uint8Array, signature: Uint8Array): boolean {
  const name = Buffer.concat([signature, toBeSigned]).toString("latin1");
  const known = verified.get(name);
  if (known !== undefined) return known;
  const ieee = { key: pair.publicKey, dsaEncoding: "ieee-p1363" } as const;
  const holds = verify("sha256", toBeSigned, ieee, signature);
  verified.set(name, holds);
  return holds;
}

export function verifyFiles(files: ReadonlyMap<string, Uint8Array>): VerifyReport {
  const verifier = new LogVerifier({
    sha256,
    verifySignature: (spki, toBeSigned, signature) =>
      Buffer.from(spki).equals(SPKI) && verifyOnce(toBeSigned, signature),
    verifyCommit: verifyTestCommit,
    trusted: null,
  });
  for (const name of [...files.keys()].filter((one) => readSegmentName(one) !== null).sort()) {
    verifier.segment(name, files.get(name) ?? new Uint8Array(0));
  }
  return verifier.finish();
}

export function failed(report: VerifyReport): readonly string[] {
  return report.checks.filter(({ status }) => status === "FAIL").map(({ id }) => id);
}
