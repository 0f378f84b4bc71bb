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

const MS = 1_000;
const SCAN_US = 50 * MS;
/** One fdatasync that takes this long. */
const SYNC_US = 5_000 * MS;
/** `command_max_age` of the profile: what waits longer is refused. */
const PATIENCE_US = 800 * MS;

describe("a disk whose sync takes 5 s", () => {
  let forgetful: ForgetfulDisk;
  let devices: readonly StillDevice[];
  let rig: GatewayRig;
  let written: SouthWrite[];
  let polls: number;

  beforeEach(async () => {
    forgetful = new ForgetfulDisk();
    written = [];
    polls = 0;
    const note = (write: SouthWrite): void => void written.push(write);
    devices = [
      new StillDevice(
        new Map([
          ["di0", 1],
          ["hr0", 40],
        ]),
        note,
      ),
      new StillDevice(
        new Map([
          ["co0", 1],
          ["hr0", 40],
        ]),
        note,
      ),
    ];
    const times = { now: (): number => 0 };
    rig = await startRig(
      twoDevices(),
      forgetful,
      devices.map((device) => device.link(() => times.now())),
    );
    times.now = rig.clock.nowUs;
    await untilEnforcing(rig, forgetful, devices);
    while (forgetful.goOn()) await settleLoop();
  });

  /** Time passes, devices answer at once, the disk does nothing. */
  async function pass(untilUs: number): Promise<void> {
    while (rig.clock.nowUs() < untilUs) {
      rig.clock.advance(SCAN_US);
      for (let answered = true; answered;) {
        answered = devices.some((device) => device.answer());
        if (answered) polls += 1;
        await settleLoop();
      }
    }
  }

  it("is waited for by no scan and no poll, and no permit goes out before it is over", async () => {
    const startUs = rig.clock.nowUs();
    rig.ask(1, 0, 45);
    await settleLoop();
    // The group is written; its sync has begun and does not end.
    expect(forgetful.waiting.map(({ what }) => what)).toEqual(["write"]);
    forgetful.goOn();
    await settleLoop();
    expect(forgetful.waiting.map(({ what }) => what)).toEqual(["sync"]);
    const before = rig.guard.scans().scans;
    await pass(startUs + SYNC_US);
    expect(rig.guard.scans().scans - before).toBe(SYNC_US / SCAN_US);
    expect(rig.guard.scans().maxUs).toBe(0);
    expect(polls).toBeGreaterThan(2 * 10);
    expect(forgetful.waiting.map(({ what }) => what)).toEqual(["sync"]);
    expect(written).toEqual([]);
  });

  it("makes what waited longer than its controller allows refused as stale, and never sent", async () => {
    const startUs = rig.clock.nowUs();
    rig.ask(1, 0, 45);
    await settleLoop();
    forgetful.goOn();
    await pass(startUs + SYNC_US);
    while (forgetful.goOn()) {
      await settleLoop();
      await pass(rig.clock.nowUs() + SCAN_US);
    }
    const replies = rig.orders.filter(({ kind }) => kind === "reply");
    expect(replies).toHaveLength(1);
    expect(replies[0]).toMatchObject({ pdu: Uint8Array.of(0x86, 6) });
    expect(written).toEqual([]);
  });

  it("delays a permit that is still fresh when the sync ends, and then lets it out", async () => {
    const startUs = rig.clock.nowUs();
    rig.ask(1, 0, 45);
    await settleLoop();
    forgetful.goOn();
    await pass(startUs + PATIENCE_US / 2);
    expect(written).toEqual([]);
    forgetful.goOn();
    await settleLoop();
    expect(written).toMatchObject([{ table: "hr", address: 0 }]);
  });
});
