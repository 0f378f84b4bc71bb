import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { openEvidenceDisk } from "../../../../src/adapters/evidence-file/evidence-disk.js";
import { holdLockFile } from "../../../../src/adapters/evidence-file/lock-file.js";

/** Part of every Debian. */
const UNSHARE = "unshare";
const BUILT = fileURLToPath(
  new URL("../../../../dist/src/adapters/evidence-file/evidence-disk.js", import.meta.url),
);

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "holdpoint-lock-"));
  onTestFinished(() => {
    rmSync(made, { recursive: true, force: true });
  });
  return made;
}

async function held(directory: string): Promise<() => Promise<void>> {
  const release = await holdLockFile(directory);
  if (release === "in use") throw new Error("it is in use");
  return release;
}

describe("the lock file of an evidence folder", () => {
  it("turns a second holder away until the first has let go, and leaves nothing behind", async () => {
    const directory = folder();
    const release = await held(directory);
    expect(await holdLockFile(directory)).toBe("in use");
    expect(readdirSync(directory)).toHaveLength(1);
    await release();
    await (
      await held(directory)
    )();
    expect(readdirSync(directory)).toEqual([]);
  });

  it("is held by one at most of many that start at the same moment", async () => {
    for (let round = 0; round < 40; round += 1) {
      const directory = folder();
      const all = await Promise.all(
        Array.from({ length: 6 }, async () => await holdLockFile(directory)),
      );
      const holders = all.filter((one) => one !== "in use");
      expect(holders.length).toBeLessThanOrEqual(1);
      for (const release of holders) await release();
      await (
        await held(directory)
      )();
    }
  });

  it("holds in a folder whose path is longer than a socket's address may be", async () => {
    const directory = join(folder(), "a".repeat(120), "b".repeat(120));
    mkdirSync(directory, { recursive: true });
    const release = await held(directory);
    expect(await holdLockFile(directory)).toBe("in use");
    await release();
  });

  it("removes what a killed holder left, and no file of another name", async () => {
    const directory = folder();
    writeFileSync(join(directory, "lock-of-mine"), "");
    const child = spawn(process.execPath, [
      "-e",
      `require("node:net").createServer().listen(process.argv[1], () => console.log("held"))`,
      join(directory, "lock-0123456789abcdef"),
    ]);
    await once(child.stdout, "data");
    expect(await holdLockFile(directory)).toBe("in use");
    child.kill("SIGKILL");
    await once(child, "exit");
    const release = await held(directory);
    expect(readdirSync(directory)).toHaveLength(2);
    await release();
    expect(readdirSync(directory)).toEqual(["lock-of-mine"]);
  });

  it("turns nobody away where no socket can be made", async () => {
    await (
      await held("/proc")
    )();
  });

  it("is seen from another network namespace, as containers have them", async () => {
    const directory = folder();
    const script = join(folder(), "holder.mjs");
    writeFileSync(
      script,
      `const { openEvidenceDisk } = await import(${JSON.stringify(BUILT)});
       await openEvidenceDisk(${JSON.stringify(directory)});
       console.log("held");
       setInterval(() => {}, 1_000);`,
    );
    const child = spawn(UNSHARE, ["-rn", process.execPath, script]);
    const ended = once(child, "exit").then(() => "this machine gives no namespaces");
    onTestFinished(async () => {
      child.kill("SIGKILL");
      await ended;
    });
    const said = await Promise.race([once(child.stdout, "data").then(String), ended]);
    if (said.trim() !== "held") {
      // Said and not skipped: the tests above hold the lock itself without the namespaces.
      console.log(said);
      return;
    }
    await expect(openEvidenceDisk(directory)).rejects.toThrow(/in use by another running gateway/);
  });
});
