import { describe, expect, it } from "vitest";
import { OwnFault, type LastSteps } from "../../../src/guard/own-fault.js";

/** What is said, and with what the process would end; `withinMs` of real time at most. */
function startFault(withinMs?: number) {
  const said: string[] = [];
  const exits: number[] = [];
  let ended = (): void => undefined;
  const end = new Promise<void>((resolve) => (ended = resolve));
  const exit = (code: number): void => {
    exits.push(code);
    ended();
  };
  const say = (line: string): void => void said.push(line);
  const needs = withinMs === undefined ? { say, exit } : { say, exit, withinMs };
  return { fault: new OwnFault(needs), said, exits, end };
}

/** Last steps that end when the test says so. */
function startSteps(): LastSteps & { readonly did: string[]; readonly finish: () => void } {
  const did: string[] = [];
  let finish = (): void => undefined;
  const over = new Promise<void>((resolve) => (finish = resolve));
  return {
    did,
    finish: () => {
      finish();
    },
    halts: [() => void did.push("halt"), () => void did.push("cut")],
    lastResort: async (why) => {
      did.push(`last resort: ${why}`);
      await over;
    },
  };
}

describe("a fault of our own", () => {
  it("ends the process at once as long as there is no plant to be left safe", () => {
    const { fault, said, exits } = startFault();
    expect(fault.isArmed).toBe(false);
    fault.take("planted");
    expect(exits).toEqual([70]);
    expect(said).toEqual(["internal fault: planted"]);
  });

  it("halts first, then takes the last resort, and ends the process only when that is over", async () => {
    const { fault, exits, end } = startFault();
    const steps = startSteps();
    fault.arm(steps);
    expect([fault.isArmed, fault.isEnding]).toEqual([true, false]);
    fault.take("planted");
    expect(fault.isEnding).toBe(true);
    expect(steps.did).toEqual(["halt", "cut", "last resort: planted"]);
    expect(exits).toEqual([]);
    steps.finish();
    await end;
    expect(exits).toEqual([70]);
  });

  it("that recurs meanwhile is said a bounded number of times, and neither ends anything nor begins it anew", async () => {
    const { fault, said, exits, end } = startFault();
    const steps = startSteps();
    fault.arm(steps);
    for (let time = 0; time < 1_000; time += 1) fault.take(`planted ${time}`);
    expect(exits).toEqual([]);
    expect(steps.did).toHaveLength(3);
    expect(said[0]).toBe("internal fault: planted 0");
    expect(said[1]).toBe("internal fault while ending: planted 1");
    expect(said).toHaveLength(12);
    expect(said.at(-1)).toBe("further faults are not said");
    steps.finish();
    await end;
    expect(exits).toEqual([70]);
  });

  it("takes each step also after one that throws", async () => {
    const { fault, said, exits, end } = startFault();
    const steps = startSteps();
    const halts = [
      (): void => {
        throw new Error("no halt");
      },
      ...steps.halts,
    ];
    fault.arm({ ...steps, halts });
    steps.finish();
    fault.take("planted");
    await end;
    expect(steps.did).toEqual(["halt", "cut", "last resort: planted"]);
    expect(said).toContain("internal fault while ending: no halt");
    expect(exits).toEqual([70]);
  });

  it.each<[string, LastSteps["lastResort"]]>([
    [
      "throws at once",
      () => {
        throw new Error("no resort");
      },
    ],
    [
      "rejects later",
      async () => {
        await Promise.resolve();
        throw new Error("no resort");
      },
    ],
  ])("ends the process also where the last resort %s", async (_, lastResort) => {
    const { fault, said, exits, end } = startFault();
    fault.arm({ halts: [], lastResort });
    fault.take("planted");
    await end;
    expect(said).toContain("internal fault while ending: no resort");
    expect(exits).toEqual([70]);
  });

  it("ends the process also where the last resort never does", async () => {
    const { fault, said, exits, end } = startFault(5);
    fault.arm(startSteps());
    fault.take("planted");
    await end;
    expect(exits).toEqual([70]);
    expect(said).toContain("the end took longer than 5 ms and is not waited for");
  });
});
