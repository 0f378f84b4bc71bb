import { beforeEach, describe, expect, it } from "vitest";
import type { SouthWrite } from "../../src/guard/ports.js";
import { ForgetfulDisk } from "../support/forgetful-disk.js";
import {
  settleLoop,
  startRig,
  StillDevice,
  untilEnforcing,
  type GatewayRig,
} from "../support/gateway-rig.js";
import { twoDevices } from "../support/two-devices.js";

const SCAN_US = 50_000;
const VALUES = [
  ["di0", 1],
  ["co0", 1],
  ["hr0", 40],
] as const;

describe("a guard with a fault of its own", () => {
  let forgetful: ForgetfulDisk;
  let devices: readonly StillDevice[];
  let rig: GatewayRig;
  let written: SouthWrite[];
  let isBroken: boolean;

  beforeEach(async () => {
    forgetful = new ForgetfulDisk();
    written = [];
    isBroken = false;
    const note = (write: SouthWrite): void => {
      if (isBroken) throw new Error("planted");
      written.push(write);
    };
    devices = [new StillDevice(new Map(VALUES), note), new StillDevice(new Map(VALUES), note)];
    const times = { now: (): number => 0 };
    const links = devices.map((device) => device.link(() => times.now()));
    rig = await startRig(twoDevices(), forgetful, links);
    times.now = rig.clock.nowUs;
    await untilEnforcing(rig, forgetful, devices);
    await goOn(0);
  });

  /** Time passes, devices and disk answer at once; how many requests the devices got meanwhile. */
  async function goOn(forUs: number): Promise<number> {
    const untilUs = rig.clock.nowUs() + forUs;
    let requests = 0;
    do {
      rig.clock.advance(SCAN_US);
      for (let again = true; again;) {
        again = forgetful.goOn();
        for (const device of devices) {
          if (!device.answer()) continue;
          requests += 1;
          again = true;
        }
        await settleLoop();
      }
    } while (rig.clock.nowUs() < untilUs);
    return requests;
  }

  it("polls, judges and sends as long as it has none", async () => {
    rig.ask(1, 0, 45);
    expect(await goOn(1_000_000)).toBeGreaterThan(1);
    expect(written).toMatchObject([{ table: "hr", address: 0 }]);
    expect(rig.faults).toEqual([]);
  });

  it("that is halted scans and polls no more, sends no command that comes, and records and answers none", async () => {
    const { nextSeq } = rig.guard.state.folded;
    const { scans } = rig.guard.scans();
    rig.orders.length = 0;
    rig.guard.halt();
    rig.ask(1, 0, 45);
    // What was on its way is answered, and no more.
    expect(await goOn(2_000_000)).toBeLessThanOrEqual(devices.length);
    expect(written).toEqual([]);
    expect(rig.guard.scans().scans).toBe(scans);
    expect(rig.guard.state.folded.nextSeq).toBe(nextSeq);
    expect(rig.orders.filter(({ kind }) => kind === "reply")).toEqual([]);
  });

  it("that is halted sends no permit that waits for its record, when that becomes durable", async () => {
    rig.ask(1, 0, 45);
    await settleLoop();
    expect(forgetful.waiting).not.toEqual([]);
    rig.guard.halt();
    await goOn(1_000_000);
    expect(forgetful.waiting).toEqual([]);
    expect(written).toEqual([]);
  });

  it("ignores what people and others tell it then, and ends in no order of its own", async () => {
    const { nextSeq } = rig.guard.state.folded;
    rig.guard.halt();
    rig.guard.act({
      kind: "operator",
      person: "eva",
      why: "test",
      act: { kind: "stop-ai", safe: true },
    });
    rig.guard.record(() => [{ type: "site", digest: new Uint8Array(32), event: "seen" }]);
    rig.guard.withhold("test");
    await rig.guard.stop("test");
    expect(rig.guard.state.folded.nextSeq).toBe(nextSeq);
    expect(written).toEqual([]);
  });

  it("is halted by a kernel that throws, before anything else can be told to it, and says why", async () => {
    let hasThrown = false;
    rig.guard.onEntry(({ body }) => {
      if (hasThrown || body.type !== "decision") return;
      hasThrown = true;
      throw new Error("planted");
    });
    rig.ask(1, 0, 45);
    await settleLoop();
    rig.ask(1, 0, 46);
    await goOn(1_000_000);
    expect(rig.faults).toEqual([new Error("planted")]);
    expect(written).toEqual([]);
  });

  it("keeps its log writable when what throws was told by the log itself", async () => {
    // A permit goes out when the log says that it is durable.
    isBroken = true;
    rig.ask(1, 0, 45);
    await goOn(1_000_000);
    expect(rig.faults).toEqual([new Error("planted")]);
    const { nextSeq, durableSeq } = rig.store.head();
    expect(durableSeq).toBe(nextSeq - 1);
    rig.store.append({
      seq: nextSeq,
      monoUs: rig.clock.nowUs(),
      cause: null,
      body: { type: "site", digest: new Uint8Array(32), event: "seen" },
    });
    await goOn(1_000_000);
    expect(rig.store.head().durableSeq).toBe(nextSeq);
  });
});
