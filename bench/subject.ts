import { fileURLToPath } from "node:url";
import { type Child, startChild } from "./child-process.js";
import { numberAt, readJsonLine } from "./json-line.js";
import type { Subject } from "./measurement.js";
import type { Native } from "./native.js";
import type { SubjectName } from "./scene.js";

export const DEVICES = 8;

/** Every subject, running, over the same devices; and what the gateway's profile asks of each command. */
export async function startSubjects(
  native: Native,
  dir: string,
): Promise<{
  readonly subjects: readonly Subject[];
  readonly rules: string;
  readonly stop: () => Promise<void>;
}> {
  // Devices of its own for each gateway: a write by another subject would be a foreign write there.
  const plc = await startChild(native.plc, [String(1 + 2 * DEVICES)]);
  const [first = 0, ...rest] = plc.ready.split(" ").slice(1).map(Number);
  const started: Subject[] = [
    {
      name: "direct",
      port: first,
      pids: [plc.pid],
      stop: async () => {
        await plc.stop();
      },
    },
  ];
  started.push(await startProxy("pipe", "pipe.js", first));
  started.push(await startProxy("modbus-serial", "serial-proxy.js", first));
  for (const [index, [name, command]] of Object.entries(gatewayCommands()).entries()) {
    const devices = rest.slice(index * DEVICES, (index + 1) * DEVICES);
    started.push(await startGateway(name, devices, { dir: join(dir, `gateway-${index}`), command }));
  }
  return {
    subjects: started,
    rules: RULES,
    stop: async () => {
      for (const subject of [...started].reverse()) await subject.stop();
    },
  };
}

async function startProxy(name: SubjectName, file: string, device: number): Promise<Subject> {
  const program = fileURLToPath(new URL(file, import.meta.url));
  const child: Child = await startChild(process.execPath, [program, String(device)]);
  return {
    name,
    port: numberAt(readJsonLine(child.ready), "port"),
    pids: [child.pid],
    stop: async () => {
      await child.stop();
    },
  };
}
