/** Sorts of public vectors that this repository can run; their files are data of others and not in it. */
const KINDS = ["cbor", "cose", "merkle"];

/**
 * What a run says of the public vectors it ran: `counts` by their sort. Where they must run (in CI), each sort of which
 * none did is a failure with a line of its own.
 */
export function tellVectors(counts, { mustRun }) {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const detail = [...counts].map(([kind, count]) => `${kind} ${count}`).join(", ");
  const missing = KINDS.filter((kind) => !(counts.get(kind) > 0));
  const where = "set HOLDPOINT_VECTORS to the folder that holds them";
  const failures = mustRun
    ? missing.map((kind) => `FAILED: no ${kind} vectors ran, and CI is set: ${where}`)
    : [];
  const summary = total > 0 ? `vectors: ${total} run (${detail})` : `vectors: 0 run (${where})`;
  return { summary, failures };
}
