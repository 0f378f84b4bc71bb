import { describe, expect, it } from "vitest";
import {
  commitKeyId,
  encodeCommitKey,
  UNSIGNED_COMMITS_MAX,
} from "../../../src/evidence/commit-key.js";
import { commitSigned, draftCommit, finishCommit } from "../../../src/evidence/commit.js";
import type { CheckResult } from "../../../src/evidence/findings.js";
import { FRAME_KIND } from "../../../src/evidence/frame.js";
import { nameSegment } from "../../../src/evidence/segment.js";
import { LogVerifier, type VerifyReport } from "../../../src/evidence/verify.js";
import type { CommitKey, CommitKeys } from "../../../src/guard/ports.js";
import { stolenCommitKeys, testCommitKeys } from "../../support/commit-keys.js";
import { ForgetfulDisk } from "../../support/evidence-disk.js";
import {
  appendAll,
  failed,
  openNext,
  openOn,
  sampleLog,
  settle,
  verifyFiles,
} from "../../support/evidence-rig.js";
import { sha256 } from "../../support/evidence-samples.js";
import { putTogether, rootIn, signedIn, takeApart, type Piece } from "../../support/log-pieces.js";

const FIRST = nameSegment(0);

/** Two intervals: `groups` groups of two entries in each, after a checkpoint over the first entries. */
async function writeIntervals(
  groups: number,
  commitKeys: CommitKeys | null,
  disk = new ForgetfulDisk(),
): Promise<ForgetfulDisk> {
  const { store, clock, recovered } = await openOn(disk, { commitKeys });
  const from = recovered.nextSeq;
  const log = sampleLog(0, 2 + 4 * groups, recovered.boot);
  const entries = log.map((entry, i) => ({ ...entry, seq: from + i }));
  appendAll(store, entries.slice(0, 2));
  for (let i = 2; i < log.length; i += 2) {
    if ((i - 2) % (2 * groups) === 0) {
      await settle(20);
      clock.advance(1_000_000);
    }
    await settle(20);
    appendAll(store, entries.slice(i, i + 2));
  }
  await settle(20);
  return disk;
}

const logOf = (disk: ForgetfulDisk): Uint8Array => disk.files().get(FIRST) ?? new Uint8Array(0);
const verifyLog = (log: Uint8Array): VerifyReport => verifyFiles(new Map([[FIRST, log]]));
const verifyPieces = (pieces: readonly Piece[]): VerifyReport => verifyLog(putTogether(pieces));
const line = (report: VerifyReport): CheckResult => {
  const check = report.checks.find(({ id }) => id === "signed-commits");
  if (check === undefined) throw new Error("no such check");
  return check;
};

const GROUPS = 5;
const stolen = stolenCommitKeys();
const LOG = logOf(await writeIntervals(GROUPS, stolen));
const PIECES = takeApart(LOG);
const CHECKPOINTS = PIECES.flatMap(({ kind }, i) => (kind === FRAME_KIND.checkpoint ? [i] : []));
const [, SECOND = 0] = CHECKPOINTS;
const SIGNED = PIECES.flatMap((piece, i) => (signedIn(piece) === null ? [] : [i]));
const [K1, K2] = stolen.made;
if (K1 === undefined || K2 === undefined) throw new Error("two keys are needed");

/** A signed commit by this key over a root of its own choice. */
function forge(key: CommitKey, size: number, root: Uint8Array): Piece {
  const keyId = commitKeyId(encodeCommitKey(key.publicKey), sha256);
  const protectedBytes = draftCommit(keyId, size);
  const signature = key.signNow(commitSigned(protectedBytes, root));
  return { kind: FRAME_KIND.commit, body: finishCommit(protectedBytes, signature) };
}

/** Root commits with the number of entries under each. */
const ROOTS = ((): readonly {
  readonly at: number;
  readonly size: number;
  readonly root: Uint8Array;
}[] => {
  let size = 0;
  return PIECES.flatMap((piece, at) => {
    if (piece.kind === FRAME_KIND.leaf) size += 1;
    const root = rootIn(piece);
    return root === null ? [] : [{ at, size, root }];
  });
})();
const rootBefore = (at: number): (typeof ROOTS)[number] => {
  const found = ROOTS.findLast((one) => one.at < at);
  if (found === undefined) throw new Error("no root before it");
  return found;
};

