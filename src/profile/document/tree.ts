/**
 * A document as checks need it: values with their places, nothing of YAML left. Offsets are into the text
 * of the file, `to` exclusive.
 */
export type TreeNode = TreeMap | TreeList | TreeScalar;

export type Place = { readonly from: number; readonly to: number };

export type TreeMap = {
  readonly kind: "map";
  readonly at: Place;
  readonly flow: boolean;
  readonly entries: readonly TreeEntry[];
};

export type TreeEntry = {
  readonly key: string;
  readonly keyAt: Place;
  /** Null: nothing stands there. */
  readonly value: TreeNode | null;
};

export type TreeList = {
  readonly kind: "list";
  readonly at: Place;
  readonly flow: boolean;
  readonly items: readonly TreeNode[];
};

export type TreeScalar = {
  readonly kind: "scalar";
  readonly at: Place;
  readonly value: string | number | boolean | null;
  /** As written, without quotes. */
  readonly text: string;
  /** Offset of the first character of `text` where each of them stands in the file unchanged; else null. */
  readonly textFrom: number | null;
};

export type Path = readonly (string | number)[];

/** `trips.T-02.when`: list members are named by their id or name where they have one. */
export function renderPath(root: TreeNode | null, path: Path): string {
  let node: TreeNode | null = root;
  const words: string[] = [];
  for (const step of path) {
    node = stepInto(node, step);
    words.push(typeof step === "number" ? (idOf(node) ?? String(step)) : step);
  }
  return words.join(".");
}

/** The node at a path, or null where the document ends before it. */
export function findNode(root: TreeNode | null, path: Path): TreeNode | null {
  return path.reduce<TreeNode | null>(stepInto, root);
}

/** The key of a path's last step, where that is a map's. */
export function findKey(root: TreeNode | null, path: Path): Place | null {
  const last = path.at(-1);
  const parent = findNode(root, path.slice(0, -1));
  if (parent?.kind !== "map") return null;
  return parent.entries.find((entry) => entry.key === last)?.keyAt ?? null;
}

/**
 * Where a path's value stands; the key of one that goes over lines; where it is missing, the nearest thing
 * around it that is there.
 */
export function placeOf(root: TreeNode | null, path: Path): Place {
  for (let length = path.length; length >= 0; length--) {
    const part = path.slice(0, length);
    const node = findNode(root, part);
    const key = findKey(root, part);
    if (length < path.length && key !== null) return key;
    if (node !== null && length < path.length) return startOf(node);
    if (node !== null)
      return node.kind === "scalar" || node.flow ? node.at : (key ?? startOf(node));
    if (key !== null) return key;
  }
  return { from: 0, to: 1 };
}

/** Plain values for a schema. */
export function toPlain(node: TreeNode | null): unknown {
  if (node === null) return null;
  switch (node.kind) {
    case "scalar":
      return node.value;
    case "list":
      return node.items.map(toPlain);
    case "map":
      return Object.fromEntries(node.entries.map((entry) => [entry.key, toPlain(entry.value)]));
  }
}

function stepInto(node: TreeNode | null, step: string | number): TreeNode | null {
  if (node?.kind === "map") return node.entries.find((entry) => entry.key === step)?.value ?? null;
  if (node?.kind === "list" && typeof step === "number") return node.items[step] ?? null;
  return null;
}

function idOf(node: TreeNode | null): string | null {
  const id = stepInto(node, "id");
  return id?.kind === "scalar" ? id.text : null;
}

/** A missing member is shown at the first character of what it is missing from. */
function startOf(node: TreeNode): Place {
  return { from: node.at.from, to: Math.min(node.at.to, node.at.from + 1) };
}
