import type { ProfileModel } from "../../kernel/profile/model.js";
import type { Draft } from "../draft.js";
import { keysAt, warn } from "../source.js";
import { lintConditions } from "./conditions.js";
import { lintSequences } from "./sequences.js";
import { lintSiblings } from "./siblings.js";

/** What can only be said of a whole profile. */
export function lintModel(draft: Draft, model: ProfileModel): void {
  lintConditions(draft, model);
  lintSequences(draft, model);
  lintSiblings(draft, model);
  warnUnwritable(draft, model);
}

function warnUnwritable(draft: Draft, model: ProfileModel): void {
  if (keysAt(draft.source, ["controllers"]).length === 0) return;
  model.outputs.forEach((output, position) => {
    if (model.controllers.some((controller) => controller.outputs.has(position))) return;
    const hint = "add it to outputs: of one, or leave it out";
    warn(draft.source, ["outputs", output.name], {
      message: `no controller may write ${output.name}`,
      hint,
    });
  });
}
