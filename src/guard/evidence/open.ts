import type { LogStanding } from "../../evidence/counter-judgement.js";
import { LogWriter } from "../../evidence/log-writer.js";
import { nameSegment, type SegmentLink } from "../../evidence/segment.js";
import type { Found } from "../../evidence/scan.js";
import type { Us } from "../../kernel/units.js";
import type { AnchorKey, Clock, CommitKeys, EvidenceDisk, EvidenceFile, Signer } from "../ports.js";
import { Checkpointer } from "./checkpointer.js";
import { recoverLog, type Recovery, type RecoveryVisitor } from "./recover.js";
import { sha256 } from "./sha256.js";
import { hasNoRoom, type OpenSegment, type Reserve } from "./segment-files.js";
import type { SignedStore } from "./signed-store.js";
import { LogStore } from "./store.js";

export type EvidenceOptions = {
  readonly disk: EvidenceDisk;
  readonly clock: Clock;
  readonly signer: Signer;
  /** Keys that sign commits, one group behind; without them commits are roots alone. */
  readonly commitKeys?: CommitKeys;
  /** Name of this gateway in checkpoints. */
  readonly gateway: string;
  /** 16 random bytes of this run. */
  readonly bootId: Uint8Array;
  /** A segment longer than this is followed by a new one. */
  readonly segmentBytesMax?: number;
  /** Room for when the disk is full; without it a full disk ends the writing. */
  readonly reserve?: {
    /** Called once, when it is full for entries. */
    readonly release: Reserve;
    /** Gives so many bytes of it, to be made again later: for the end of the log that a start has to keep first. */
    readonly lend: (bytes: number) => Promise<boolean>;
  };
  /** Entries wait so long for others before they are written; at most 20 ms. Default 0. */
  readonly commitEveryUs?: Us;
  /** Gets what the log says about the state before this run, before `openEvidence` returns. */
  readonly visitor: RecoveryVisitor;
  /**
   * The segment is full: append the entries of `segmentOpening` now, before returning, with the next seqs, and one that
   * names the key (SPKI) which waits to take over, where one does.
   * Never called while another entry is being appended.
   */
  readonly rotate: (link: SegmentLink, nextKey: Uint8Array | null) => void;
  /** As the checkpointer's: asked when the key was found to be the right one. */
  readonly admit?: (anchors: AnchorKey) => string | null;
  /** Plain words for the operator's log: what went wrong without stopping evidence. */
  readonly report: (text: string) => void;
};

export type Recovered = {
  readonly found: Found;
  /** As the boot entry wants them. */
  readonly fromSeq: number;
  readonly cutBytes: number;
  readonly cutHash: Uint8Array | null;
  /** Seq of the first entry this run will write. */
  readonly nextSeq: number;
  /** Number of this run, from 1. */
  readonly boot: number;
  /** Digests of the profiles whose exact bytes the log holds already. */
  readonly profiles: readonly Uint8Array[];
  /**
   * Not null after damage: the old segment is left as it is, and the entries of `segmentOpening` with this
   * link must be the first that are appended, before the boot entry.
   */
  readonly link: SegmentLink | null;
  /** What is held against the TPM's counters; when anchors were written last, in UTC seconds. */
  readonly standing: LogStanding & { readonly anchoredUtcS: readonly number[] };
};

export const SEGMENT_BYTES: number = 16 * 1024 * 1024;

/**
 * Opens the log for writing. An end that a crash left unfinished is cut off, and kept aside in a file of
 * its own before that; damage in the middle is never cut: the segment stays as it is and a new one begins.
 * Where there is no room to keep that end, not in the reserve either, everything stays as it is and the store takes no entry:
 * it has failed. Rejects when the disk fails otherwise; `disk` stays the caller's then.
 */
