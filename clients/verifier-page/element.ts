export type Child = Node | string | null;

/** An element whose texts are only ever texts: whatever stands in evidence, none of it becomes markup. */
export function make(
  tag: string,
  given: string | Attributes,
  ...children: readonly Child[]
): HTMLElement {
  const element = document.createElement(tag);
  const attributes = typeof given === "string" ? { class: given } : given;
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== "") element.setAttribute(name, value);
  }
  for (const child of children) if (child !== null) element.append(child);
  return element;
}

/** An element of the page itself; throws when the page has none of that sort. */
export function find<Kind extends Element>(id: string, kind: new () => Kind): Kind {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`the page has no ${id}`);
}

type Attributes = Readonly<Record<string, string>>;
