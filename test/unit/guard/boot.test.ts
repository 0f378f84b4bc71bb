import { describe, expect, it } from "vitest";
import { beginBoot, rotationBodies, type Boot, type BootFacts } from "../../../src/guard/boot.js";
import type { Recovered } from "../../../src/guard/evidence/open.js";
import { Recollection } from "../../../src/guard/recollect.js";
import { LogWriter } from "../../../src/evidence/log-writer.js";
import { sha256 } from "../../../src/guard/evidence/sha256.js";
import { encodeCbor } from "../../../src/codec/cbor/encode.js";
import { compileProfile } from "../../../src/kernel/profile/compile.js";
import type { CompiledProfile } from "../../../src/kernel/profile/compiled.js";
import type { Entry, EntryBody } from "../../../src/kernel/record/entry.js";
import { snapshotState } from "../../../src/kernel/state/snapshot.js";
import { buildModel } from "../../support/model.js";

const MACHINE = new Uint8Array(16).fill(4);
const FACTS: BootFacts = {
  software: new Uint8Array(32),
  site: new Uint8Array(32),
  key: "file",
  spki: Uint8Array.of(1, 2, 3),
  splitEnforced: false,
  nv: null,
  lost: null,
  profileBytes: new Uint8Array(100_000).fill(65),
  machineBoot: MACHINE,
};

const profileWith = (digest: number): CompiledProfile =>
  compileProfile(buildModel({ digest: new Uint8Array(32).fill(digest) }));
const OURS = profileWith(7);

function recovered(log: readonly Entry[], changes: Partial<Recovered> = {}): Recovered {
  const boots = log.filter(({ body }) => body.type === "boot").length;
  return {
    found: "clean",
    fromSeq: log.length,
    cutBytes: 0,
    cutHash: null,
    nextSeq: log.length,
    boot: boots + 1,
    profiles: log.flatMap(({ body }) => (body.type === "profile" ? [body.digest] : [])),
    link: null,
    standing: { counted: null, anchor: null, boot: 0, anchoredUtcS: [] },
    ...changes,
  };
}

/** Boots over a log, at a time, and adds its entries to it. */
function boot(
  profile: CompiledProfile,
  log: Entry[],
  atUs: number,
): { readonly boot: Boot; readonly lastUs: number | null; readonly isNew: boolean } {
  const recollection = new Recollection(profile);
  for (const entry of log) recollection.visitor.entry(entry);
  const before = recollection.finish(MACHINE);
  const made = beginBoot(profile, { ...before, recovered: recovered(log) }, FACTS, {
    nowUs: () => atUs,
  });
  log.push(...made.entries);
  return { boot: made, lastUs: before.lastUs, isNew: before.isNew };
}

const typesOf = (entries: readonly Entry[]): readonly string[] =>
  entries.map(({ body }) => (body.type === "notice" ? body.what : body.type));

function add(log: Entry[], monoUs: number, body: EntryBody): void {
  log.push({ seq: log.length, monoUs, cause: null, body });
}

describe("the first entries of a run", () => {
  it("are the boot, the profile in parts, the key, who vouches for it, and a snapshot [HP-083]", () => {
    const log: Entry[] = [];
    const { boot: first } = boot(OURS, log, 1_000);
    expect(typesOf(first.entries)).toEqual([
      "boot",
      "profile",
      "profile",
      "profile",
      "key",
      "unsigned",
      "machine-boot",
      "snapshot",
    ]);
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, place) => place));
    expect(first.state.nextSeq).toBe(log.length);
    expect(first.state.profileValid).toBe(true);
  });

  it("tell what a start had to cut off, and where [HP-074]", () => {
    const log: Entry[] = [];
    boot(OURS, log, 1_000);
    const recollection = new Recollection(OURS);
    for (const entry of log) recollection.visitor.entry(entry);
    const cut = { found: "torn", cutBytes: 17, cutHash: new Uint8Array(32).fill(6) } as const;
    const past = { ...recollection.finish(MACHINE), recovered: recovered(log, cut) };
    const { entries } = beginBoot(OURS, past, FACTS, { nowUs: () => 9_000 });
    expect(entries[0]?.body).toMatchObject({
      type: "boot",
      recovery: { ...cut, fromSeq: log.length },
    });
  });

  it("say nothing twice that the log holds already", () => {
    const log: Entry[] = [];
    boot(OURS, log, 1_000);
    const { boot: second, lastUs, isNew } = boot(OURS, log, 9_000);
    expect(typesOf(second.entries)).toEqual(["boot", "unsigned", "machine-boot"]);
    expect(second.state.boot).toBe(2);
    expect(lastUs).toBe(1_000);
    expect(isNew).toBe(false);
  });

  it("cannot tell how long the gateway was away when the machine itself was started anew", () => {
    const log: Entry[] = [];
    boot(OURS, log, 1_000);
    const recollection = new Recollection(OURS);
    for (const entry of log) recollection.visitor.entry(entry);
    expect(recollection.finish(new Uint8Array(16).fill(5)).lastUs).toBeNull();
    expect(recollection.finish(null).lastUs).toBeNull();
  });
});

