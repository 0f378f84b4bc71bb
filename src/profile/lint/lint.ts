import type { Device, Input, Output } from "../../kernel/profile/model.js";
import type { Draft } from "../draft.js";
import { complain, complainAtKey, keysAt, membersAt, textAt, warnAtKey } from "../source.js";
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
    complainAtKey(draft.source, ["outputs", name], {
      message: `${name} is an input already`,
      hint: "give the output a name of its own",
    });
  }
  for (const section of ["inputs", "outputs"] as const) {
    for (const name of keysAt(draft.source, [section])) {
      if (name !== "cmd") continue;
      complainAtKey(draft.source, [section, name], {
        message: "cmd always means the value asked for",
        hint: "choose another name",
      });
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
    const message =
      section === "inputs" ? `no rule reads ${name}` : `nothing uses the signal ${name}`;
    const hint = "is a rule missing? (controllers may still read it)";
    warnAtKey(draft.source, [section, name], { message, hint });
  }
}
