import { readdirSync, readFileSync } from "node:fs";

/** The process and everything it started, by what the system says now. */
export function processTree(root: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    const parent = Number.isInteger(pid) ? parentOf(pid) : null;
    if (parent !== null) parents.set(pid, parent);
  }
  const tree = [root];
  for (const pid of tree) {
    for (const [child, parent] of parents) {
      if (parent === pid && !tree.includes(child)) tree.push(child);
    }
  }
  return tree;
}

/** Null when the process ended meanwhile. */
function parentOf(pid: number): number | null {
  try {
    const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return parent === undefined ? null : Number(parent);
  } catch {
    return null;
  }
}
