import { describe, expect, it } from "vitest";
import { UNSIGNED_COMMITS_MAX } from "../../src/evidence/commit-key.js";
import { FRAME_KIND } from "../../src/evidence/frame.js";
import { nameSegment } from "../../src/evidence/segment.js";
import type { CommitKeys, Signer } from "../../src/guard/ports.js";
import { testCommitKeys } from "../support/commit-keys.js";
import { ForgetfulDisk } from "../support/evidence-disk.js";
import {
  appendAll,
  failed,
  openOn,
  sampleLog,
  settle,
  testSigner,
  verifyFiles,
  type Opened,
} from "../support/evidence-rig.js";
import { rootIn, signedIn, takeApart } from "../support/log-pieces.js";

const FIRST = nameSegment(0);
const atOnce = async (): Promise<void> => Promise.resolve();

type Run = Opened & {
  readonly disk: ForgetfulDisk;
  /** Two more entries, in a group of their own. */
  readonly group: () => Promise<void>;
  /** The time for a checkpoint has come. */
  readonly second: () => Promise<void>;
};

/** A log with its first checkpoint on the disk, unless the signer says otherwise. */
async function begin(commitKeys: CommitKeys, signer: Signer = testSigner()): Promise<Run> {
  const disk = new ForgetfulDisk();
  const opened = await openOn(disk, { commitKeys, signer });
  const { store, clock } = opened;
  const group = async (): Promise<void> => {
    const from = store.head().nextSeq;
    const two = from === 0 ? sampleLog(0, 2) : sampleLog(0, 4).slice(2);
    appendAll(
      store,
      two.map((entry, i) => ({ ...entry, seq: from + i })),
    );
    await settle(20);
  };
  const second = async (): Promise<void> => {
    clock.advance(1_000_000);
    await settle(20);
  };
  await group();
  await second();
  return { ...opened, disk, group, second };
}

/** What each group brought, in its order: leaves, signed commits, checkpoints. */
function groupsOf(disk: ForgetfulDisk): readonly string[] {
  const groups: string[] = [];
  let group = "";
  for (const piece of takeApart(disk.files().get(FIRST) ?? new Uint8Array(0))) {
    if (piece.kind === FRAME_KIND.leaf) group += "l";
    else if (piece.kind === FRAME_KIND.checkpoint) group += "c";
    else if (signedIn(piece) !== null) group += "s";
    if (rootIn(piece) === null) continue;
    groups.push(group);
    group = "";
  }
  return groups;
}

function expectVerified({ disk }: Run): void {
  expect(failed(verifyFiles(disk.files()))).toEqual([]);
}

describe("signed commits", () => {
  it("come one group behind, with what is written anyway, from the first checkpoint on [HP-197 allows]", async () => {
    const run = await begin(testCommitKeys());
    for (let i = 0; i < 3; i += 1) await run.group();
    await run.second();
    await run.group();
    expect(groupsOf(run.disk)).toEqual(["ll", "c", "lls", "lls", "lls", "sc", "lls"]);
    expectVerified(run);
  });

  it("are never waited for: a group goes without one that is not ready [HP-197 refuses]", async () => {
    let open = atOnce;
    const keys = testCommitKeys(async () => {
      await open();
    });
    const run = await begin(keys);
    await run.group();
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    open = async () => {
      await gate;
    };
    await run.group();
    const durable = run.durable.length;
    for (let i = 0; i < 4; i += 1) await run.group();
    expect(run.durable.length).toBe(durable + 4);
    expect(groupsOf(run.disk).slice(2)).toEqual(["lls", "lls", "ll", "ll", "ll", "ll"]);
    open = atOnce;
    release();
    await settle(20);
    const { groups } = run.store.written;
    await settle(20);
    expect(run.store.written.groups).toBe(groups);
    await run.group();
    // The newest durable root, not the one that was waited for.
    const { size } = run.store.head();
    expect(verifyFiles(run.disk.files()).underSignedCommit).toBe(size - 2 - 2);
    expectVerified(run);
  });

  it("are made at once before more commits stand without one than a verifier takes [HP-196 allows]", async () => {
    let open = atOnce;
    const run = await begin(
      testCommitKeys(async () => {
        await open();
      }),
    );
    open = async () => {
      await new Promise(() => undefined);
    };
    for (let i = 0; i < 5 * UNSIGNED_COMMITS_MAX; i += 1) await run.group();
    const signed = groupsOf(run.disk).filter((group) => group.includes("s"));
    expect(signed.length).toBeGreaterThan(4);
    expectVerified(run);
  });

  it("end when the key fails, which is told once; what is recorded is durable as before", async () => {
    const keys = testCommitKeys(async () => {
      await Promise.reject(new Error("planted"));
    });
    const run = await begin(keys);
    for (let i = 0; i < 3; i += 1) await run.group();
    expect(run.reports).toEqual([
      "evidence: commits are not signed until the next checkpoint (planted)",
    ]);
    expect(run.durable.at(-1)).toBe(run.store.head().nextSeq - 1);
    expect(keys.live).toBe(0);
    expectVerified(run);
  });

  it("do without a key where none can be made", async () => {
    const run = await begin({ make: async () => await Promise.reject(new Error("planted")) });
    await run.group();
    expect(groupsOf(run.disk)).toEqual(["ll", "c", "ll"]);
    expect(run.reports).toEqual([
      "evidence: commits are not signed until the next checkpoint (planted)",
    ]);
    expectVerified(run);
  });
});

