#!/usr/bin/env node
import { parseArgs } from "node:util";
import { ModbusDoor } from "./doors/modbus/door.js";

/** Composition root of the Modbus door: `--socket PATH`. It ends with its launcher, whose pipe is its stdin. */
const MENDABLE = 2;
const RESTART = 3;
const INTERNAL_FAULT = 70;

process.on("uncaughtException", (error) => {
  process.stderr.write(`holdpoint: internal fault in the door: ${error.message}\n`);
  if (process.env["HOLDPOINT_DEBUG"] !== undefined) process.stderr.write(`${error.stack ?? ""}\n`);
  process.exit(INTERNAL_FAULT);
});

const { values } = parseArgs({ options: { socket: { type: "string" } } });
if (values.socket === undefined) {
  process.stderr.write("holdpoint door: --socket PATH is missing\n");
  process.exit(MENDABLE);
}

const door = new ModbusDoor({
  socketPath: values.socket,
  listening: (addresses) => {
    process.stdout.write(`holdpoint: Modbus TCP on ${addresses.join(", ")}\n`);
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
