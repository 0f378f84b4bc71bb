import { createHash } from "node:crypto";
import { type CompiledProfile } from "../src/kernel/profile/compiled.js";
import { compileProfile } from "../src/kernel/profile/compile.js";
import { loadProfile } from "../src/profile/load.js";

/** A profile of the bench's own, ready to judge by. Throws with every mistake in it. */
export function compileText(text: string): CompiledProfile {
  const load = loadProfile(text, createHash("sha256").update(text).digest());
  if (!load.ok)
    throw new Error(`the bench's profile: ${JSON.stringify(load.diagnostics.slice(0, 5), null, 1)}`);
  return compileProfile(load.model);
}
