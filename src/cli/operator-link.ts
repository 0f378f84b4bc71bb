import { connect } from "node:net";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { Refusal } from "./output.js";

/** One ask at the operator socket of a running gateway, and its answer: one JSON object. */
export async function askOperator(runDirectory: string, ask: object): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    const socket = connect(join(runDirectory, "operator.sock"));
    socket.on("error", () => {
      reject(new Refusal("no gateway runs for this site file (holdpoint run --site FILE)", 2));
    });
    const lines = createInterface({ input: socket });
    // The reader of lines repeats the socket's errors.
    lines.on("error", () => undefined);
    lines.once("line", (line) => {
      socket.end();
      resolve(JSON.parse(line));
    });
    lines.once("close", () => {
      reject(new Refusal("the gateway ended the conversation", 2));
    });
    socket.on("connect", () => {
      socket.write(`${JSON.stringify(ask)}\n`);
    });
  });
}

/** Calls back with every entry that people follow, until the returned function is called or the guard ends. */
export function watchOperator(
  runDirectory: string,
  entry: (view: unknown) => void,
  ended: () => void,
): () => void {
  const socket = connect(join(runDirectory, "operator.sock"));
  socket.on("error", () => {
    socket.destroy();
  });
  socket.on("close", ended);
  socket.on("connect", () => {
    socket.write('{"ask":"watch"}\n');
  });
  const lines = createInterface({ input: socket });
  // The reader of lines repeats the socket's errors.
  lines.on("error", () => undefined);
  lines.on("line", (line) => {
    entry(JSON.parse(line));
  });
  return () => {
    socket.destroy();
  };
}
