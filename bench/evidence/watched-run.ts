import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";

/** What a program took from its start to its end. */
export type WatchedRun = {
  readonly output: string;
  readonly wallS: number;
  /** Of all its threads. */
  readonly cpuS: number;
  readonly peakMiB: number;
};

const EVERY_MS = 50;
const WITHIN_MS = 60 * 60 * 1000;

/**
 * Runs it to its end. Memory is the system's own high-water mark, as last read: at most 50 ms before the end. Throws, with
 * the end of what it wrote to stderr, when it fails.
 */
export async function watchRun(program: string, args: readonly string[]): Promise<WatchedRun> {
  const begun = performance.now();
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], timeout: WITHIN_MS });
  const closed = once(child, "close");
  let output = "";
  let errors = "";
  child.stdout.on("data", (bytes: Buffer) => {
    output += bytes.toString();
  });
  child.stderr.on("data", (bytes: Buffer) => {
    errors = (errors + bytes.toString()).slice(-4_000);
  });
  let peakMiB = 0;
  let cpuS = 0;
  const over = closed.then(() => true);
  for (let ended = false; !ended;) {
    peakMiB = Math.max(peakMiB, peakOf(child.pid ?? 0));
    cpuS = Math.max(cpuS, cpuOf(child.pid ?? 0));
    ended = await Promise.race([over, wait(EVERY_MS, false)]);
  }
  if (child.exitCode !== 0) throw new Error(`${program} ${args.join(" ")}\n${output}${errors}`);
  return { output, wallS: (performance.now() - begun) / 1_000, cpuS, peakMiB };
}

/** 0 once it is gone. */
function peakOf(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1_024;
}

/** User and system time of all threads, in clock ticks of 10 ms (proc_pid_stat(5), fields 14 and 15). */
function cpuOf(pid: number): number {
  const fields = read(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
