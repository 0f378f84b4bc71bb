import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { connectBytes, frameOf, untilDone, writePdu } from "../support/byte-client.js";
import { eventually, runCli, signalTo, startGateway, startPlant } from "../support/live-gateway.js";

const CLIENTS = 6;
const STALL_MS = 8_000;

describe("a guard that stands still for 8 s under load", () => {
  it("sends nothing of what waited: all refused, none reaches the device late, then it goes on [HP-081]", async () => {
    const plant = await startPlant();
    const gateway = await startGateway(plant.port);
    const guard = await gateway.guardPid();
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, async () => await connectBytes(gateway.port)),
    );
    let stopped = false;
    let value = 20_000;
    const done: number[] = [];
    const load = clients.map(async (client, n) => {
      while (!stopped) {
        value += 1;
        const asked = value;
        const answer = await client.ask(1, writePdu(41 + (n % 3), asked));
        if (answer[0] === 6) done.push(asked);
      }
    });
    await eventually("the load flows", () => (done.length > 50 ? true : null));
    signalTo(guard, "SIGSTOP");
    stopped = true;
    // These can only be taken up by a guard that runs again.
    const late = await Promise.all(clients.map(async () => await connectBytes(gateway.port)));
    late.forEach(({ send }, n) => {
      send(...[0, 1, 2, 3].map((k) => frameOf(k, 1, writePdu(41 + (n % 3), 100 * n + k + 1))));
    });
    await pause(STALL_MS);
    const atStall = plant.journal.length;
    signalTo(guard, "SIGCONT");
    const answers = await Promise.all(late.map(async ({ take }) => await take(4)));
    await Promise.all(load);
    for (const all of answers) {
      expect(all.map(({ transaction, pdu }) => [transaction, ...pdu])).toEqual(
        [0, 1, 2, 3].map((k) => [k, 0x86, 6]),
      );
    }
    // Not one write, late ones and those in flight when it stopped alike, came after it stood still.
    const since = plant.journal.slice(atStall).filter(({ kind }) => kind === "write-words");
    expect(since).toEqual([]);
    const status = await gateway.status();
    expect(status.reasons["stale"] ?? 0).toBeGreaterThan(0);
    await untilDone(gateway.port, writePdu(41, 30_000));
    expect(plant.memory.hr[41]).toBe(30_000);
    expect((await gateway.stop()).code).toBe(0);
    const verified = await runCli(["evidence", "verify", gateway.evidence, "--replay"]);
    expect(verified.output).not.toContain("FAIL");
    expect(verified).toMatchObject({ code: 0 });
  });
});
