import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { eventually, makeSite, startPlant, startSite } from "../support/live-gateway.js";

/** Loaded into every process of the gateway; in the guard it throws out of nowhere when told by a signal. */
const FAULT = `
if ((process.argv[1] ?? "").includes("main-guard")) {
  process.on("SIGUSR2", () => { throw new Error("planted"); });
}
`;

describe("a fault of the guard's own", () => {
  it("drives the safe state before the process ends, says one line, and stays locked out when started again", async () => {
    const plant = await startPlant();
    plant.memory.co[0] = true;
    const site = await makeSite(plant.port);
    const fault = join(site.folder, "fault.mjs");
    writeFileSync(fault, FAULT);
    const gateway = await startSite(site, { NODE_OPTIONS: `--import ${fault}` });
    expect(plant.memory.co[0]).toBe(true);
    const first = await gateway.guardPid();
    process.kill(first, "SIGUSR2");
    await eventually(
      () => `the safe state is driven; it said: ${gateway.output()}`,
      async () => await Promise.resolve(plant.memory.co[0] === false ? true : null),
    );
    const status = await eventually(
      () => `the guard is back, locked out; it said: ${gateway.output()}`,
      async () => {
        const now = await gateway.status().catch(() => null);
        return now !== null && now.mode === "locked-out" ? now : null;
      },
    );
    expect(status.mode).toBe("locked-out");
    expect(await gateway.guardPid()).not.toBe(first);
    expect(gateway.output()).toContain("internal fault: planted");
    expect(gateway.output()).toContain("safe state: valve.open");
    expect(gateway.output()).not.toMatch(/^\s+at .*:\d+:\d+/m);
    expect((await gateway.stop()).code).toBe(0);
  });
});
