import { createHash } from "node:crypto";
import { type CompiledProfile } from "../src/kernel/profile/compiled.js";
import { compileProfile } from "../src/kernel/profile/compile.js";
import { loadProfile } from "../src/profile/load.js";

/** A profile of the bench's own, ready to judge by. Throws with every mistake in it. */
export function compileText(text: string): CompiledProfile {
  const digest = createHash("sha256").update(text).digest();
  const load = loadProfile(text, "bench.yaml", digest);
  if (!load.ok) throw new Error(load.rendered.slice(0, 5).join("\n"));
  return compileProfile(load.model);
}
