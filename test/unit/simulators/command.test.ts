import { createServer } from "node:net";
import { Command } from "commander";
import { afterEach, expect, it, vi } from "vitest";
import { addSimCommands } from "../../../simulators/command.js";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs `holdpoint sim ...` in this process and gives back what it printed. */
async function run(...args: string[]): Promise<readonly string[]> {
  const lines: string[] = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    lines.push(String(text).trimEnd());
    return true;
  });
  const program = new Command("holdpoint").exitOverride().configureOutput({
    writeErr: (text) => lines.push(text.trimEnd()),
  });
  addSimCommands(program);
  try {
    await program.parseAsync(["sim", "lift-station", ...args], { from: "user" });
  } finally {
    vi.restoreAllMocks();
  }
  return lines;
}

it("says where it listens, how it fares and how it ended", async () => {
  const lines = await run("--port", "0", "--scale", "100", "--for", "1.2");
  expect(lines[0]).toMatch(
    /^lift station: Modbus TCP on 127\.0\.0\.1:\d+, unit 1; seed 1, 100x real time/,
  );
  expect(lines[1]).toMatch(/s {2}AI {2}level \d\.\d\d m {2}pumps 30\.0 Hz, off {2}valve 100 %/);
  expect(lines.at(-1)).toMatch(
    /^ended after \d+ s of plant time: 0 writes received, 0 and 0 pump starts, no hazard$/,
  );
});

it("speaks JSON, one object a line, when asked", async () => {
  const lines = await run("--port", "0", "--json", "--for", "0.1", "--seed", "7", "--idle");
  const objects = lines.map((line): unknown => JSON.parse(line));
  expect(objects[0]).toMatchObject({ started: true, unit: 1, seed: 7, scale: 1 });
  expect(objects.at(-1)).toMatchObject({
    ended: true,
    mode: "AI",
    onFloats: false,
    writes: 0,
    hazards: [],
  });
});

it("ends on a polite signal with its summary", async () => {
  const ending = run("--port", "0");
  await vi.waitFor(() => {
    expect(process.listenerCount("SIGTERM")).toBeGreaterThan(0);
  });
  process.emit("SIGTERM");
  expect((await ending).at(-1)).toMatch(/^ended after /);
});

it.each([
  ["--port", "70000", "a port is a whole number from 0 to 65535"],
  ["--port", "x", "a port is a whole number from 0 to 65535"],
  ["--seed", "1.5", "a seed is a whole number"],
  ["--scale", "0", "it must be a number above 0"],
])("refuses %s %s with a reason", async (flag, value, why) => {
  await expect(run(flag, value)).rejects.toThrow(why);
});

it("fails with one line when the port is taken", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const address = other.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  await expect(run("--port", String(port))).rejects.toMatchObject({ name: "Refusal", exitCode: 2 });
  other.close();
});
