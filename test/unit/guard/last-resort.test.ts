import { describe, expect, it } from "vitest";
import { driveLastResort, endInSafeState } from "../../../src/guard/last-resort.js";
import type { EvidenceStore } from "../../../src/guard/ports.js";
import { compileProfile } from "../../../src/kernel/profile/compile.js";
import { createHostClock } from "../../support/host-clock.js";
import { createMemoryLink } from "../../support/memory-link.js";
import { buildModel } from "../../support/model.js";

const profile = compileProfile(buildModel());
const MOST_MS = 10_000;

describe("the last resort", () => {
  const clock = createHostClock();

  it("writes the safe state in its order over the link kept for it, and nothing else", async () => {
    const link = createMemoryLink(clock, 0, 50_000);
    const safe = createMemoryLink(clock, 0, 50_000);
    const links = [{ link: link.link, safeLink: safe.link }];
    expect(await driveLastResort(profile, links, MOST_MS)).toEqual(["station.local"]);
    expect(safe.memory.co[1]).toBe(true);
    expect(safe.journal).toHaveLength(1);
    expect(link.journal).toEqual([]);
  });

  it("takes the other link where the safe one is away, and ends without either", async () => {
    const link = createMemoryLink(clock, 0, 50_000);
    const safe = createMemoryLink(clock, 0, 50_000);
    safe.drop();
    const links = [{ link: link.link, safeLink: safe.link }];
    expect(await driveLastResort(profile, links, MOST_MS)).toEqual(["station.local"]);
    expect(link.memory.co[1]).toBe(true);
    link.drop();
    expect(await driveLastResort(profile, links, MOST_MS)).toEqual([]);
  });

  it("waits for a connection that is busy with a request of the guard's, and then writes", async () => {
    const busy = createMemoryLink(clock, 5_000, 50_000);
    busy.link.read({ table: "hr", address: 0, quantity: 1 }, () => undefined);
    expect(busy.link.idle()).toBe(false);
    const links = [{ link: busy.link, safeLink: null }];
    expect(await driveLastResort(profile, links, MOST_MS)).toEqual(["station.local"]);
    expect(busy.memory.co[1]).toBe(true);
  });

  it("gives a device its write in time however many before it are away", async () => {
    const base = buildModel();
    const local = base.outputs.findIndex(({ name }) => name === "station.local");
    const [device] = base.devices;
    const rules = base.outputs[local];
    if (device === undefined || rules === undefined) throw new Error("no such output");
    const each = [0, 1, 2, 3, 4];
    const devices = each.map((n) => ({ ...device, name: `plc${n}` }));
    const copies = each.map((n) => ({
      ...rules,
      name: `local${n}`,
      at: { ...rules.at, device: n },
    }));
    const order = each.map((n) => base.outputs.length + n);
    const many = compileProfile(
      buildModel({
        devices,
        outputs: [...base.outputs, ...copies],
        safeState: { ...base.safeState, order },
      }),
    );
    const links = each.map(() => createMemoryLink(clock, 0, 50_000));
    for (const { drop } of links.slice(0, -1)) drop();
    const all = links.map(({ link }) => ({ link, safeLink: null }));
    expect(await driveLastResort(many, all, 1_000)).toEqual(["local4"]);
  });

  it("does not wait for a device that never answers", async () => {
    const silent = createMemoryLink(clock, 0, 3_600_000_000);
    silent.setSilent(true);
    const links = [{ link: silent.link, safeLink: null }];
    expect(await driveLastResort(profile, links, 20)).toEqual([]);
    expect(silent.journal).toHaveLength(1);
    silent.link.close();
  });
});

describe("the end of a run in the safe state", () => {
  const clock = createHostClock();
  const END = { fault: "planted", from: "enforcing", atUs: 7 } as const;

  function start(changes: Partial<EvidenceStore> = {}) {
    const did: string[] = [];
    const { link, memory } = createMemoryLink(clock, 5_000, 50_000);
    const store: EvidenceStore = {
      append: ({ seq, body }) => {
        did.push(`entry ${seq} ${body.type === "mode" ? `${body.to}: ${body.why}` : body.type}`);
      },
      checkpoint: () => undefined,
      head: () => ({ nextSeq: 9, durableSeq: 8, root: new Uint8Array(32), size: 9 }),
      onDurable: () => undefined,
      onFailed: () => undefined,
      onSigning: () => undefined,
      close: async () => {
        did.push(`close, driven ${memory.co[1] === true}`);
        await Promise.resolve();
      },
      ...changes,
    };
    const say = (line: string): void => void did.push(line);
    return { run: { profile, links: [{ link, safeLink: null }], store, say }, did, memory };
  }

  it("has its lock-out on the way to the disk while the safe state is driven, and closes the log after that", async () => {
    const { run, did } = start();
    await endInSafeState(run, END, MOST_MS);
    expect(did).toEqual([
      "entry 9 locked-out: internal fault: planted",
      "safe state: station.local",
      "close, driven true",
    ]);
  });

  it("drives the safe state also where the log takes nothing and cannot be closed, and says so", async () => {
    const refuse = (): never => {
      throw new Error("no log");
    };
    const { run, did, memory } = start({ append: refuse, close: refuse });
    await endInSafeState(run, END, MOST_MS);
    expect(memory.co[1]).toBe(true);
    expect(did).toEqual([
      "the lock-out is not recorded: no log",
      "safe state: station.local",
      "the log was not closed: no log",
    ]);
  });

  it("does not wait for a log that never closes", async () => {
    const { run, did } = start({
      close: async () => {
        await new Promise(() => undefined);
      },
    });
    await endInSafeState(run, END, 20);
    expect(did[0]).toBe("entry 9 locked-out: internal fault: planted");
  });
});
