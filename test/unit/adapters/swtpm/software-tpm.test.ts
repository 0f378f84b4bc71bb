import { existsSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { startSoftwareTpm } from "../../../../src/adapters/swtpm/software-tpm.js";
import { openSocketChannel } from "../../../../src/adapters/tpm/socket-channel.js";
import { testFolder } from "../../../support/tpm-process.js";

const WITHIN_MS = 20_000;

/** Programs are looked for in this folder alone. */
function programsIn(folder: string): void {
  const before = process.env["PATH"] ?? "";
  process.env["PATH"] = folder;
  onTestFinished(() => {
    process.env["PATH"] = before;
  });
}

describe("a software TPM of one's own", () => {
  it("serves on its socket until it is ended, and has no certificate where nothing can make one", async () => {
    const programs = testFolder();
    symlinkSync("/usr/bin/swtpm", join(programs, "swtpm"));
    programsIn(programs);
    const started = await startSoftwareTpm(testFolder());
    if (!started.ok) throw new Error(started.says);
    const { socket, certificate, end } = started.tpm;
    expect(certificate).toBeNull();
    const channel = openSocketChannel({ path: socket }, WITHIN_MS);
    expect(await channel.connect()).toMatchObject({ ok: true });
    channel.drop();
    await end();
    expect(await channel.connect()).toMatchObject({ ok: false });
  });

  it("has the certificate of its endorsement key where swtpm's tools are there", async () => {
    const started = await startSoftwareTpm(testFolder());
    if (!started.ok) throw new Error(started.says);
    expect(started.tpm.certificate).toMatch(/ek-rsa2048\.crt$/);
    expect(existsSync(started.tpm.certificate ?? "")).toBe(true);
    await started.tpm.end();
  });

  it("is not there, in one line, without swtpm, with one that ends at once, and below too long a path", async () => {
    const programs = testFolder();
    programsIn(programs);
    expect(await startSoftwareTpm(testFolder())).toEqual({
      ok: false,
      says: "swtpm is not installed",
    });
    writeFileSync(join(programs, "swtpm"), "#!/bin/sh\nexit 1\n", { mode: 0o700 });
    expect(await startSoftwareTpm(testFolder())).toEqual({
      ok: false,
      says: "swtpm is installed and does not start",
    });
    const deep = join(testFolder(), "x".repeat(100));
    expect(await startSoftwareTpm(deep)).toMatchObject({
      says: expect.stringContaining("so long a path") as string,
    });
  });
});
