import { describe, expect, it } from "vitest";
import { driveLastResort } from "../../../src/guard/last-resort.js";
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

  it("does not wait for a device that never answers", async () => {
    const silent = createMemoryLink(clock, 0, 3_600_000_000);
    silent.setSilent(true);
    const links = [{ link: silent.link, safeLink: null }];
    expect(await driveLastResort(profile, links, 20)).toEqual([]);
    expect(silent.journal).toHaveLength(1);
    silent.link.close();
  });
});
