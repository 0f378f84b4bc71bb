import { BUNDLE_BYTES_MAX } from "../../src/evidence/bundle.js";
import { checkBundle, LogChecking, sortFiles, type Held } from "./checking.js";
import { find } from "./element.js";
import { readKeyFile } from "./signature.js";
import { showBundle, showLog, showRefused, summarise } from "./view.js";

/** The page itself: takes files, has them checked, shows what was found. A later choice ends an earlier check. */
const evidence = find("evidence", HTMLInputElement);
const drop = find("drop", HTMLLabelElement);
const status = find("status", HTMLParagraphElement);
const result = find("result", HTMLElement);
const clear = find("clear", HTMLButtonElement);
const HELD = ["trusted", "earlier", "profile"] as const;
const inputs = HELD.map((name) => find(name, HTMLInputElement));

/** Long enough for a browser to show what was said before. */
const PAINT_MS = 20;

const state: { files: readonly File[]; turn: number } = { files: [], turn: 0 };

evidence.addEventListener("change", () => {
  choose([...(evidence.files ?? [])]);
});
for (const input of inputs) input.addEventListener("change", check);
clear.addEventListener("click", () => {
  for (const input of [evidence, ...inputs]) input.value = "";
  choose([]);
  evidence.focus();
});
// Without this a file that is dropped beside its place would take the place of the page.
window.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
window.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) drop.classList.remove("over");
});
window.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const files = [...(event.dataTransfer?.files ?? [])];
  const held = inputs.find(({ parentElement }) => isWithin(parentElement, event.target));
  if (held !== undefined && event.dataTransfer !== null) {
    held.files = event.dataTransfer.files;
    check();
  } else if (files.length > 0) choose(files);
});

function isWithin(element: Element | null, target: EventTarget | null): boolean {
  return element !== null && target instanceof Node && element.contains(target);
}

function choose(files: readonly File[]): void {
  state.files = files;
  check();
}

function check(): void {
  state.turn += 1;
  const { turn } = state;
  show([], "");
  clear.hidden = state.files.length === 0 && inputs.every(({ value }) => value === "");
  result.ariaBusy = String(state.files.length > 0);
  if (state.files.length === 0) return;
  checkAll(state.files, turn)
    .catch((error: unknown) => {
      const why = error instanceof Error ? error.message : "unknown fault";
      return refuse(
        `The page failed while checking (${why}). Nothing is known about this evidence.`,
      );
    })
    .then((shown) => {
      if (turn !== state.turn || shown === null) return;
      show(shown.elements, shown.says);
      result.ariaBusy = "false";
    })
    .catch(() => undefined);
}

type Shown = { readonly elements: readonly HTMLElement[]; readonly says: string };

/** Null: something else was chosen meanwhile. */
async function checkAll(files: readonly File[], turn: number): Promise<Shown | null> {
  const sort = sortFiles(files);
  if (sort.kind === "refused") return refuse(sort.why);
  const held = await readHeld();
  if (typeof held === "string") return refuse(held);
  if (sort.kind === "bundle") {
    const [file] = files;
    if (file === undefined) return null;
    await announce(turn, `Checking ${file.name} …`);
    const bytes = await readFile(file);
    if (bytes === null) return refuse(`${file.name} cannot be read.`);
    const checked = checkBundle(file.name, bytes, held);
    return { elements: showBundle(checked), says: summarise(file.name, checked.lines) };
  }
  const log = new LogChecking(held);
  for (const [at, index] of sort.indexes.entries()) {
    const file = files[index];
    if (file === undefined || turn !== state.turn) return null;
    await announce(turn, `Checking ${file.name}, ${at + 1} of ${files.length} …`);
    const bytes = await readFile(file);
    if (bytes === null) return refuse(`${file.name} cannot be read.`);
    log.segment(file.name, bytes);
  }
  const checked = log.finish();
  const name = files.length === 1 ? (files[0]?.name ?? "") : `${files.length} segments`;
  return { elements: showLog(checked), says: summarise(name, checked.lines) };
}

/** Text: what is wrong with one of these files. A file that was named and cannot be used is never passed over. */
async function readHeld(): Promise<Held | string> {
  const [trusted = null, earlier = null, profile = null] = inputs.map(
    (input) => input.files?.item(0) ?? null,
  );
  const [key, before, rules] = await Promise.all([trusted, earlier, profile].map(readNamed));
  if (key === undefined || before === undefined || rules === undefined) return UNREADABLE;
  const read = key === null ? null : readKeyFile(key);
  if (read?.ok === false) return `${trusted?.name ?? ""} holds ${read.why}.`;
  return {
    trusted: read === null ? null : read.spkis,
    earlier: before === null || earlier === null ? null : { name: earlier.name, bytes: before },
    profile: rules,
  };
}

const UNREADABLE =
  "A file that was named to compare with cannot be read, or is longer than a bundle.";

/** Null: none was named; undefined: it cannot be used. */
async function readNamed(file: File | null): Promise<Uint8Array | null | undefined> {
  if (file === null) return null;
  if (file.size > BUNDLE_BYTES_MAX) return undefined;
  return (await readFile(file)) ?? undefined;
}

/** Null: it is gone, or nobody may read it; a folder is one too. */
async function readFile(file: File): Promise<Uint8Array | null> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    return null;
  }
}

/** Said before the page is busy with it. */
async function announce(turn: number, says: string): Promise<void> {
  if (turn === state.turn) status.textContent = says;
  await new Promise((resolve) => setTimeout(resolve, PAINT_MS));
}

function refuse(why: string): Shown {
  return { elements: showRefused(why), says: `Not checked. ${why}` };
}

function show(elements: readonly HTMLElement[], says: string): void {
  status.textContent = says;
  result.replaceChildren(...elements);
  result.hidden = elements.length === 0;
}
