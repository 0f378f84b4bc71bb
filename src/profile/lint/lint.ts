import type { Device, Input, Output } from "../../kernel/profile/model.js";
import type { Draft } from "../draft.js";
import { findKey, placeOf } from "../document/tree.js";
import type { Path } from "../document/tree.js";
import { complain, keysAt, membersAt, textAt, warn } from "../source.js";
import { lintAddresses } from "./addresses.js";

/** What can be said of a profile part by part, even while other parts are at fault. */
export function lintDraft(
  draft: Draft,
  parts: {
    readonly devices: readonly (Device | null)[];
    readonly inputs: readonly (Input | null)[];
    readonly outputs: readonly (Output | null)[];
  },
): void {
  refuseSharedNames(draft);
  refuseSharedIds(draft);
  lintAddresses(draft, parts);
  // While anything is at fault, what it would have used is not known.
  if (draft.source.found.some((diagnostic) => diagnostic.severity === "error")) return;
  warnUnused(draft, "inputs", draft.inputNames);
  warnUnused(draft, "signals", keysAt(draft.source, ["signals"]));
}

function refuseSharedNames(draft: Draft): void {
  for (const name of draft.outputNames) {
    if (!draft.inputNames.includes(name)) continue;
    complainKey(
      draft,
      ["outputs", name],
      `${name} is an input already`,
      "give the output a name of its own",
    );
  }
  for (const section of ["inputs", "outputs"] as const) {
    for (const name of keysAt(draft.source, [section])) {
      if (name !== "cmd") continue;
      complainKey(
        draft,
        [section, name],
        "cmd always means the value asked for",
        "choose another name",
      );
    }
  }
}

const RULE_SECTIONS = ["permissives", "always", "trips", "hazards"] as const;

function refuseSharedIds(draft: Draft): void {
  const seen = new Set<string>();
  for (const section of RULE_SECTIONS) {
    for (const path of membersAt(draft.source, [section])) {
      const id = textAt(draft.source, [...path, "id"]);
      if (id === null) continue;
      if (seen.has(id)) {
        const hint = "evidence names rules by id: each needs its own";
        complain(draft.source, [...path, "id"], { message: `another rule is called ${id}`, hint });
      }
      seen.add(id);
    }
  }
}

function warnUnused(draft: Draft, section: "inputs" | "signals", names: readonly string[]): void {
  for (const name of names) {
    if (draft.used.has(name)) continue;
    const path: Path = [section, name];
    const { from, to } = findKey(draft.source.root, path) ?? placeOf(draft.source.root, path);
    const message =
      section === "inputs" ? `no rule reads ${name}` : `nothing uses the signal ${name}`;
    const hint = "is a rule missing? (controllers may still read it)";
    const at = path.join(".");
    draft.source.found.push({ severity: "warning", message, hint, from, to, path: at });
  }
}

function complainKey(draft: Draft, path: Path, message: string, hint: string): void {
  const key = findKey(draft.source.root, path);
  if (key === null) {
    warn(draft.source, path, { message, hint });
    return;
  }
  const { from, to } = key;
  draft.source.found.push({ severity: "error", message, hint, from, to, path: path.join(".") });
}
