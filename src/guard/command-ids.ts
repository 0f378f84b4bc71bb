import { randomBytes } from "node:crypto";

/** Eight random bytes of this run and a count: never the same twice. */
export function makeIds(): () => Uint8Array {
  const run = randomBytes(8);
  let count = 0;
  return () => {
    count += 1;
    const id = new Uint8Array(16);
    id.set(run);
    // Big end first; a count is never so large that a number could not hold it.
    for (let at = 15, rest = count; at >= 8; at -= 1, rest = Math.floor(rest / 256)) {
      id[at] = rest % 256;
    }
    return id;
  };
}
