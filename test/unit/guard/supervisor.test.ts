import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { Supervisor, UP_FD, type Task } from "../../../src/guard/supervisor.js";

const UP = `require("fs").writeSync(${UP_FD}, "\\n");`;
const FALL = "process.exit(2);";
/** Runs until it is told to end. */
const STAY = "setInterval(() => undefined, 1000);";

describe("the supervisor", () => {
  let supervisor: Supervisor;
  let said: string[];
  let over: number[];
  let wakes: (() => void)[];

  afterEach(async () => {
    await supervisor.stop();
  });

  function begin(): void {
    said = [];
    over = [];
    wakes = [];
    const wake = (): void => {
      for (const run of wakes.splice(0)) run();
    };
    supervisor = new Supervisor({
      say: (line) => {
        said.push(line);
        wake();
      },
      over: (code) => {
        over.push(code);
        wake();
      },
    });
  }

  async function until(met: () => boolean): Promise<void> {
    while (!met()) await new Promise<void>((resolve) => wakes.push(resolve));
  }

  function task(name: string, script: string, finals: Partial<Task> = {}): Task {
    const args = ["-e", script];
    const { final = [], finalBeforeUp = [] } = finals;
    return { name, program: process.execPath, args, final, finalBeforeUp, log: null };
  }

  it("gives up, and ends all others, when a task that never came up ends with a code that is final before", async () => {
    begin();
    supervisor.start(task("guard", STAY));
    supervisor.start(task("door", FALL, { finalBeforeUp: [2] }));
    await until(() => over.length > 0);
    expect(over).toEqual([2]);
    expect(said).toEqual([]);
    expect(supervisor.pidOf("guard")).toBeNull();
  });

  it("starts a task that came up once again after that code, again and again, says so, and leaves the others alone", async () => {
    begin();
    supervisor.start(task("guard", STAY));
    const guard = supervisor.pidOf("guard");
    supervisor.start(task("door", UP + FALL, { finalBeforeUp: [2] }));
    await until(() => said.length === 3 || over.length > 0);
    expect(over).toEqual([]);
    expect(said).toEqual([
      "door ended (code 2); it is started again in 0.2 s",
      "door ended (code 2); it is started again in 0.4 s",
      "door ended (code 2); it is started again in 0.8 s",
    ]);
    expect(guard).not.toBeNull();
    expect(supervisor.pidOf("guard")).toBe(guard);
  });

  it("remembers that a task came up, whichever of its processes it was", async () => {
    begin();
    const folder = mkdtempSync(join(tmpdir(), "holdpoint-supervisor-"));
    onTestFinished(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    // Its first process comes up, all others fall before that.
    const mark = JSON.stringify(join(folder, "mark"));
    const once = `
      const fs = require("fs");
      if (!fs.existsSync(${mark})) { ${UP} fs.writeFileSync(${mark}, ""); }
      ${FALL}`;
    supervisor.start(task("door", once, { finalBeforeUp: [2] }));
    await until(() => said.length === 2 || over.length > 0);
    expect(over).toEqual([]);
    expect(said).toHaveLength(2);
  });

  it("gives up at a code that is final always, come up or not", async () => {
    begin();
    supervisor.start(task("guard", UP + FALL, { final: [2], finalBeforeUp: [3] }));
    await until(() => over.length > 0);
    expect(over).toEqual([2]);
  });
});
