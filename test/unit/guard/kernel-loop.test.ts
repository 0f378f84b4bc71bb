import { describe, expect, it } from "vitest";
import { readPlain, rotationBodies } from "../../../src/guard/boot.js";
import { KernelLoop } from "../../../src/guard/kernel-loop.js";
import type { Entry } from "../../../src/kernel/record/entry.js";
import { foldEntry } from "../../../src/kernel/state/fold.js";
import { snapshotState } from "../../../src/kernel/state/snapshot.js";
import type { Input } from "../../../src/kernel/step/input.js";
import { OUT, Rig } from "../../support/kernel-rig.js";

const STOP: Input = {
  kind: "operator",
  person: "eva",
  why: "smoke",
  act: { kind: "stop-ai", safe: true },
};

/** A loop over a kernel that enforces; `did` tells in order what it recorded and what it did. */
function startLoop(): {
  readonly loop: KernelLoop;
  readonly did: string[];
  readonly entries: Entry[];
  readonly rig: Rig;
} {
  const rig = new Rig().start();
  const did: string[] = [];
  const entries: Entry[] = [];
  const loop = new KernelLoop(rig.state, {
    profile: rig.profile,
    nowUs: () => rig.nowUs,
    append: (entry) => {
      entries.push(entry);
      did.push(`record ${entry.body.type}`);
    },
    act: (effect) => {
      did.push(effect.kind);
      if (effect.kind !== "safe-write") return;
      expect(loop.busy).toBe(true);
      const { device, output, attempt } = effect;
      const result = { kind: "acknowledged", reply: new Uint8Array(0) } as const;
      loop.tell({ kind: "safe-write-settled", device, output, attempt, result });
    },
    settled: () => void did.push("settled"),
    failed: (error) => void did.push(`failed: ${String(error)}`),
  });
  return { loop, did, entries, rig };
}

describe("the kernel's loop", () => {
  it("sends what drives the safe state before it records anything of that step [HP-044]", () => {
    const { loop, did } = startLoop();
    loop.tell(STOP);
    expect(did[0]).toBe("safe-write");
    expect(did.findIndex((what) => what.startsWith("record"))).toBeGreaterThan(0);
    expect(did).toContain("record mode");
    expect(loop.state.folded.mode).toBe("safe-state");
  });

  it("records before it does anything else, and takes what is told meanwhile afterwards", () => {
    const { loop, did } = startLoop();
    loop.tell(STOP);
    expect(did.indexOf("record mode")).toBeLessThan(did.indexOf("checkpoint"));
    expect(did.indexOf("checkpoint")).toBeLessThan(did.indexOf("safe-read-back"));
    expect(did.filter((what) => what === "settled")).toHaveLength(1);
    expect(did.at(-1)).toBe("settled");
    expect(loop.busy).toBe(false);
  });

  it("has no state but that which its records fold to, its own entries included [HP-079]", () => {
    const { loop, entries, rig } = startLoop();
    const before = loop.state.folded;
    loop.tell(STOP);
    loop.record(() => [{ type: "site", digest: new Uint8Array(32), event: "seen" }]);
    expect(entries.at(-1)).toMatchObject({ body: { type: "site" } });
    const folded = entries.reduce((state, entry) => foldEntry(rig.profile, state, entry), before);
    expect(folded).toEqual(loop.state.folded);
    expect(folded.outputs[OUT.local]?.planned).not.toEqual(before.outputs[OUT.local]?.planned);
  });

  it("runs a kernel no more that has thrown, says so once, and drops what it was told", () => {
    const rig = new Rig().start();
    const did: string[] = [];
    let isBroken = true;
    const loop = new KernelLoop(rig.state, {
      profile: rig.profile,
      nowUs: () => {
        if (isBroken) throw new Error("planted");
        return rig.nowUs;
      },
      append: (entry) => void did.push(entry.body.type),
      act: (effect) => void did.push(effect.kind),
      settled: () => void did.push("settled"),
      failed: (error) => void did.push(`failed: ${String(error)}`),
    });
    const { folded } = loop.state;
    loop.tell(STOP);
    isBroken = false;
    loop.tell(STOP);
    loop.record(() => [{ type: "site", digest: new Uint8Array(32), event: "seen" }]);
    expect(did).toEqual(["failed: Error: planted"]);
    expect(loop.state.folded).toBe(folded);
    expect(loop.busy).toBe(false);
  });

  it("opens a segment with the very state its link leaves, while time goes on between two looks at the clock [HP-079]", () => {
    const rig = new Rig().start();
    const before = rig.state.folded;
    const entries: Entry[] = [];
    let looks = 0;
    const loop = new KernelLoop(rig.state, {
      profile: rig.profile,
      nowUs: () => rig.nowUs + (looks += 1),
      append: (entry) => void entries.push(entry),
      act: () => undefined,
      settled: () => undefined,
      failed: () => undefined,
    });
    const link = {
      size: before.nextSeq,
      root: new Uint8Array(32),
      peaks: [],
      last: new Uint8Array(32),
      log: "log-1",
      key: new Uint8Array(91),
      checkpoint: null,
      lost: 0,
      profiles: [],
      counted: null,
      anchor: null,
    };
    loop.record((now) =>
      rotationBodies(rig.profile, now, link, { machineBoot: new Uint8Array(16) }),
    );
    const [linked, snapshot] = entries;
    if (linked === undefined || snapshot?.body.type !== "snapshot") throw new Error("no snapshot");
    const { state } = snapshot.body;
    expect(state instanceof Uint8Array ? readPlain(state) : null).toEqual(
      snapshotState(foldEntry(rig.profile, before, linked)),
    );
  });
});
