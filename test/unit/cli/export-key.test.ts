import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyBundleFile } from "../../../src/cli/bundle-verify.js";
import { AUTHORITY_FILES } from "../../../src/cli/certificate-authority.js";
import { exportEvidence, type ExportCommand } from "../../../src/cli/evidence-export.js";
import { readPublicKeys } from "../../../src/cli/evidence-keys.js";
import { addKeyBundle, isSoftware, kindLines } from "../../../src/cli/export-key.js";
import { exportPeriod } from "../../../src/cli/export-period.js";
import { decodeKeyBundle, encodeKeyBundle, type KeyBundle } from "../../../src/evidence/bundle.js";
import { attest, claimAttester, claimKey } from "../../support/attested-key.js";
import { startAuthority } from "../../support/authority.js";
import { makeCorpus, sha256 } from "../../support/corpus.js";
import { runPython, runSteps, VERIFIER } from "../../support/proof-bundle.js";

const PROFILE = readFileSync(new URL("../../support/corpus-profile.yaml", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "holdpoint-export-key-"));
const log = join(folder, "log");
const key = claimKey();
const attester = claimAttester();
const authority = await startAuthority();
const roots = join(authority.folder, AUTHORITY_FILES.root);

const BUNDLE: KeyBundle = {
  spki: key.spki,
  certificates: await authority.issue({ spki: attester.spki, commonName: "corpus" }),
  endorsement: [],
  attestation: attest(key, attester),
  validSeq: null,
  software: false,
};

beforeAll(async () => {
  mkdirSync(log);
  const { spki, sign } = key;
  const signer = {
    kind: "tpm" as const,
    spki,
    kid: sha256(spki),
    raise: null,
    sign: async (bytes: Uint8Array) => await Promise.resolve(sign(bytes)),
  };
  const options = { directory: log, profiles: [PROFILE], seed: 20_261_124, commands: 60 };
  await makeCorpus({ ...options, segmentBytesMax: 700_000, signer });
}, 300_000);

afterAll(() => {
  rmSync(folder, { recursive: true });
  authority.remove();
});

const said: string[] = [];
const sink = { write: (text: string): void => void said.push(text) };
const streams = { out: sink, err: sink };

let count = 0;
function commandFor(bundle: Uint8Array): ExportCommand {
  const directory = join(folder, `export-${(count += 1)}`);
  mkdirSync(directory);
  const keyBundle = join(directory, "key-bundle");
  writeFileSync(keyBundle, bundle);
  const flags = { receipt: false, withProfile: false, json: false, verifier: VERIFIER };
  return { directory: log, seq: 4, out: join(directory, "proof.cbor"), keyBundle, ...flags };
}

