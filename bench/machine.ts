import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";

/** Where and when these figures were taken: a figure without this says nothing. */
export type Machine = {
  readonly date: string;
  readonly command: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly disk: string;
  /** Processes that wanted a core over the minute before the run: what else the machine was doing. */
  readonly loadBefore: number;
};

/** `f_type` of statfs(2); only the names matter here. */
const DISK_KINDS: Readonly<Record<number, string>> = {
  0xef53: "ext4",
  0x58465342: "xfs",
  0x9123683e: "btrfs",
  0x2fc12fc1: "zfs",
  0x794c7630: "overlayfs",
};
const MEMORY_DISKS: Readonly<Record<number, string>> = {
  0x01021994: "tmpfs",
  0x858458f6: "ramfs",
};

export async function describeMachine(folder: string, command: string): Promise<Machine> {
  return {
    date: new Date().toISOString(),
    command,
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryMiB: Math.round(totalmem() / 1024 / 1024),
    kernel: release(),
    node: process.version,
    disk: await nameDisk(folder),
    loadBefore: loadavg()[0] ?? Number.NaN,
  };
}

/** Throws when the folder is kept in memory: an fdatasync there costs nothing and would prove nothing. */
async function nameDisk(folder: string): Promise<string> {
  const { type } = await statfs(folder);
  const memory = MEMORY_DISKS[type];
  if (memory !== undefined) {
    throw new Error(
      `${folder} is on ${memory}, which is memory: an fdatasync there costs nothing.\nName a folder on a disk: npm run bench -- --dir FOLDER`,
    );
  }
  const kind = DISK_KINDS[type] ?? `filesystem type 0x${type.toString(16)}`;
  return `${kind}${mountOf(folder)}`;
}

/** The device behind the longest mount point that holds the folder; empty where the system does not say. */
function mountOf(folder: string): string {
  try {
    const rows = readFileSync("/proc/self/mounts", "utf8")
      .split("\n")
      .map((row) => row.split(" "))
      .filter(
        ([, point]) =>
          point !== undefined &&
          (folder === point || folder.startsWith(point === "/" ? "/" : `${point}/`)),
      )
      .sort(([, left = ""], [, right = ""]) => right.length - left.length);
    const device = rows[0]?.[0];
    return device === undefined ? "" : ` on ${device}`;
  } catch {
    return "";
  }
}