describe("the key of an interval", () => {
  it("is dropped when the next checkpoint goes to the disk, and at the end of the run [HP-198]", async () => {
    const keys = testCommitKeys();
    const run = await begin(keys);
    for (let i = 0; i < 3; i += 1) {
      await run.group();
      await run.second();
      expect(keys.live).toBe(1);
    }
    expect(keys.made).toBe(4);
    await run.store.close();
    expect(keys.live).toBe(0);
    expectVerified(run);
  });

  it("goes on while checkpoints cannot be signed, and no further key is kept", async () => {
    const signing = { isAway: false };
    const signer = testSigner(async () => {
      if (signing.isAway) throw new Error("away");
      await atOnce();
    });
    const keys = testCommitKeys();
    const run = await begin(keys, signer);
    signing.isAway = true;
    for (let i = 0; i < 30; i += 1) {
      await run.group();
      if (i % 5 === 4) await run.second();
    }
    expect(keys.made).toBeGreaterThan(3);
    expect(keys.live).toBe(1);
    const { uncovered, underSignedCommit } = verifyFiles(run.disk.files());
    expect([uncovered, underSignedCommit]).toEqual([60, 58]);
    signing.isAway = false;
    await run.second();
    expectVerified(run);
  });

  it("goes on while a signature takes long, which the next key then follows", async () => {
    const signing = { gate: atOnce };
    const run = await begin(
      testCommitKeys(),
      testSigner(async () => {
        await signing.gate();
      }),
    );
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    signing.gate = async () => {
      await gate;
    };
    await run.group();
    await run.second();
    for (let i = 0; i < 3; i += 1) await run.group();
    expect(groupsOf(run.disk)).toEqual(["ll", "c", "lls", "lls", "lls", "lls"]);
    release();
    await settle(20);
    await run.group();
    expect(groupsOf(run.disk).slice(6)).toEqual(["sc", "lls"]);
    expectVerified(run);
  });

  it("is that of no run but its own: there are plain commits until its first checkpoint", async () => {
    const run = await begin(testCommitKeys());
    await run.group();
    const after = run.disk.crash();
    const again = await openOn(after);
    const from = again.recovered.nextSeq;
    expect(again.recovered.found).toBe("clean");
    for (let i = 0; i < 3; i += 1) {
      const two = sampleLog(0, 6, 2).slice(2 * i, 2 * i + 2);
      appendAll(
        again.store,
        two.map((entry, j) => ({ ...entry, seq: from + 2 * i + j })),
      );
      await settle(20);
    }
    expect(groupsOf(after)).toEqual(["ll", "c", "lls", "ll", "ll", "ll"]);
    expect(failed(verifyFiles(after.files()))).toEqual([]);
  });
});
