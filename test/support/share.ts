/**
 * How many times to do a thing: `full` in `npm run soak`, `quick` in `npm test`. Seeds stay the same in both, so
 * the quick run is the beginning of the full one.
 */
export function share(full: number, quick: number): number {
  return process.env["HOLDPOINT_SOAK"] === "1" ? full : quick;
}