describe("an export with a key bundle", () => {
  it("shows the TPM to Holdpoint, to the Python it brings, and to openssl by the printed steps", async () => {
    const command = commandFor(encodeKeyBundle(BUNDLE));
    await exportEvidence(command, streams);
    const verify = { directory: command.out, replay: false, profile: null, json: false };
    said.length = 0;
    expect(await verifyBundleFile({ ...verify, trust: roots }, streams)).toBe(0);
    const lines = said.join("").split("\n");
    expect(lines).toContain("PASS         the key was made in a TPM and cannot leave it (1)");
    const directory = join(command.out, "..");
    const python = runPython([join(directory, "proof.verify.py"), command.out, "--trust", roots]);
    expect(python.code).toBe(0);
    expect(python.lines).toEqual(lines.filter((line) => /^(?:PASS|NOT PRESENT) {2}/.test(line)));
    const steps = runSteps(directory, "proof.README.md");
    expect(steps.out).toContain("the key that signs here is attested\n");
    expect(steps.out).toContain("subject=CN = corpus");
    expect(steps.out).toContain("ROOTS is not set: nobody is asked who vouches for it\n");
    expect(steps.status).toBe(0);
    const readme = readFileSync(join(directory, "proof.README.md"), "utf8");
    writeFileSync(join(directory, "trusted.md"), `\`\`\`bash\nROOTS='${roots}'\n\`\`\`\n${readme}`);
    expect(runSteps(directory, "trusted.md").out).toMatch(/attester-certificates\.pem: OK\n$/);
  });

  it("goes with a period too, and shows the same of its key", async () => {
    const { keyBundle = null, out } = commandFor(encodeKeyBundle(BUNDLE));
    const ask = { kind: "numbers", from: 2, to: 9 } as const;
    const flags = { earlier: null, withProfile: false, json: false, verifier: VERIFIER };
    await exportPeriod({ directory: log, ask, out, keyBundle, ...flags }, streams);
    said.length = 0;
    const verify = { directory: out, replay: false, profile: null, json: false };
    expect(await verifyBundleFile({ ...verify, trust: roots }, streams)).toBe(0);
    expect(said.join("")).toContain("PASS         the key was made in a TPM and cannot leave it");
    const python = runPython([join(out, "..", "proof.verify.py"), out, "--trust", roots]);
    expect(python.code).toBe(0);
  });

  it.each([
    ["another key is attested", "key.tpmt", claimKey().area, "WRONG: the attest is about another"],
    ["the attestation key is another", "attester.tpmt", claimAttester().area, "WRONG: the attest"],
    ["it is no attest", "attest.bin", new Uint8Array(40), "Verification failure"],
  ])("fails in the printed steps when %s", async (_name, file, content, why) => {
    const command = commandFor(encodeKeyBundle(BUNDLE));
    await exportEvidence(command, streams);
    const directory = join(command.out, "..");
    writeFileSync(join(directory, "proof.parts", file), content);
    const steps = runSteps(directory, "proof.README.md");
    expect(steps.out).toContain(why);
    expect(steps.status).not.toBe(0);
  });

  it("is refused for the bundle of another key, and for a file that is none", async () => {
    const other = encodeKeyBundle({ ...BUNDLE, spki: claimKey().spki });
    await expect(exportEvidence(commandFor(other), streams)).rejects.toThrow(/of another key/);
    const none = Uint8Array.of(1, 2, 3);
    await expect(exportEvidence(commandFor(none), streams)).rejects.toThrow(/no key bundle/);
  });

  it("is refused when it would not verify", async () => {
    const wrong = { ...BUNDLE, attestation: attest(claimKey(), attester) };
    const command = commandFor(encodeKeyBundle(wrong));
    await expect(exportEvidence(command, streams)).rejects.toThrow(
      /the certified key is not the one that signs here/,
    );
  });

  it("says software where the bundle does", async () => {
    said.length = 0;
    await exportEvidence(commandFor(encodeKeyBundle({ ...BUNDLE, software: true })), streams);
    expect(said.join("")).toContain("key: software, not hardware\n");
  });

  it("takes the kind of key from it where the log no longer tells, and else says that it is not known", async () => {
    const kindOf = async (software: boolean | null, bundle: KeyBundle | null): Promise<unknown> => {
      const path = join(folder, "kind-bundle");
      if (bundle !== null) writeFileSync(path, encodeKeyBundle(bundle));
      const bare = { spki: BUNDLE.spki, software };
      return (await addKeyBundle(bare, bundle === null ? null : path)).software;
    };
    const bare = { ...BUNDLE, attestation: null, certificates: [], endorsement: [] };
    expect(await kindOf(null, null)).toBeNull();
    expect(await kindOf(null, bare)).toBeNull();
    expect(await kindOf(null, { ...BUNDLE, software: true })).toBe(true);
    expect(await kindOf(null, BUNDLE)).toBe(false);
    for (const software of [true, false]) {
      expect(await kindOf(software, null)).toBe(software);
      expect(await kindOf(software, BUNDLE)).toBe(software);
    }
    expect(await kindOf(false, { ...BUNDLE, software: true })).toBe(true);
    expect([isSoftware("tpm"), isSoftware("tpm-software"), isSoftware("file")]).toEqual([
      ...[false, true, true],
    ]);
    expect(isSoftware(undefined)).toBeNull();
    expect(kindLines(null).join()).toContain("kind not known here");
    expect(kindLines(true)).toEqual(["key: software, not hardware"]);
    expect(kindLines(false)).toEqual([]);
  });

  it("takes root certificates for a bundle alone, and says so of a log", async () => {
    await expect(readPublicKeys(roots)).rejects.toThrow(
      /certificates vouch for the key of a bundle/,
    );
  });

  it("is not checked by roots that cannot be read", async () => {
    const command = commandFor(encodeKeyBundle(BUNDLE));
    await exportEvidence(command, streams);
    const trust = join(folder, "bad.pem");
    const good = readFileSync(roots, "utf8");
    writeFileSync(trust, `${good}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`);
    const verify = { directory: command.out, replay: false, profile: null, json: false };
    await expect(verifyBundleFile({ ...verify, trust }, streams)).rejects.toThrow(
      /holds a certificate that cannot be read/,
    );
    const python = runPython([VERIFIER, command.out, "--trust", trust]);
    expect(python).toMatchObject({ code: 2, lines: [] });
    writeFileSync(trust, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
    await expect(verifyBundleFile({ ...verify, trust }, streams)).rejects.toThrow(
      /nor root certificates in PEM/,
    );
    expect(runPython([VERIFIER, command.out, "--trust", trust]).code).toBe(2);
  });
});

describe("a key bundle in a file", () => {
  it("comes back as it was made, and is none with a byte more or less", () => {
    const whole = encodeKeyBundle(BUNDLE);
    expect(decodeKeyBundle(whole)).toEqual(BUNDLE);
    expect(decodeKeyBundle(Uint8Array.from([...whole, 0]))).toBeNull();
    expect(decodeKeyBundle(whole.slice(0, -1))).toBeNull();
  });
});
