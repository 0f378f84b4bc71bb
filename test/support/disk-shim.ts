import { execFile } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { LiveSite } from "./live-gateway.js";
import { requireDebian } from "./peer-process.js";

const SOURCE = fileURLToPath(new URL("c/disk-shim.c", import.meta.url));

/** The disk under a real gateway's evidence, as c/disk-shim.c has it. */
export type DiskShim = {
  readonly env: Readonly<Record<string, string>>;
  /** Takes effect with the next call to the disk. */
  readonly setFault: (fault: "none" | "write" | "sync" | "hold" | "lie") => void;
  /** What went to the evidence files and to the PLC, in the order it did. */
  readonly trace: () => readonly TraceLine[];
};

export type TraceLine = {
  readonly what: string;
  readonly hex: string;
};

export async function makeDiskShim(site: LiveSite, plcPort: number): Promise<DiskShim> {
  await requireDebian("gcc");
  const library = join(site.folder, "disk-shim.so");
  const flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", library, SOURCE];
  await promisify(execFile)("gcc", flags);
  const trace = join(site.folder, "trace");
  const fault = join(site.folder, "fault");
  return {
    env: {
      LD_PRELOAD: library,
      SHIM_EVIDENCE: site.evidence,
      SHIM_PLC: String(plcPort),
      SHIM_TRACE: trace,
      SHIM_FAULT: fault,
    },
    setFault: (now) => {
      writeFileSync(`${fault}.new`, now);
      renameSync(`${fault}.new`, fault);
    },
    trace: () => {
      const text = existsSync(trace) ? readFileSync(trace, "utf8") : "";
      return text
        .trimEnd()
        .split("\n")
        .map((line) => {
          const [what = "", hex = ""] = line.split(" ");
          return { what, hex };
        });
    },
  };
}

/** What is wrong with how this write went out; null: recorded, synced, then sent, in this order. */
export function judgeOrder(trace: readonly TraceLine[], pdu: readonly number[]): string | null {
  const hex = Buffer.from(pdu).toString("hex");
  const sent = trace.findIndex(({ what, hex: bytes }) => what === "send" && bytes.endsWith(hex));
  if (sent < 0) return "it was never sent";
  const before = trace.slice(0, sent);
  const written = before.findIndex(
    ({ what, hex: bytes }) => what === "write" && bytes.includes(hex),
  );
  if (written < 0) return "it was sent before its record was written";
  const since = before.slice(written).map(({ what }) => what);
  const begun = since.indexOf("sync-begins");
  return begun >= 0 && since.indexOf("sync-ends", begun) > begun
    ? null
    : "it was sent before its record was synced";
}
