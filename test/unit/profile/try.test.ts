import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { loadProfile } from "../../../src/profile/load.js";
it("tries", () => {
  const file = process.env["TRY"] ?? "profiles/lift-station.yaml";
  const r = loadProfile(readFileSync(file, "utf8"), file, new Uint8Array(32));
  console.log(r.rendered.join("\n\n"), r.ok);
  if (r.ok) console.log(JSON.stringify(r.model.trips.map((t) => [t.id, t.unknownBits])));
  expect(1).toBe(1);
});
