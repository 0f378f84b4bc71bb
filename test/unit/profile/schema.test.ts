import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { profileJsonSchema } from "../../../src/profile/schema.js";

it("keeps the editors' schema beside the profiles in step with the loader", () => {
  const path = new URL("../../../profiles/profile.schema.json", import.meta.url);
  const written: unknown = JSON.parse(readFileSync(path, "utf8"));
  expect(
    written,
    "write it anew: holdpoint profile check --schema > profiles/profile.schema.json",
  ).toEqual(JSON.parse(JSON.stringify(profileJsonSchema())));
});
