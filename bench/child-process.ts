import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A process of the bench: its first line of output is what it said when it was ready. */
export type Child = {
  readonly pid: number;
  readonly ready: string;
  /** Asks it to end, waits, and gives the lines it printed after the first. After 10 s it is ended. */
  readonly stop: () => Promise<readonly string[]>;
};

const READY_WITHIN_MS = 60_000;
const END_WITHIN_MS = 10_000;

/** Starts a program and waits for its first line. Throws, with what it wrote to stderr, if none comes. */
export async function startChild(program: string, args: readonly string[]): Promise<Child> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  const lines: string[] = [];
  let errors = "";
  child.stderr.on("data", (bytes: Buffer) => {
    errors = (errors + bytes.toString()).slice(-4_000);
  });
  const ended = new Promise<void>((done) => {
    child.once("close", () => {
      done();
    });
  });
  const ready = await new Promise<string>((done, fail) => {
    const limit = setTimeout(() => {
      child.kill("SIGKILL");
      fail(new Error(`${program} ${args.join(" ")}: not ready within 60 s\n${errors}`));
    }, READY_WITHIN_MS);
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line);
      clearTimeout(limit);
      done(line);
    });
    child.once("close", () => {
      clearTimeout(limit);
      fail(new Error(`${program} ${args.join(" ")}: ended before it was ready\n${errors}`));
    });
    child.once("error", fail);
  });
  return { pid: child.pid ?? 0, ready, stop: async () => await stopChild(child, ended, lines) };
}

/** Runs a program to its end and gives its output. Throws, with what it wrote to stderr, if it fails. */
export async function runToEnd(program: string, args: readonly string[]): Promise<string> {
  return await new Promise((done, fail) => {
    execFile(program, args, { maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) done(stdout);
      else
        fail(new Error(`${program} ${args.join(" ")}\n${stderr === "" ? error.message : stderr}`));
    });
  });
}

async function stopChild(
  child: ChildProcess,
  ended: Promise<void>,
  lines: readonly string[],
): Promise<readonly string[]> {
  const limit = setTimeout(() => {
    child.kill("SIGKILL");
  }, END_WITHIN_MS);
  if (child.exitCode === null) child.kill("SIGTERM");
  await ended;
  clearTimeout(limit);
  return lines.slice(1);
}
