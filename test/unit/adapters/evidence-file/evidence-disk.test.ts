import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fork } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import { openEvidenceDisk } from "../../../../src/adapters/evidence-file/evidence-disk.js";
import type { EvidenceDisk } from "../../../../src/guard/ports.js";

const folders: string[] = [];
const held: EvidenceDisk[] = [];

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "holdpoint-disk-"));
  folders.push(made);
  return made;
}

async function hold(path: string): Promise<EvidenceDisk> {
  const disk = await openEvidenceDisk(path);
  held.push(disk);
  return disk;
}

afterEach(async () => {
  for (const disk of held.splice(0)) await disk.release();
  for (const path of folders.splice(0)) rmSync(path, { recursive: true });
});

describe("the evidence directory", () => {
  it("is made for its owner alone, and so are its files", async () => {
    const path = join(folder(), "log");
    const disk = await hold(path);
    const file = await disk.append("a");
    await file.close();
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(join(path, "a")).mode & 0o777).toBe(0o600);
  });

  it("appends, syncs, cuts, renames and lists", async () => {
    const path = folder();
    const disk = await hold(path);
    const file = await disk.append("a.tmp");
    expect(await file.write(Uint8Array.of(1, 2, 3))).toBe(3);
    await file.sync();
    await file.truncate(2);
    expect(await file.write(Uint8Array.of(9))).toBe(1);
    await file.close();
    await disk.rename("a.tmp", "a");
    await disk.syncNames();
    expect(await disk.list()).toEqual(["a"]);
    expect([...(await disk.read("a", 100))]).toEqual([1, 2, 9]);
    await disk.remove("a");
    expect(await disk.list()).toEqual([]);
  });

  it("goes on at the end of a file that is there", async () => {
    const path = folder();
    writeFileSync(join(path, "a"), "old");
    const disk = await hold(path);
    const file = await disk.append("a");
    await file.write(new TextEncoder().encode("new"));
    await file.close();
    expect(readFileSync(join(path, "a"), "utf8")).toBe("oldnew");
  });

  it("refuses to read a file longer than allowed, and rejects with the system's error", async () => {
    const path = folder();
    writeFileSync(join(path, "a"), "0123456789");
    const disk = await hold(path);
    await expect(disk.read("a", 9)).rejects.toThrow(/10 bytes, more than the 9 allowed/);
    await expect(disk.read("b", 9)).rejects.toMatchObject({ code: "ENOENT" });
    await expect(disk.rename("b", "c")).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("has one writer at a time, and another after that one let go", async () => {
    const path = folder();
    const disk = await openEvidenceDisk(path);
    await expect(openEvidenceDisk(path)).rejects.toThrow(/in use by another running gateway/);
    await expect(openEvidenceDisk(`${path}/../${path.split("/").at(-1) ?? ""}`)).rejects.toThrow(
      /in use/,
    );
    await disk.release();
    await hold(path);
  });

  it("is free again when its holder was killed: no lock is left behind", async () => {
    const path = folder();
    const script = join(path, "holder.mjs");
    const { dev, ino } = statSync(path);
    writeFileSync(
      script,
      `import { createServer } from "node:net";
       createServer().listen("\\0holdpoint-evidence-${dev}-${ino}", () => process.send("held"));`,
    );
    const child = fork(script);
    await new Promise((resolve) => child.once("message", resolve));
    await expect(openEvidenceDisk(path)).rejects.toThrow(/in use/);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    await hold(path);
  });
});
