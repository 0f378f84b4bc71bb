import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openWitnessFolder } from "../../../../src/adapters/witness-folder/witness-folder.js";

const scratch = mkdtempSync(join(tmpdir(), "holdpoint-witness-"));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

let made = 0;
function folder(): string {
  made += 1;
  return join(scratch, `${made}`, "for-the-witness");
}

const name = (size: number): string =>
  `checkpoint-${size.toString().padStart(16, "0")}-00c0ffee.cose`;

describe("a folder for a witness", () => {
  it("is made when it is not there, and holds whole files under their names alone", async () => {
    const path = folder();
    await openWitnessFolder(path).put(name(3), Uint8Array.of(1, 2, 3));
    expect(readdirSync(path)).toEqual([name(3)]);
    expect([...readFileSync(join(path, name(3)))]).toEqual([1, 2, 3]);
  });

  it("keeps the newest when nobody carries any away, and touches nothing else", async () => {
    const path = folder();
    const { put } = openWitnessFolder(path, 3);
    await put(name(1), Uint8Array.of(1));
    writeFileSync(join(path, "a-note-of-the-witness.txt"), "seen");
    for (const size of [2, 3, 4, 5]) await put(name(size), Uint8Array.of(size));
    expect(readdirSync(path).sort()).toEqual(
      ["a-note-of-the-witness.txt", name(3), name(4), name(5)].sort(),
    );
  });

  it("goes on over what a crash has left, and follows no link that waits there", async () => {
    const path = folder();
    const { put } = openWitnessFolder(path);
    await put(name(1), Uint8Array.of(1));
    const victim = join(scratch, "victim");
    writeFileSync(victim, "keep");
    symlinkSync(victim, join(path, `${name(2)}.part`));
    writeFileSync(join(path, `${name(9)}.part`), "half");
    await put(name(2), Uint8Array.of(2));
    await put(name(3), Uint8Array.of(3));
    expect(readFileSync(victim, "utf8")).toBe("keep");
    expect(readdirSync(path)).toEqual([name(1), name(2), name(3)]);
  });

  it("rejects when it cannot be made", async () => {
    const path = join(scratch, "no-folder");
    writeFileSync(path, "a file");
    chmodSync(path, 0o600);
    await expect(openWitnessFolder(path).put(name(1), Uint8Array.of(1))).rejects.toThrow();
  });
});
