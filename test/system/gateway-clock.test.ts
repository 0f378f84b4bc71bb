import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { KillLoad, readLog, valuesAt } from "../support/kill-load.js";
import { eventually, makeSite, runCli, startPlant, startSite } from "../support/live-gateway.js";

/** Debian's libfaketime: the wall clock of a process and its children, set by a file, also while they run. */
const LIBRARIES = ["x86_64", "aarch64"].map(
  (machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`,
);
const HOUR_US = 3_600_000_000;
const CLIENTS = 2;

describe("a wall clock that is set by hours while the gateway works", () => {
  it("changes no verdict, no lease and no order: each step is on record, and the log verifies and replays [HP-084]", async () => {
    const clock = makeWallClock();
    const plant = await startPlant();
    const site = await makeSite(plant.port);
    const gateway = await startSite(site, clock.env);
    const load = new KillLoad();
    const running = load.start(gateway.port, CLIENTS);
    const flowsOn = async (): Promise<void> => {
      const before = load.acknowledged.length;
      await eventually("writes go on", () =>
        load.acknowledged.length > before + 20 ? true : null,
      );
    };
    await flowsOn();
    const set = [5, -7, 0];
    for (const [at, hours] of set.entries()) {
      clock.set(hours);
      await eventually("the step is on record", async () => {
        const steps = await stepsIn(site.evidence).catch(() => []);
        return steps.length > at ? true : null;
      });
      await flowsOn();
    }
    const { mode, alarms } = await gateway.status();
    expect(mode).toBe("enforcing");
    expect(alarms.filter(({ id }) => id.startsWith("trip"))).toEqual([]);
    await running.end();
    expect(await gateway.stop()).toMatchObject({ code: 0 });

    expect((await stepsIn(site.evidence)).map((us) => Math.round(us / HOUR_US))).toEqual([
      5, -12, 7,
    ]);
    expect(load.refused).toEqual([]);
    expect(new Set(valuesAt(plant)).size).toBe(valuesAt(plant).length);

    // The next run begins before the one before it did.
    clock.set(-9);
    const again = await startSite(site, clock.env);
    await again.stop();
    const verified = await runCli(["evidence", "verify", site.evidence, "--replay"]);
    expect(verified.output).not.toContain("FAIL");
    expect(verified.code).toBe(0);
  });
});

async function stepsIn(evidence: string): Promise<readonly number[]> {
  const { entries } = await readLog(evidence);
  return entries.flatMap(({ body }) => (body.type === "clock" ? [body.stepUs] : []));
}

/** For processes started with `env`: hours ahead of the true time, less than nothing is behind it. */
function makeWallClock(): {
  readonly env: Readonly<Record<string, string>>;
  readonly set: (hours: number) => void;
} {
  const library = LIBRARIES.find((path) => existsSync(path));
  if (library === undefined) throw new Error("this test needs the Debian package libfaketime");
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-clock-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const file = join(folder, "offset");
  const set = (hours: number): void => {
    writeFileSync(file, `${hours < 0 ? "" : "+"}${hours}h\n`);
  };
  set(0);
  return {
    set,
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
  };
}
