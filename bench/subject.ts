import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Child, startChild } from "./child-process.js";
import { type GatewayCommand, startGateway } from "./gateway.js";
import { numberAt, readJsonLine } from "./json-line.js";
import type { Subject } from "./measurement.js";
import type { Native } from "./native.js";
import { RULES } from "./profile.js";
import type { SubjectName } from "./scene.js";

const DEVICES = 8;
const CLI = fileURLToPath(new URL("../src/main-cli.js", import.meta.url));
const NO_EVIDENCE = fileURLToPath(new URL("gateway-no-evidence.js", import.meta.url));

/** As `npm start` runs it, over a site file; and the same without its log. */
const GATEWAYS: readonly { readonly name: SubjectName; readonly command: GatewayCommand }[] = [
  { name: "gateway", command: (siteFile) => [CLI, "run", "--site", siteFile] },
  { name: "gateway, no evidence", command: (siteFile) => [NO_EVIDENCE, "--site", siteFile] },
];

export type Subjects = {
  readonly subjects: readonly Subject[];
  /** What the gateway's profile asks of each command. */
  readonly rules: string;
  readonly stop: () => Promise<void>;
};

/** Every subject, running. */
export async function startSubjects(native: Native, dir: string): Promise<Subjects> {
  // Devices of its own for each gateway: a write by another subject would be a foreign write there.
  const plc = await startChild(native.plc, [String(1 + GATEWAYS.length * DEVICES)]);
  const [first = 0, ...rest] = plc.ready.split(" ").slice(1).map(Number);
  const stopDevices = async (): Promise<void> => {
    await plc.stop();
  };
  const direct = { port: first, pids: [plc.pid], siteFile: null, stop: stopDevices };
  const started: Subject[] = [{ name: "direct", ...direct }];
  const stop = async (): Promise<void> => {
    for (const subject of [...started].reverse()) await subject.stop();
  };
  try {
    started.push(await startProxy("pipe", "pipe.js", first));
    started.push(await startProxy("modbus-serial", "serial-proxy.js", first));
    for (const [index, { name, command }] of GATEWAYS.entries()) {
      const devices = rest.slice(index * DEVICES, (index + 1) * DEVICES);
      const place = { dir: join(dir, `gateway-${process.pid}-${index}`), command };
      started.push(await startGateway(name, devices, place));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { subjects: started, rules: RULES, stop };
}

async function startProxy(name: SubjectName, file: string, device: number): Promise<Subject> {
  const program = fileURLToPath(new URL(file, import.meta.url));
  const child: Child = await startChild(process.execPath, [program, String(device)]);
  return {
    name,
    port: numberAt(readJsonLine(child.ready), "port"),
    pids: [child.pid],
    siteFile: null,
    stop: async () => {
      await child.stop();
    },
  };
}
