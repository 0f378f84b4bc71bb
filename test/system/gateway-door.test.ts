import { createServer, type Server } from "node:net";
import { describe, expect, it } from "vitest";
import { askOnce, readPdu } from "../support/byte-client.js";
import { atEnd, eventually, signalTo, startGateway, startPlant } from "../support/live-gateway.js";

/** The port is the test's from here on; null: somebody else has it. */
async function take(port: number): Promise<Server | null> {
  const server = createServer((socket) => socket.destroy());
  return await new Promise((resolve) => {
    server.once("error", () => {
      resolve(null);
    });
    server.listen(port, "127.0.0.1", () => {
      resolve(server);
    });
  });
}

describe("a door whose port is taken while it is down", () => {
  it("is started again for as long as that lasts, and the guard polls and trips meanwhile [HP-080]", async () => {
    const plant = await startPlant();
    plant.memory.co[0] = true;
    const gateway = await startGateway(plant.port);
    const guard = await gateway.guardPid();
    const launcher = gateway.launcher.pid ?? 0;
    atEnd(() => {
      signalTo(launcher, "SIGCONT");
    });
    const door = await gateway.doorPid();
    // Held, so that the port is the other program's before the door is started again.
    signalTo(launcher, "SIGSTOP");
    signalTo(door, "SIGKILL");
    const other = await eventually("the port is free", async () => await take(gateway.port));
    atEnd(() => other.close());
    signalTo(launcher, "SIGCONT");
    await eventually(
      () => `the door was started again twice in vain; it said: ${gateway.output()}`,
      () =>
        gateway.output().split("door ended (code 2); it is started again").length > 2 ? 1 : null,
    );
    expect(gateway.output()).toContain(
      `127.0.0.1:${gateway.port} is taken by another program: stop it, or change the site's listener`,
    );
    plant.memory.di[0] = true;
    await eventually("the trip closes the valve", () =>
      plant.memory.co[0] === false ? true : null,
    );
    expect(await gateway.guardPid()).toBe(guard);
    other.close();
    plant.memory.di[0] = false;
    const status = await eventually("the door listens", async () => {
      const now = await gateway.status();
      return now.doors.some(({ listening }) => listening.length === 2) ? now : null;
    });
    expect(status.boot).toBe(1);
    expect((await askOnce(gateway.port, readPdu(4, 10, 1)))[0]).toBe(4);
    expect(gateway.launcher.exitCode).toBeNull();
    expect(await gateway.stop()).toMatchObject({ code: 0 });
  });
});
