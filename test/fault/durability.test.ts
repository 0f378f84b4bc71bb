import { describe, expect, it } from "vitest";
import { recoverLog } from "../../src/guard/evidence/recover.js";
import type { SouthWrite } from "../../src/guard/ports.js";
import type { Entry } from "../../src/kernel/record/entry.js";
import { ForgetfulDisk } from "../support/forgetful-disk.js";
import { pump, settleLoop, startRig, StillDevice, untilEnforcing } from "../support/gateway-rig.js";
import { seeded, type Random } from "../support/seeded.js";
import { share } from "../support/share.js";
import { twoDevices } from "../support/two-devices.js";

const FIRST_SEED = 77_001;
const LIVES = share(1_000, 40);
const STEPS = 60;

/** By unit: what stands at an address, as `START` of the two devices says. */
const LEFT = new Map([
  ["di0", 1],
  ["hr0", 40],
]);
const RIGHT = new Map([
  ["co0", 1],
  ["hr0", 40],
]);
const OUTPUT_AT: Record<string, number> = {
  "0co0": 0,
  "0hr0": 1,
  "0co1": 2,
  "1co0": 3,
  "1hr0": 4,
  "1co1": 5,
};

type Seen = { readonly output: number; readonly raw: number };

describe("a permit and the disk", () => {
  it(
    `no write reaches a device before its permit survives a power cut, cut at every step of ${LIVES} seeded lives from ${FIRST_SEED} [HP-070]`,
    { timeout: 3_600_000 },
    async () => {
      const total = { cuts: 0, writes: 0, torn: 0, unsynced: 0 };
      for (let seed = FIRST_SEED; seed < FIRST_SEED + LIVES; seed += 1) {
        const life = await runLife(seed);
        total.cuts += life.cuts;
        total.writes += life.writes;
        total.torn += life.torn;
        total.unsynced += life.unsynced;
      }
      // Cuts that find nothing unsynced, or lives without writes, would show nothing.
      expect(total.cuts).toBeGreaterThan(LIVES * STEPS * 0.9);
      expect(total.writes).toBeGreaterThan(LIVES * 5);
      expect(total.unsynced).toBeGreaterThan(LIVES * 5);
      expect(total.torn).toBeGreaterThan(LIVES);
      console.log(`durability: ${LIVES} lives, ${JSON.stringify(total)}`);
    },
  );
});

async function runLife(seed: number): Promise<typeof counts> {
  const random = seeded(seed);
  const counts = { cuts: 0, writes: 0, torn: 0, unsynced: 0 };
  const forgetful = new ForgetfulDisk();
  const seen: Seen[] = [];
  const note = (device: number) => (write: SouthWrite) => {
    counts.writes += 1;
    const output = OUTPUT_AT[`${device}${write.table}${write.address}`] ?? -1;
    const { data } = write;
    const raw =
      data.kind === "words" ? data.words[0] : data.kind === "bits" ? Number(data.bits[0]) : NaN;
    seen.push({ output, raw: raw ?? NaN });
  };
  const devices = [new StillDevice(LEFT, note(0)), new StillDevice(RIGHT, note(1))];
  const times = { now: (): number => 0 };
  const links = devices.map((device) => device.link(() => times.now()));
  const rig = await startRig(twoDevices(), forgetful, links);
  times.now = rig.clock.nowUs;
  await untilEnforcing(rig, forgetful, devices);
  for (let step = 0; step < STEPS; step += 1) {
    act(random, { rig, forgetful, devices });
    await settleLoop();
    await checkCut(forgetful, seen, { random, counts, seed });
  }
  return counts;
}

type World = {
  readonly rig: Awaited<ReturnType<typeof startRig>>;
  readonly forgetful: ForgetfulDisk;
  readonly devices: readonly StillDevice[];
};

/** One small thing happens: a command, one call of the disk, one answer of a device, a little time. */
function act(random: Random, { rig, forgetful, devices }: World): void {
  const kind = random.below(10);
  if (kind < 3) {
    const unit = 1 + random.below(2);
    if (random.below(2) === 0) rig.ask(unit, 0, 20 + 5 * random.below(6));
    else rig.ask(unit, 1, random.below(2) === 1);
  } else if (kind < 6) forgetful.goOn();
  else if (kind < 9) devices[random.below(2)]?.answer();
  else rig.clock.advance(random.below(60) * 1_000);
}

/** What would be found if the power went now: a permit for everything the devices have been sent. */
async function checkCut(
  forgetful: ForgetfulDisk,
  seen: readonly Seen[],
  life: {
    readonly random: Random;
    readonly counts: { cuts: number; torn: number; unsynced: number };
    readonly seed: number;
  },
): Promise<void> {
  const { random, counts, seed } = life;
  const more = random.below(3) === 0 ? 0 : random.unit();
  const kept = forgetful.afterPowerCut(more);
  const least = forgetful.afterPowerCut(0);
  const most = forgetful.afterPowerCut(1);
  counts.cuts += 1;
  if (sizeOf(most) > sizeOf(least)) counts.unsynced += 1;
  for (const found of [least, kept]) {
    const permits: Seen[] = [];
    const after = new ForgetfulDisk(found);
    const recovery = await pump(
      after,
      recoverLog(after.disk(), {
        snapshot: () => undefined,
        entry: (entry) => {
          take(entry, permits);
        },
      }),
    );
    if (found === kept && recovery.found === "torn") counts.torn += 1;
    expect(["clean", "torn", "zero-tail"], `seed ${seed}`).toContain(recovery.found);
    for (const { output, raw } of seen) {
      const at = permits.findIndex((permit) => permit.output === output && permit.raw === raw);
      expect(at, `seed ${seed}: a write of ${raw} to output ${output} without its permit`).not.toBe(
        -1,
      );
      permits.splice(at, 1);
    }
  }
}

function take(entry: Entry, permits: Seen[]): void {
  if (entry.body.type !== "decision" || entry.body.verdict !== "permit") return;
  if (entry.body.writes instanceof Uint8Array) return;
  for (const { output, given } of entry.body.writes) {
    if (given !== null) permits.push({ output, raw: given });
  }
}

function sizeOf(files: ReadonlyMap<string, Uint8Array>): number {
  return [...files.values()].reduce((sum, bytes) => sum + bytes.length, 0);
}
