import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { untilDone, writePdu } from "../support/byte-client.js";
import {
  eventually,
  makeSite,
  runCli,
  startPlant,
  startSite,
  type Ended,
} from "../support/live-gateway.js";

describe("a gateway whose site names a folder for a witness", () => {
  it("leaves checkpoints there that its log must continue for ever: an older copy of the log fails [HP-149 refuses] [HP-149 allows]", async () => {
    const plant = await startPlant();
    const site = await makeSite(plant.port);
    const away = join(site.folder, "away");
    const text = readFileSync(site.siteFile, "utf8");
    writeFileSync(
      site.siteFile,
      text.replace("{dir: ./evidence,", "{dir: ./evidence, witness: {dir: ./away},"),
    );
    const first = await startSite(site);
    await untilDone(first.port, writePdu(41, 1));
    await eventually("the first checkpoint is left", () =>
      filesIn(away).length > 0 ? true : null,
    );
    expect(await first.stop()).toMatchObject({ code: 0 });
    const older = join(site.folder, "older");
    cpSync(site.evidence, older, { recursive: true });
    const again = await startSite(site);
    await untilDone(again.port, writePdu(41, 2));
    expect(await again.stop()).toMatchObject({ code: 0 });
    const carried = filesIn(away);
    expect(carried.length).toBeGreaterThanOrEqual(3);
    for (const name of carried) {
      const held = await verify(site.evidence, join(away, name));
      expect(held.output).not.toContain("FAIL");
      expect(held.code).toBe(0);
    }
    const rolledBack = await verify(older, join(away, carried.at(-1) ?? ""));
    expect(rolledBack.code).toBe(1);
    expect(rolledBack.output).toMatch(/FAIL .*kept/);
  });

  it("goes on without it when the folder cannot be made, and says so", async () => {
    const plant = await startPlant();
    const site = await makeSite(plant.port);
    const text = readFileSync(site.siteFile, "utf8");
    writeFileSync(
      site.siteFile,
      text.replace("{dir: ./evidence,", "{dir: ./evidence, witness: {dir: ./away},"),
    );
    writeFileSync(join(site.folder, "away"), "a file in its place");
    const gateway = await startSite(site);
    await untilDone(gateway.port, writePdu(41, 1));
    await eventually("it says that none was left", () =>
      gateway.output().includes("no checkpoint was left for the witness") ? true : null,
    );
    rmSync(join(site.folder, "away"));
    await untilDone(gateway.port, writePdu(41, 2));
    const { code, output } = await gateway.stop();
    expect(code).toBe(0);
    expect(output).not.toMatch(/^\s+at /m);
    expect(filesIn(join(site.folder, "away")).length).toBe(1);
  });
});

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".cose"))
      .sort();
  } catch {
    return [];
  }
}

async function verify(folder: string, earlier: string): Promise<Ended> {
  return await runCli(["evidence", "verify", folder, "--earlier", earlier]);
}