describe("a log with commits signed by the keys of their intervals", () => {
  it("verifies, with a signed commit over every group but the newest [HP-195 allows]", () => {
    const report = verifyLog(LOG);
    expect(failed(report)).toEqual([]);
    expect(CHECKPOINTS.length).toBe(2);
    expect(line(report)).toMatchObject({ status: "PASS", looked: SIGNED.length });
    expect(line(report).note).toBe("2 verified: the newest by a key speaks for those before it");
    expect(SIGNED.length).toBe(1 + 2 * GROUPS);
    expect(report).toMatchObject({ uncovered: 2 * GROUPS, underSignedCommit: 2 * GROUPS - 2 });
  });

  it("is NOT PRESENT where no checkpoint names a key", async () => {
    const report = verifyLog(logOf(await writeIntervals(GROUPS, null)));
    expect(failed(report)).toEqual([]);
    expect(line(report)).toMatchObject({ status: "NOT PRESENT", looked: 0 });
    expect(report.underSignedCommit).toBe(0);
  });

  /** The newest by the first key: it speaks for all by it. */
  const NEWEST = SIGNED.findLast((at) => at < SECOND) ?? 0;
  const flipped = (at: number, byte: number): Piece => {
    const body = PIECES[at]?.body.slice() ?? new Uint8Array(0);
    body[byte] = (body[byte] ?? 0) ^ 1;
    return { kind: FRAME_KIND.commit, body };
  };
  const LAST_BYTE = (PIECES[NEWEST]?.body.length ?? 0) - 1;

  it("fails with any byte of the newest by a key changed, though its check was made right again", () => {
    for (let byte = 0; byte <= LAST_BYTE; byte += 1) {
      const report = verifyPieces(PIECES.with(NEWEST, flipped(NEWEST, byte)));
      expect(report.ok, `byte ${byte}`).toBe(false);
    }
  });

  it("fails where the newest by a key does not verify, and says where [HP-195 refuses]", () => {
    const report = verifyPieces(PIECES.with(NEWEST, flipped(NEWEST, LAST_BYTE)));
    expect(failed(report)).toEqual(["signed-commits"]);
    const { first, faults } = line(report);
    expect(faults).toBe(1);
    expect(first?.why).toContain("does not verify over the root");
    expect(first?.place.offset).toBe(putTogether(PIECES.slice(0, NEWEST)).length);
  });

  it("needs no other signature than the newest by each key, and looks at all where that is wrong", () => {
    const older = SIGNED[3] ?? 0;
    const one = PIECES.with(older, flipped(older, LAST_BYTE));
    expect(failed(verifyPieces(one))).toEqual([]);
    const { first, faults } = line(verifyPieces(one.with(NEWEST, flipped(NEWEST, LAST_BYTE))));
    expect(faults).toBe(2);
    expect(first?.place.offset).toBe(putTogether(PIECES.slice(0, older)).length);
  });

  const target = SIGNED.at(-1) ?? 0;
  const own = rootBefore(rootBefore(target).at + 1);
  const next = rootBefore(own.at);
  const before = rootBefore(rootBefore(SECOND).at);

  it.each([
    [
      "a key nobody named",
      "its key is not",
      async () => forge(await testCommitKeys().make(), own.size, own.root),
    ],
    ["the key of the interval before", "its key is not", () => forge(K1, own.size, own.root)],
    [
      "a size at which no commit stands",
      "no commit of its key's interval",
      () => forge(K2, own.size - 1, own.root),
    ],
    ["a root of another log", "does not verify", () => forge(K2, own.size, before.root)],
    ["the size of another root", "does not verify", () => forge(K2, own.size, next.root)],
  ] as const)("fails for %s", async (_name, why, make) => {
    const report = verifyPieces(PIECES.with(target, await make()));
    expect(failed(report)).toEqual(["signed-commits"]);
    expect(line(report).first?.why).toContain(why);
    const right = forge(K2, own.size, own.root);
    expect(failed(verifyPieces(PIECES.with(target, right)))).toEqual([]);
  });

  it("fails for a root from before its key", () => {
    const oldest = SIGNED.find((at) => at > SECOND) ?? 0;
    const report = verifyPieces(PIECES.with(oldest, forge(K2, before.size, before.root)));
    expect(failed(report)).toEqual(["signed-commits"]);
    expect(line(report).first?.why).toContain("no commit of its key's interval");
  });

  it("fails where one is over no more than the one before it, or over more than there is", () => {
    const again = PIECES.toSpliced(target, 0, PIECES[target] ?? forge(K2, 1, own.root));
    const report = verifyPieces(again);
    expect(failed(report)).toEqual(["signed-commits"]);
    expect(line(report).first?.why).toContain("no more than the signed one before it");
    const early = PIECES.with(target, forge(K2, 1_000, own.root));
    expect(failed(verifyPieces(early))).toEqual(["commits", "signed-commits"]);
  });

  it("fails before the checkpoint that names its key, and behind one that names none", () => {
    const early = PIECES.toSpliced(SECOND, 0, forge(K2, before.size, before.root));
    expect(line(verifyPieces(early)).first?.why).toContain("its key is not");
    const [first = 0] = CHECKPOINTS;
    const root = rootBefore(first);
    const none = PIECES.toSpliced(first, 0, forge(K1, root.size, root.root));
    expect(line(verifyPieces(none)).first?.why).toContain("no checkpoint of this run names a key");
  });

  it("fails where a reader cannot check Ed25519", () => {
    const verifier = new LogVerifier({ sha256, verifySignature: () => true, trusted: null });
    verifier.segment(FIRST, LOG);
    const report = verifier.finish();
    expect(failed(report)).toEqual(["signed-commits"]);
    expect(line(report).first?.why).toContain("cannot be checked here");
  });
});

