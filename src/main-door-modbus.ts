#!/usr/bin/env node
import { writeSync } from "node:fs";
import { parseArgs } from "node:util";
import { ModbusDoor } from "./doors/modbus/door.js";

/** Composition root of the Modbus door: `--socket PATH [--up FD]`. It says on `FD` that it listens. It ends with its launcher, whose pipe is its stdin. */
const MENDABLE = 2;
const RESTART = 3;
const INTERNAL_FAULT = 70;

// Whoever read what it prints may be gone.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
process.on("uncaughtException", (error) => {
  process.stderr.write(`holdpoint: internal fault in the door: ${error.message}\n`);
  if (process.env["HOLDPOINT_DEBUG"] !== undefined) process.stderr.write(`${error.stack ?? ""}\n`);
  process.exit(INTERNAL_FAULT);
});

const { values } = parseArgs({ options: { socket: { type: "string" }, up: { type: "string" } } });
if (values.socket === undefined) {
  process.stderr.write("holdpoint door: --socket PATH is missing\n");
  process.exit(MENDABLE);
}

const door = new ModbusDoor({
  socketPath: values.socket,
  listening: (addresses) => {
    process.stdout.write(`holdpoint: Modbus TCP on ${addresses.join(", ")}\n`);
    tellUp();
  },
  failed: (what, mendable) => {
    process.stderr.write(`holdpoint: ${what}\n`);
    // The guard is told first; the link's last bytes need a moment.
    setTimeout(() => {
      process.exit(mendable ? MENDABLE : RESTART);
    }, 50);
  },
  stopped: () => {
    process.exit(0);
  },
});

process.on("SIGTERM", () => {
  door.stop();
  process.exit(0);
});
// Ctrl-C reaches the whole group: the launcher ends this process when the guard has ended.
process.on("SIGINT", () => undefined);
process.stdin.on("end", () => {
  door.stop();
  process.exit(0);
});
process.stdin.on("error", () => undefined);
process.stdin.resume();
door.start();

/** For the launcher: where a port is taken from here on, it is worth trying again. */
function tellUp(): void {
  if (values.up === undefined) return;
  try {
    writeSync(Number(values.up), "\n");
  } catch {
    // The launcher is gone, and nobody asks.
  }
}
