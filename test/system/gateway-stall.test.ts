import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { connectBytes, frameOf, untilDone, writePdu } from "../support/byte-client.js";
import {
  eventually,
  makeSite,
  readTestProfile,
  runCli,
  startSite,
  signalTo,
  startPlant,
} from "../support/live-gateway.js";

const CLIENTS = 6;
const STALL_MS = 8_000;
/** More than a connection may have in flight, and more than waits in the door: the rest stands in the socket. */
const DEEP = 20_000;
const SEGMENT = 200;

describe("a guard that stands still for 8 s under load", () => {
  it("sends nothing of what waited: all refused, none reaches the device late, then it goes on [HP-081]", async () => {
    const plant = await startPlant();
    // A write that was acknowledged and not yet read back is to be proven within 8 s: here that is not the question.
    const profile = readTestProfile().replaceAll("within 8 s", "within 1 min");
    const gateway = await startSite(await makeSite(plant.port, profile));
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
    const deep = await connectBytes(gateway.port);
    for (let from = 0; from < DEEP; from += SEGMENT) {
      const frames = Array.from({ length: SEGMENT }, (_, k) =>
        frameOf(from + k, 1, writePdu(41 + ((from + k) % 3), 1_000 + ((from + k) % 15_000))),
      );
      deep.send(...frames);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await pause(STALL_MS);
    const atStall = plant.journal.length;
    signalTo(guard, "SIGCONT");
    const answers = await Promise.all(late.map(async ({ take }) => await take(4)));
    const deepAnswers = await deep.take(DEEP);
    await Promise.all(load);
    expect(deepAnswers.map(({ transaction }) => transaction)).toEqual([...Array(DEEP).keys()]);
    for (const { pdu } of deepAnswers)
      expect([pdu[0], pdu[1] === 4 || pdu[1] === 6]).toEqual([0x86, true]);
    // Stale, all of them (6); the PLC's counter has not been seen for as long, which comes first in the table (4).
    for (const { transaction, pdu } of answers.flat()) {
      expect(transaction).toBeLessThan(4);
      expect([pdu[0], pdu[1] === 4 || pdu[1] === 6]).toEqual([0x86, true]);
    }
    // None of what waited. Of what was under way at most the one that was cut in the middle of its sending, between
    // the last look at the clock and the call to the system: no process can close that gap.
    const since = plant.journal
      .slice(atStall)
      .flatMap((request) => (request.kind === "write-words" ? request.words : []));
    expect(since.filter((word) => word < 20_000)).toEqual([]);
    expect(since.length).toBeLessThanOrEqual(1);
    const status = await gateway.status();
    expect(status.reasons["stale"] ?? 0).toBeGreaterThan(0);
    const { mode, latched } = status;
    expect({ mode, latched }).toEqual({ mode: "enforcing", latched: [] });
    await untilDone(gateway.port, writePdu(41, 30_000));
    expect(plant.memory.hr[41]).toBe(30_000);
    // The one that had outrun the door goes on without a pause, and is soon taken as anybody else.
    await eventually("its commands count as fresh again", async () => {
      const answer = await deep.ask(1, writePdu(41, 30_001));
      return answer[0] === 6 ? true : null;
    });
    expect((await gateway.stop()).code).toBe(0);
    const verified = await runCli(["evidence", "verify", gateway.evidence, "--replay"]);
    expect(verified.output).not.toContain("FAIL");
    expect(verified).toMatchObject({ code: 0 });
  });
});
