import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, describe, expect, it, vi } from "vitest";
import { Refusal } from "../../../src/cli/output.js";
import { addProfileCommands, checkProfile } from "../../../src/cli/profile-check.js";
import { SOUND } from "../profile/fixture.js";

const folder = mkdtempSync(join(tmpdir(), "holdpoint-check-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function write(name: string, content: string | Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

function refusalOf(run: () => unknown): Refusal {
  try {
    run();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

describe("holdpoint profile check", () => {
  it("sums a sound profile up and says that it is UNSIGNED [HP-083]", () => {
    const checked = checkProfile(write("sound.yaml", SOUND));
    expect(checked.ok).toBe(true);
    expect(checked.text).toContain("profile tank, revision 7, UNSIGNED");
    expect(checked.text).toMatch(/inputs +6\n/);
    expect(checked.text).toMatch(/built-in trips +8\n/);
    expect(checked.text).toContain("local  layer below: block");
    expect(checked.text).toContain("no errors, 4 warnings");
  });

  it("shows file, line and caret of a mistake and loads nothing", () => {
    const file = write("wrong.yaml", SOUND.replace("pressure < 6 bar", "pressure < 6"));
    const checked = checkProfile(file);
    expect(checked.ok).toBe(false);
    expect(checked.text).toContain(`--> ${file}:37:53 (permissives.P-02.needs)`);
    expect(checked.text).toContain("1 error, 4 warnings; nothing is loaded");
    expect(checked.text).not.toMatch(/\bat .*\.ts:/);
  });

  it("speaks JSON to programs", () => {
    const file = write("json.yaml", SOUND.replace("pressure < 6 bar", "pressure < 6"));
    const parsed: unknown = JSON.parse(checkProfile(file).json);
    expect(parsed).toMatchObject({ file, ok: false, signed: false });
    expect(parsed).toHaveProperty("diagnostics.0", {
      severity: "error",
      line: 37,
      column: 53,
      length: 12,
      path: "permissives.P-02.needs",
      message: "'<' between a quantity in bar and a number without a unit",
      hint: "write the unit: 6 bar",
    });
  });

  it("is a command whose exit code says whether the profile is sound", async () => {
    const before = process.exitCode;
    const shown: string[] = [];
    const print = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
      shown.push(String(chunk));
      return true;
    });
    const run = async (...words: string[]): Promise<unknown> => {
      const program = new Command();
      addProfileCommands(program);
      await program.parseAsync(["profile", "check", ...words], { from: "user" });
      return process.exitCode;
    };
    try {
      expect(await run(write("a.yaml", SOUND))).toBe(0);
      expect(await run(write("b.yaml", SOUND.replace("1 bar", "1 m")), "--json")).toBe(1);
      await run("--schema");
      expect(shown.at(-1)).toContain('"title": "Holdpoint safety profile"');
      await expect(run()).rejects.toThrow("name the profile file");
    } finally {
      print.mockRestore();
      process.exitCode = before;
    }
  });

  it("gives a missing file one clear line and exit 2", () => {
    const refusal = refusalOf(() => checkProfile(join(folder, "none.yaml")));
    expect(refusal.message).toBe(`${join(folder, "none.yaml")}: there is no such file`);
    expect(refusal.exitCode).toBe(2);
    expect(refusalOf(() => checkProfile(folder)).message).toBe(`${folder}: this is a folder`);
  });

  it("refuses what is not UTF-8", () => {
    const refusal = refusalOf(() => checkProfile(write("latin.yaml", Uint8Array.of(0xe4, 0xf6))));
    expect(refusal.message).toContain("this is not UTF-8 text");
    expect(refusal.exitCode).toBe(1);
  });

  it("refuses a byte order mark, which nobody sees", () => {
    const checked = checkProfile(write("bom.yaml", `\ufeff${SOUND}`));
    expect(checked.ok).toBe(false);
    expect(checked.text).toContain("a character that cannot be seen (U+FEFF)");
  });
});
