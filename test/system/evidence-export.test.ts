import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { makeCorpus, makeCorpusKey } from "../support/corpus.js";
import { runCli } from "../support/live-gateway.js";
import { runPython, runSteps } from "../support/proof-bundle.js";

const PROFILE = readFileSync(new URL("../support/corpus-profile.yaml", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "holdpoint-handed-"));

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("an export by the program as it is installed", () => {
  it("is checked by an auditor who has only the files, Python and openssl", async () => {
    const log = join(folder, "log");
    mkdirSync(log);
    const key = makeCorpusKey();
    const options = { directory: log, profiles: [PROFILE], seed: 7, commands: 60 };
    await makeCorpus({ ...options, segmentBytesMax: 400_000, signer: key.signer });
    const trust = join(folder, "key.der");
    writeFileSync(trust, key.signer.spki);
    const tail = await runCli(["evidence", "tail", log, "-n", "500"]);
    const [, permit = ""] = /^(\d+)\b.* decision {2}PERMIT ai/m.exec(tail.output) ?? [];
    const [, deny = ""] = /^(\d+)\b.* decision {2}DENY/m.exec(tail.output) ?? [];
    for (const seq of [permit, deny]) {
      const file = join(folder, `proof-${seq}.cbor`);
      const made = await runCli(["evidence", "export", log, "--seq", seq, "--out", file]);
      expect(made).toMatchObject({ code: 0 });
      const checked = await runCli(["evidence", "verify", file, "--trust", trust]);
      expect(checked).toMatchObject({ code: 0 });
    }
    rmSync(log, { recursive: true });
    for (const seq of [permit, deny]) {
      const files = [`proof-${seq}.verify.py`, `proof-${seq}.cbor`].map((name) =>
        join(folder, name),
      );
      const python = runPython([...files, "--trust", trust]);
      expect(python.out).toMatch(/PASS {9}every path leads from its entry to the signed root/);
      expect(python.code).toBe(0);
      const steps = runSteps(folder, `proof-${seq}.README.md`);
      expect(steps.out).toContain(`entry ${seq} is under the signed root`);
      expect(steps.status).toBe(0);
    }
    for (const verifier of [".verify.py", ".verify.html"]) {
      expect(readdirSync(folder).filter((name) => name.endsWith(verifier))).toHaveLength(2);
    }
  });
});