describe("signed commits that were taken out", () => {
  const bare = async (groups: number): Promise<Uint8Array> =>
    writeIntervals(groups, testCommitKeys()).then((disk) =>
      putTogether(takeApart(logOf(disk)).filter((piece) => signedIn(piece) === null)),
    );

  it("fail where more commits follow a key than an honest writer leaves unsigned [HP-196 refuses]", async () => {
    // The group that brings the checkpoint has a commit as well.
    const report = verifyLog(await bare(UNSIGNED_COMMITS_MAX));
    expect(failed(report)).toEqual(["signed-commits"]);
    const { first, faults } = line(report);
    expect(faults).toBe(2);
    expect(first?.why).toContain(`more than ${UNSIGNED_COMMITS_MAX} commits follow it`);
  });

  it("do not show among fewer, which is said as what no signature covers [HP-196 allows]", async () => {
    const report = verifyLog(await bare(UNSIGNED_COMMITS_MAX - 1));
    expect(failed(report)).toEqual([]);
    expect(line(report).status).toBe("NOT PRESENT");
    expect(report).toMatchObject({ uncovered: 30, underSignedCommit: 0 });
  });
});

describe("the end of a run", () => {
  it("ends its key, and what came after its last signature is counted", async () => {
    const disk = await writeIntervals(GROUPS, testCommitKeys());
    const whole = (await writeIntervals(GROUPS, testCommitKeys(), disk.crash())).files();
    const report = verifyFiles(whole);
    expect(failed(report)).toEqual([]);
    expect(line(report).note).toContain(
      "; 2 entries at the ends of earlier runs came after the last signature of their run",
    );
  });

  it("leaves a key that signs nothing in the next run", async () => {
    const keys = stolenCommitKeys();
    const disk = await writeIntervals(GROUPS, keys);
    const size = (await openOn(disk.crash())).recovered.nextSeq;
    const after = disk.crash();
    const { store } = await openOn(after, { commitKeys: null });
    appendAll(
      store,
      sampleLog(0, 2, 2).map((entry, i) => ({ ...entry, seq: size + i })),
    );
    await settle(20);
    const pieces = takeApart(logOf(after));
    const key = keys.made.at(-1);
    const root = rootIn(pieces.at(-1) ?? { kind: FRAME_KIND.leaf, body: new Uint8Array(0) });
    if (key === undefined || root === null) throw new Error("no key, or no commit at the end");
    expect(failed(verifyPieces(pieces))).toEqual([]);
    const report = verifyPieces([...pieces, forge(key, size + 2, root)]);
    expect(line(report).first?.why).toContain("no checkpoint of this run names a key");
  });
});

describe("segments", () => {
  it("carry signed commits over their borders; without the older ones the key may be missing", async () => {
    const disk = new ForgetfulDisk();
    const { store, clock } = await openOn(disk, {
      segmentBytesMax: 4_000,
      rotate: (to, link) => {
        openNext(to, link, 100);
      },
    });
    appendAll(store, sampleLog(0, 2));
    await settle(20);
    clock.advance(1_000_000);
    for (let i = 0; i < 30; i += 1) {
      await settle(20);
      const { nextSeq } = store.head();
      appendAll(
        store,
        sampleLog(0, 4)
          .slice(2)
          .map((entry, j) => ({ ...entry, seq: nextSeq + j })),
      );
    }
    await settle(20);
    const files = [...disk.files()].filter(([name]) => name.startsWith("segment-")).sort();
    expect(files.length).toBeGreaterThan(2);
    const report = verifyFiles(new Map(files));
    expect(failed(report)).toEqual([]);
    const later = verifyFiles(new Map(files.slice(1)));
    expect(failed(later)).toEqual(["beginning"]);
    expect(line(later).note ?? line(later).status).toMatch(/not checked|PASS/);
  });
});
