import type { Diagnostic } from "../diagnostic.js";
import type { TreeEntry, TreeNode, TreeScalar } from "./tree.js";

/** A repaired node stands for what was meant, so that the rest of the file is still checked. */
export type Repair<T> = { readonly items: T[]; readonly found: Diagnostic[] };

/**
 * Inside `{ }` and `[ ]` a comma ends an unquoted value, so `when: VOTE(2, a, b)` arrives in pieces that
 * would each give a strange complaint. A value whose parenthesis is still open takes the pieces after it
 * back in, and one complaint says what to do.
 */
export function rejoinEntries(entries: readonly TreeEntry[], text: string): Repair<TreeEntry> {
  const items: TreeEntry[] = [];
  const found: Diagnostic[] = [];
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index];
    if (entry === undefined) break;
    const value = entry.value;
    const pieces = isCut(value)
      ? takePieces(
          value,
          entries.slice(index + 1).map((next) => (next.value === null ? next.keyAt.to : null)),
          text,
        )
      : null;
    if (pieces === null) {
      items.push(entry);
      continue;
    }
    items.push({ ...entry, value: pieces.whole });
    found.push(complain(pieces.whole));
    index += pieces.count;
  }
  return { items, found };
}

/** The same for members of a flow list. */
export function rejoinItems(nodes: readonly TreeNode[], text: string): Repair<TreeNode> {
  const items: TreeNode[] = [];
  const found: Diagnostic[] = [];
  for (let index = 0; index < nodes.length; index++) {
    const node = nodes[index];
    if (node === undefined) break;
    const pieces = isCut(node)
      ? takePieces(
          node,
          nodes.slice(index + 1).map((next) => (next.kind === "scalar" ? next.at.to : null)),
          text,
        )
      : null;
    if (pieces === null) {
      items.push(node);
      continue;
    }
    items.push(pieces.whole);
    found.push(complain(pieces.whole));
    index += pieces.count;
  }
  return { items, found };
}

function complain(whole: TreeScalar): Diagnostic {
  return {
    severity: "error",
    message: "inside { } and [ ] a comma ends a value that is not quoted",
    hint: `put the whole expression in double quotes: "${whole.text}"`,
    from: whole.at.from,
    to: whole.at.to,
    path: "",
  };
}

function isCut(node: TreeNode | null): node is TreeScalar {
  return (
    node?.kind === "scalar" && node.textFrom === node.at.from && openParentheses(node.text) > 0
  );
}

/** `ends`: where each following piece ends, null for one that cannot be part of a value. */
function takePieces(
  first: TreeScalar,
  ends: readonly (number | null)[],
  text: string,
): { whole: TreeScalar; count: number } | null {
  for (const [index, end] of ends.entries()) {
    if (end === null) return null;
    const written = text.slice(first.at.from, end);
    if (openParentheses(written) > 0) continue;
    const at = { from: first.at.from, to: end };
    return {
      whole: { kind: "scalar", at, value: written, text: written, textFrom: at.from },
      count: index + 1,
    };
  }
  return null;
}

function openParentheses(text: string): number {
  let open = 0;
  for (const char of text) open += char === "(" ? 1 : char === ")" ? -1 : 0;
  return open;
}
