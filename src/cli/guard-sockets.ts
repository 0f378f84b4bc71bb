import { join } from "node:path";
import type { DoorHost } from "../guard/door-host.js";
import { viewEntry } from "../guard/entry-view.js";
import type { Guard } from "../guard/guard.js";
import { OperatorServer } from "../guard/operator-server.js";
import { tellStatus } from "../guard/status.js";
import type { GuardOptions } from "./guard-options.js";
import { leaveRunDirectory } from "./run-directory.js";

export type SocketParts = {
  readonly doors: DoorHost;
  readonly facts: Parameters<typeof tellStatus>[1];
  readonly options: GuardOptions;
  /** A fault of ours ends the process: then no signal does. */
  readonly isFailing: () => boolean;
  readonly fail: (error: unknown) => void;
};

/**
 * Opens the guard's sockets for doors and people, and ends the process with 0, in order, at a signal or with its
 * launcher. Rejects where a socket cannot be opened.
 * @returns cuts both off at once, for a fault of ours
 */
export async function openSockets(guard: Guard, parts: SocketParts): Promise<() => void> {
  const { doors, facts, options } = parts;
  const operators = new OperatorServer({
    path: join(options.run, "operator.sock"),
    status: () => tellStatus(guard, facts),
    act: (act) => {
      guard.act(act);
    },
  });
  guard.onEntry((entry) => {
    if (!operators.isWatched) return;
    const view = viewEntry(guard.profile, entry);
    if (view !== null) operators.tell(view);
  });
  await doors.listen();
  await operators.listen();
  endInOrder(guard, operators, parts);
  return () => {
    doors.cut();
    operators.cut();
  };
}

function endInOrder(
  guard: Guard,
  operators: OperatorServer,
  { doors, options, isFailing, fail }: SocketParts,
): void {
  let ending = false;
  const end = (why: string): void => {
    if (ending || isFailing()) return;
    ending = true;
    doors.close();
    operators.close();
    guard.stop(why).then(() => {
      if (isFailing()) return;
      leaveRunDirectory(options.run);
      process.exit(0);
    }, fail);
  };
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(signal, () => {
      end(signal);
    });
  }
  process.stdin.on("error", () => undefined);
  process.stdin.on("end", () => {
    if (options.tied) end("the launcher is gone");
  });
  process.stdin.resume();
}
