import { appendFileSync } from "node:fs";
import { join } from "node:path";

/** The folder of public test data named by $HOLDPOINT_VECTORS; undefined where there is none. */
export function vectorsDir(): string | undefined {
  const given = process.env["HOLDPOINT_VECTORS"];
  return given === undefined || given === "" ? undefined : given;
}

/**
 * Adds `ran` to what the test run says it ran of this kind. A run without vectors says `vectors: 0 run`: the one
 * missing thing that is a failure in CI alone, since the data is not ours to keep here.
 */
export function countVectors(kind: string, ran: number): void {
  const folder = process.env["HOLDPOINT_VECTOR_COUNTS"];
  if (folder !== undefined && folder !== "") appendFileSync(join(folder, kind), `${ran}\n`);
}
