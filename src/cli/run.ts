import { join } from "node:path";
import type { Command } from "commander";
import { Supervisor, UP_FD } from "../guard/supervisor.js";
import { runDirectoryOf } from "./run-directory.js";

/** Files of the processes that `holdpoint run` starts. */
export type Programs = { readonly guard: string; readonly door: string };

export type RunOptions = {
  readonly site: string;
  /** Kernel time, polls and windows run so much faster than real time. */
  readonly scale: number;
  /** The guard ends with its launcher; else it goes on holding the plant without one. */
  readonly tied: boolean;
  /** Descriptor of the file that takes what the processes print; null: this process's own output. */
  readonly log: number | null;
};

/**
 * Flags of the enforcing process: no code from strings; a nursery in which a command's objects die before they are
 * copied; and a heap that is cleared while it is small, so that after some minutes its size stays what it is.
 */
const GUARD_FLAGS = [
  "--disallow-code-generation-from-strings",
  "--max-semi-space-size=16",
  "--initial-old-space-size=16",
  "--heap-growing-percent=50",
];
/** The door keeps nothing for long: a small nursery costs it no time and saves a third of its memory. */
const DOOR_FLAGS = ["--disallow-code-generation-from-strings", "--max-semi-space-size=2"];
/** Exit codes that a person has to mend: the answer is no, or it could not run. */
const FINAL = [1, 2] as const;

/** `holdpoint run --site FILE`: guard and doors as processes of their own, kept running until Ctrl-C. */
export function addRunCommand(
  program: Command,
  deps: { readonly programs: Programs; readonly exit: (code: number) => void },
): void {
  program
    .command("run")
    .description("stand between AI controllers and the PLCs of a site")
    .requiredOption("--site <file>", "site file: addresses, ports, paths, profile")
    .action(async ({ site }: { readonly site: string }) => {
      const run = startSite({ site, scale: 1, tied: false, log: null }, deps.programs);
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
        process.once(signal, () => {
          run.stop().catch(() => undefined);
        });
      }
      deps.exit(await run.ended);
    });
}

export type RunningSite = {
  readonly runDirectory: string;
  readonly supervisor: Supervisor;
  readonly stop: () => Promise<void>;
  /** Exit code, once everything has ended. */
  readonly ended: Promise<number>;
};

/** Starts the processes of a site. Each keeps the others from nothing but their own work. */
export function startSite(
  options: RunOptions,
  programs: Programs,
  say: (line: string) => void = (line) => void process.stderr.write(`holdpoint: ${line}\n`),
): RunningSite {
  const runDirectory = runDirectoryOf(options.site);
  let settle: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => {
    settle = resolve;
  });
  const supervisor = new Supervisor({ say, over: settle });
  const program = process.execPath;
  const guardArgs = ["--site", options.site, "--run", runDirectory, "--scale", `${options.scale}`];
  const tied = options.tied ? ["--tied"] : [];
  supervisor.start({
    name: "guard",
    program,
    args: [...GUARD_FLAGS, programs.guard, ...guardArgs, ...tied],
    final: FINAL,
    finalBeforeUp: [],
    log: options.log,
  });
  const socket = join(runDirectory, "door-modbus.sock");
  supervisor.start({
    name: "door",
    program,
    args: [...DOOR_FLAGS, programs.door, "--socket", socket, "--up", `${UP_FD}`],
    // A port that was taken while it was down is no reason to leave the plant without its guard.
    final: [],
    finalBeforeUp: [2],
    log: options.log,
  });
  return {
    runDirectory,
    supervisor,
    stop: async () => {
      await supervisor.stop();
      settle(0);
    },
    ended,
  };
}
