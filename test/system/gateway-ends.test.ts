import { existsSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runDirectoryOf } from "../../src/cli/run-directory.js";
import { askOnce, connectBytes, untilDone, writePdu } from "../support/byte-client.js";
import {
  eventually,
  launch,
  makeSite,
  readTestProfile,
  runCli,
  signalTo,
  startGateway,
  startPlant,
  untilEnforcing,
  within,
  type LiveSite,
} from "../support/live-gateway.js";

describe("the end of a gateway", () => {
  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "by %s under load is clean: exit 0, no stack, evidence whole, nothing left behind",
    async (signal) => {
      const plant = await startPlant();
      const gateway = await startGateway(plant.port);
      await untilDone(gateway.port, writePdu(41, 1));
      const load = writeUntilClosed(gateway.port);
      await eventually("the load flows", () => (load.asked() > 20 ? true : null));
      const ended = await gateway.stop(signal);
      await within("its clients notice", load.over);
      expect(ended.code).toBe(0);
      expect(ended.output).not.toMatch(/^\s+at /m);
      expect(existsSync(runDirectoryOf(gateway.siteFile))).toBe(false);
      await expectSound(gateway);
    },
  );

  it("of the guard by kill -9 under load hangs nobody; it recovers its log, says so and goes on", async () => {
    const plant = await startPlant();
    const gateway = await startGateway(plant.port);
    for (let boot = 2; boot <= 3; boot += 1) {
      await untilDone(gateway.port, writePdu(41, boot));
      const load = writeUntilClosed(gateway.port);
      await eventually("the load flows", () => (load.asked() > 20 ? true : null));
      signalTo(await gateway.guardPid(), "SIGKILL");
      await within("its clients get an answer or the end", load.over);
      // Until the guard is back: surely not done, or the door has let go to meet the new one.
      const answer = await askOnce(gateway.port, writePdu(41, 9)).catch(() => [0x86, 4]);
      expect([6, 0x86]).toContain(answer[0]);
      await eventually("the new guard runs", async () => {
        const status = await gateway.status().catch(() => null);
        return status?.boot === boot ? true : null;
      });
      await untilEnforcing(gateway);
    }
    expect(gateway.output()).toMatch(/guard ended \(SIGKILL\); it is started again/);
    await untilDone(gateway.port, writePdu(41, 77));
    const ended = await gateway.stop();
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.output).not.toMatch(/^\s+at /m);
    await expectSound(gateway);
  });
});

describe("a gateway whose output nobody reads any more", () => {
  it("goes on: what cannot be said is no fault", async () => {
    const plant = await startPlant();
    const gateway = await startGateway(plant.port);
    const guard = await gateway.guardPid();
    const door = await gateway.doorPid();
    gateway.launcher.stdout?.destroy();
    gateway.launcher.stderr?.destroy();
    // Each of the three processes has something to say of this.
    signalTo(door, "SIGKILL");
    await eventually("another door runs", async () => {
      const status = await gateway.status().catch(() => null);
      const serves = status?.doors.some(({ listening }) => listening.length === 2) === true;
      return serves && (await gateway.doorPid()) !== door ? true : null;
    });
    await untilDone(gateway.port, writePdu(41, 7));
    expect(await gateway.guardPid()).toBe(guard);
    expect(await gateway.status()).toMatchObject({ boot: 1, mode: "enforcing" });
    expect(await gateway.stop()).toMatchObject({ code: 0 });
  });
});

describe("a gateway that cannot run", () => {
  const wrongs: readonly [string, (site: LiveSite) => void, number, RegExp][] = [
    [
      "whose profile is not there",
      ({ folder }) => {
        rmSync(`${folder}/profile.yaml`);
      },
      2,
      /profile .*profile\.yaml cannot be read/,
    ],
    [
      "whose evidence folder is a file",
      ({ evidence }) => {
        writeFileSync(evidence, "");
      },
      2,
      /^evidence folder .*evidence cannot be used \(a file stands there\)/m,
    ],
    [
      "whose signing key is no key",
      ({ evidence }) => {
        writeFileSync(`${evidence}.key`, "hello\n", { mode: 0o600 });
      },
      2,
      /evidence\.key is not a P-256 private key/,
    ],
    [
      "whose profile is not text",
      ({ folder }) => {
        writeFileSync(`${folder}/profile.yaml`, Uint8Array.of(0xff, 0xfe, 0, 1));
      },
      1,
      /not UTF-8/,
    ],
    [
      "whose profile is empty",
      ({ folder }) => {
        writeFileSync(`${folder}/profile.yaml`, "");
      },
      1,
      /profile\.yaml/,
    ],
    [
      "whose site file is empty",
      ({ siteFile }) => {
        writeFileSync(siteFile, "");
      },
      1,
      /site\.yaml/,
    ],
  ];

  it.each(wrongs)("%s says so and nothing else [HP-082]", async (_, spoil, code, says) => {
    const site = await makeSite(9);
    spoil(site);
    const gateway = launch(site);
    const ended = await within("it ends", gateway.ended);
    expect(ended.output).toMatch(says);
    expect(ended.code).toBe(code);
    expect(ended.output).not.toMatch(/^\s+at |internal fault|Modbus TCP on/m);
    // One line; warnings before it have their own shape, and places.
    if (code === 2)
      expect(ended.output.split("\n").filter((line) => says.test(line))).toHaveLength(1);
  });

  const mistakes: readonly [string, string, string][] = [
    ["an unknown key", "range: 10..50 Hz, step", "rnage: 10..50 Hz, step"],
    ["a unit of another quantity", "tank.level < 4.0005 m", "tank.level < 4.0005 bar"],
    ["a tag that is not there", "needs: tank.level", "needs: tank.levle"],
    ["two outputs at one place", "at: plc hr 42 u16", "at: plc hr 41 u16"],
    ["an anchor", "restart: hold", "restart: &r hold"],
  ];

  it.each(mistakes)(
    "%s in its profile is shown with its place, a caret and a hint; exit 1, nothing loaded [HP-090 refuses]",
    async (_, right, wrong) => {
      const profile = readTestProfile();
      expect(profile).toContain(right);
      const gateway = launch(await makeSite(9, profile.replace(right, wrong)));
      const ended = await within("it ends", gateway.ended);
      expect(ended.code).toBe(1);
      expect(ended.output).toMatch(/--> .*profile\.yaml:\d+:\d+/);
      expect(ended.output).toMatch(/^ +\| +\^+$/m);
      expect(ended.output).toContain("hint:");
      expect(ended.output).not.toMatch(/^\s+at |internal fault|Modbus TCP on/m);
    },
  );
});

/** One write after the other until the connection ends or nobody is behind it any more. */
function writeUntilClosed(port: number): {
  readonly asked: () => number;
  readonly over: Promise<void>;
} {
  let asked = 0;
  const run = async (): Promise<void> => {
    const client = await connectBytes(port);
    for (;;) {
      asked += 1;
      const answer = await client.ask(1, writePdu(41, 1_000 + asked)).catch(() => null);
      // Ended, or 4 and 0x0B: the guard is gone.
      if (answer === null || (answer[0] !== 6 && answer[1] !== 6)) break;
    }
    client.socket.destroy();
  };
  return { asked: () => asked, over: run() };
}

async function expectSound({ evidence }: LiveSite): Promise<void> {
  const verified = await runCli(["evidence", "verify", evidence, "--replay"]);
  expect(verified.output).not.toContain("FAIL");
  expect(verified).toMatchObject({ code: 0 });
}