export async function openEvidence(
  options: EvidenceOptions,
): Promise<{ readonly store: SignedStore; readonly recovered: Recovered }> {
  const { disk } = options;
  await removeUnfinished(disk);
  const recovery = await recoverLog(disk, options.visitor);
  const isDamaged = recovery.found === "damaged";
  const segment = isDamaged ? null : await openSegment(options, recovery);
  const boot = recovery.boot + 1;
  const writer = new LogWriter(sha256, recovery.tree, recovery.last);
  const store = new LogStore({
    disk,
    clock: options.clock,
    bootId: options.bootId,
    boot,
    writer,
    segment,
    segmentBytesMax: options.segmentBytesMax ?? SEGMENT_BYTES,
    reserve: options.reserve?.release ?? NO_RESERVE,
    commitEveryUs: options.commitEveryUs ?? 0,
    covered: recovery.checkpoint?.size ?? 0,
    log: recovery.log,
    profiles: recovery.profiles,
    anchor: recovery.anchor,
    token: recovery.token,
    rotate: options.rotate,
    report: options.report,
    checkpointer: (hooks) =>
      new Checkpointer({
        ...hooks,
        tree: recovery.tree,
        clock: options.clock,
        signer: options.signer,
        commitKeys: options.commitKeys ?? null,
        admit: options.admit,
        gateway: options.gateway,
        boot,
        newest: recovery.checkpoint,
        watcher: recovery.watcher,
        counted: recovery.counted,
        report: options.report,
      }),
  });
  if (segment === null && !isDamaged)
    store.giveUp("the disk has no room for what a start must keep");
  const recovered: Recovered = {
    found: recovery.found,
    fromSeq: recovery.fromSeq,
    cutBytes: recovery.cut?.bytes.length ?? 0,
    cutHash: recovery.cut === null ? null : sha256(recovery.cut.bytes),
    nextSeq: recovery.tree.size,
    boot,
    profiles: recovery.profiles,
    standing: recovery,
    link: isDamaged ? store.link(recovery.lost) : null,
  };
  return { store, recovered };
}

/** A segment without its name was never reported durable. */
async function removeUnfinished(disk: EvidenceDisk): Promise<void> {
  const names = (await disk.list()).filter((name) => name.endsWith(".tmp"));
  for (const name of names) await disk.remove(name);
}

/** A file takes whole blocks, and its name room in the directory. */
const ROUNDING_BYTES = 256 * 1024;

const NO_RESERVE: Reserve = async () => await Promise.resolve(false);

/** Null: there is no room for what has to be written before the next entry. A guard without evidence still guards the plant. */
async function openSegment(
  options: EvidenceOptions,
  recovery: Recovery,
): Promise<OpenSegment | null> {
  const { disk, report } = options;
  if (recovery.segment === null) {
    return { name: nameSegment(0), file: await createFirst(disk), length: 0 };
  }
  const { name, length } = recovery.segment;
  if (recovery.cut !== null) {
    const { from, bytes } = recovery.cut;
    if (!(await keepAside(options, `cut-${name}-${from}`, bytes))) {
      report(`evidence: the disk is full; ${name} stays as it is, and this run records nothing`);
      return null;
    }
  }
  const file = await disk.append(name);
  if (recovery.cut !== null) await file.truncate(length);
  // Also what a dying process wrote and never synced is on disk before anything builds on it.
  await file.sync();
  return { name, file, length };
}

async function createFirst(disk: EvidenceDisk): Promise<EvidenceFile> {
  const file = await disk.append(nameSegment(0));
  await file.sync();
  await disk.syncNames();
  return file;
}

/** False: there is no room, and nothing is left of the attempt. */
async function keepAside(
  { disk, reserve, report }: EvidenceOptions,
  name: string,
  bytes: Uint8Array,
): Promise<boolean> {
  if (await tryToKeep(disk, name, bytes)) return true;
  if ((await reserve?.lend(bytes.length + ROUNDING_BYTES)) !== true) return false;
  report(
    "evidence: the disk is full; the unfinished end of the log is kept in room of the reserve",
  );
  return await tryToKeep(disk, name, bytes);
}

async function tryToKeep(disk: EvidenceDisk, name: string, bytes: Uint8Array): Promise<boolean> {
  try {
    const file = await disk.append(`${name}.tmp`);
    try {
      let at = 0;
      while (at < bytes.length) at += await file.write(bytes.subarray(at));
      await file.sync();
    } finally {
      await file.close();
    }
    await disk.rename(`${name}.tmp`, `${name}.bin`);
    await disk.syncNames();
    return true;
  } catch (error) {
    if (!hasNoRoom(error)) throw error;
    // Where it was not even made, or its name was given already, there is nothing to remove.
    await disk.remove(`${name}.tmp`).catch(() => undefined);
    return false;
  }
}
