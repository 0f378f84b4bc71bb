import type * as z from "zod";
import type { Diagnostic } from "./diagnostic.js";
import { findKey, findNode, placeOf, renderPath, toPlain } from "./document/tree.js";
import type { Path, TreeNode } from "./document/tree.js";

/** A file while it is being checked: its tree, and the complaints so far. */
export type Source = {
  readonly root: TreeNode | null;
  readonly found: Diagnostic[];
};

/** What is wrong, and what to do about it. `from`, `to`: which part of the value, where that is known. */
export type Complaint = {
  readonly message: string;
  readonly hint?: string | null;
  readonly from?: number;
  readonly to?: number;
};

export function complain(source: Source, path: Path, complaint: Complaint): void {
  add(source, "error", path, complaint);
}

export function warn(source: Source, path: Path, complaint: Complaint): void {
  add(source, "warning", path, complaint);
}

/** Where the name of a thing is at fault and not its value. */
export function complainAtKey(source: Source, path: Path, complaint: Complaint): void {
  addAtKey(source, "error", path, complaint);
}

export function warnAtKey(source: Source, path: Path, complaint: Complaint): void {
  addAtKey(source, "warning", path, complaint);
}

/**
 * The value at a path in the form its schema gives it; null: absent, or not of that form (then it has been
 * said, for the whole file, by the pass over the structure).
 */
export function takeElement<T>(source: Source, path: Path, schema: z.ZodType<T>): T | null {
  const node = findNode(source.root, path);
  if (node === null) return null;
  const parsed = schema.safeParse(toPlain(node));
  return parsed.success ? parsed.data : null;
}

/** Keys of a map in the order of the file; none where there is no map. */
export function keysAt(source: Source, path: Path): readonly string[] {
  const node = findNode(source.root, path);
  return node?.kind === "map" ? node.entries.map((entry) => entry.key) : [];
}

/** Paths of a list's members, or of a map's values. */
export function membersAt(source: Source, path: Path): readonly Path[] {
  const node = findNode(source.root, path);
  if (node?.kind === "list") return node.items.map((_, index) => [...path, index]);
  return keysAt(source, path).map((key) => [...path, key]);
}

/** A scalar's text as written; null where there is no scalar. */
export function textAt(source: Source, path: Path): string | null {
  const node = findNode(source.root, path);
  return node?.kind === "scalar" ? node.text : null;
}

/** Passes a result on, or complains and gives null. */
export function settle<T>(
  source: Source,
  path: Path,
  result: { readonly value: T } | Complaint,
): T | null {
  if ("value" in result) return result.value;
  complain(source, path, result);
  return null;
}

function add(
  source: Source,
  severity: Diagnostic["severity"],
  path: Path,
  complaint: Complaint,
): void {
  const { message, hint = null } = complaint;
  const place = placeOf(source.root, path);
  const node = findNode(source.root, path);
  const textFrom = node?.kind === "scalar" ? node.textFrom : null;
  const part =
    textFrom === null || complaint.from === undefined || complaint.to === undefined
      ? place
      : { from: textFrom + complaint.from, to: textFrom + complaint.to };
  const { from, to } = part;
  source.found.push({ severity, message, hint, from, to, path: renderPath(source.root, path) });
}

function addAtKey(
  source: Source,
  severity: Diagnostic["severity"],
  path: Path,
  complaint: Complaint,
): void {
  const { message, hint = null } = complaint;
  const { from, to } = findKey(source.root, path) ?? placeOf(source.root, path);
  source.found.push({ severity, message, hint, from, to, path: renderPath(source.root, path) });
}