describe("the keys that a run begins with", () => {
  const [old, fresh] = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)];
  /** What a run writes of keys, over a log of one run by the old one. */
  function keysOf(facts: Partial<BootFacts>): readonly unknown[] {
    const log: Entry[] = [];
    boot(OURS, log, 1_000);
    const recollection = new Recollection(OURS);
    for (const entry of log) recollection.visitor.entry(entry);
    const past = { ...recollection.finish(MACHINE), recovered: recovered(log) };
    const { entries } = beginBoot(OURS, past, { ...FACTS, ...facts }, { nowUs: () => 9_000 });
    return entries.flatMap(({ body }) => (body.type === "key" ? [[body.event, body.spki]] : []));
  }

  it("are named once: one that takes over each time that it still waits, one that nobody vouches for as made", () => {
    expect(keysOf({})).toEqual([]);
    expect(keysOf({ next: fresh })).toEqual([["rotated", fresh]]);
    expect(keysOf({ spki: fresh })).toEqual([["made", fresh]]);
    expect(keysOf({ spki: fresh, givenUp: old })).toEqual([
      ["lost", old],
      ["made", fresh],
    ]);
    // No key at all, where nobody knows which signs.
    expect(keysOf({ spki: new Uint8Array(0) })).toEqual([]);
  });
});

describe("a run whose TPM counted further than the log goes", () => {
  it("is locked out with every budget used up, and says why on record [HP-152]", () => {
    const log: Entry[] = [];
    boot(OURS, log, 1_000);
    const recollection = new Recollection(OURS);
    for (const entry of log) recollection.visitor.entry(entry);
    const past = { ...recollection.finish(MACHINE), recovered: recovered(log) };
    const lost = "the TPM's anchor counter stands at 9, the log's newest anchor at 7";
    const facts = { ...FACTS, key: "tpm-software", nv: 9, lost } as const;
    const { entries, state } = beginBoot(OURS, past, facts, { nowUs: () => 9_000 });
    expect(typesOf(entries).slice(0, 2)).toEqual(["boot", "log-lost"]);
    expect(entries[0]?.body).toMatchObject({ type: "boot", nv: 9 });
    expect(entries[1]?.body).toMatchObject({ details: new Map([["why", lost]]) });
    expect(state.standing).toBe("locked-out");
    for (const { permits } of state.outputs) expect(permits.length).toBeGreaterThan(0);
    // What a restart after it takes up from the log is locked out still.
    for (const entry of entries) recollection.visitor.entry(entry);
    expect(recollection.finish(MACHINE).state.standing).toBe("locked-out");
  });
});

describe("a run under another profile than before", () => {
  it("holds until a person releases it, with every budget used up, and leaves a snapshot to replay from", () => {
    const log: Entry[] = [];
    boot(OURS, log, 1_000);
    add(log, 2_000, { type: "mode", from: "starting", to: "enforcing", why: "ready", look: null });
    const { boot: other, isNew } = boot(profileWith(8), log, 5_000);
    expect(isNew).toBe(true);
    expect(other.state.standing).toBe("holding");
    expect(typesOf(other.entries).at(-1)).toBe("snapshot");
    for (const { permits } of other.state.outputs) expect(permits.length).toBeGreaterThan(0);
  });

  it("keeps a safe state and a lock-out: no change of profile leads out of them", () => {
    for (const standing of ["safe-state", "locked-out"] as const) {
      const log: Entry[] = [];
      boot(OURS, log, 1_000);
      add(log, 2_000, { type: "mode", from: "enforcing", to: standing, why: "test", look: null });
      expect(boot(profileWith(8), log, 5_000).boot.state.standing).toBe(standing);
    }
  });

  it("takes a past that it cannot read for the worst that a person can reset", () => {
    const recollection = new Recollection(OURS);
    recollection.visitor.snapshot({
      type: "snapshot",
      semantics: 1,
      profile: new Uint8Array(32).fill(8),
      state: encodeCbor("nothing"),
      foldedTo: 3,
    });
    expect(recollection.finish(null).state.standing).toBe("safe-state");
  });
});

describe("the opening of a segment", () => {
  it("is the link, the state it leaves behind, and the machine's boot; the state can be taken up from it [HP-079]", () => {
    const log: Entry[] = [];
    const { boot: first } = boot(OURS, log, 1_000);
    const writer = new LogWriter(sha256);
    const link = {
      size: first.state.nextSeq,
      root: writer.tree.root(),
      peaks: [],
      last: writer.last,
      log: "log-1",
      key: FACTS.spki,
      checkpoint: null,
      lost: 0,
      counted: null,
      anchor: null,
      profiles: [],
    };
    const now = { state: first.state, atUs: 3_000 };
    const bodies = rotationBodies(OURS, now, link, { machineBoot: MACHINE });
    expect(typesOf(bodies.map((body, seq) => ({ seq, monoUs: 0, cause: null, body })))).toEqual([
      "segment-link",
      "snapshot",
      "machine-boot",
    ]);
    const nextKey = Uint8Array.of(4, 5, 6);
    const waiting = rotationBodies(OURS, now, link, { machineBoot: MACHINE, nextKey });
    expect(waiting.at(-1)).toEqual({ type: "key", event: "rotated", spki: nextKey });
    const snapshot = bodies[1];
    if (snapshot?.type !== "snapshot" || !(snapshot.state instanceof Uint8Array)) {
      throw new Error("no snapshot");
    }
    const recollection = new Recollection(OURS);
    recollection.visitor.snapshot({ ...snapshot, state: snapshot.state });
    const again = recollection.finish(null);
    expect(again.isNew).toBe(false);
    expect(snapshotState(again.state)).toEqual(
      snapshotState({ ...first.state, nextSeq: first.state.nextSeq + 1, lastUs: 3_000 }),
    );
  });
});
