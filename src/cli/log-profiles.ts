import { hex } from "../evidence/hex.js";
import { mayBeOfType } from "../evidence/decode-entry.js";
import { FRAME_KIND, FrameReader } from "../evidence/frame.js";
import { PartJoiner } from "../evidence/parts.js";
import { compileProfile } from "../kernel/profile/compile.js";
import type { CompiledProfile } from "../kernel/profile/compiled.js";
import type { Entry } from "../kernel/record/entry.js";
import { loadProfile } from "../profile/load.js";
import { readSegment, sha256, visitEntries } from "./evidence-files.js";

/** By the digest of their bytes, in hex. */
export type LogProfiles = ReadonlyMap<string, CompiledProfile>;

/** Profiles whose exact bytes the log holds. `tell`: lines about those that cannot be loaded. */
export async function collectProfiles(
  directory: string,
  segments: readonly string[],
  report: { readonly read: (bytes: number) => void; readonly tell: (line: string) => void },
): Promise<LogProfiles> {
  const profiles = new Map<string, CompiledProfile>();
  const joiner = new PartJoiner(sha256);
  for (const name of segments) {
    const content = await readSegment(directory, name);
    if (mayHoldProfile(content)) {
      visitEntries(name, content, {
        only: "profile",
        entry: ({ entry }) => {
          const whole = joinProfile(joiner, entry);
          if (whole === null || profiles.has(hex(sha256(whole)))) return;
          const compiled = compileBytes(whole, `the log's profile (seq ${entry.seq})`, report.tell);
          if (compiled !== null) profiles.set(hex(sha256(whole)), compiled);
        },
      });
    }
    report.read(content.length);
  }
  return profiles;
}

/** Null: no profile; `tell` was told why. */
export function compileBytes(
  bytes: Uint8Array,
  file: string,
  tell: (line: string) => void,
): CompiledProfile | null {
  const loaded = loadProfile(new TextDecoder().decode(bytes), file, sha256(bytes));
  if (loaded.ok) return compileProfile(loaded.model);
  for (const text of loaded.rendered) tell(`${text}\n`);
  return null;
}

function joinProfile(joiner: PartJoiner, { body }: Entry): Uint8Array | null {
  if (body.type !== "profile" || body.bytes === null) return null;
  const joined = joiner.add(body.bytes);
  return joined.kind === "whole" ? joined.bytes : null;
}

/** By the form of its frames alone, for hashing them takes most of a reading's time; true where that is not whole. */
function mayHoldProfile(bytes: Uint8Array): boolean {
  const frames = new FrameReader(sha256);
  for (let at = 0; at < bytes.length;) {
    const frame = frames.glance(bytes, at, bytes.length);
    if (frame === null) return true;
    if (frame.kind === FRAME_KIND.leaf && mayBeOfType(bytes, frame.bodyStart, "profile"))
      return true;
    at = frame.end;
  }
  return false;
}
