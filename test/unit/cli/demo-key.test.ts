import { describe, expect, it } from "vitest";
import { chooseKey, type DemoTpms, type KeyChoice } from "../../../src/cli/demo-key.js";
import type { TpmKeyReport } from "../../../src/guard/ports.js";

const NAME = new Uint8Array(32);
const REPORT: TpmKeyReport = {
  kind: "tpm",
  place: "device:/dev/tpmrm0",
  chip: "IFX, firmware 1",
  file: "/k/tpm-key.cbor",
  root: NAME,
  kid: NAME,
  spki: NAME,
  attester: new Uint8Array(1),
  rotation: null,
  handles: { root: 1, evidence: 2, attestation: 3 },
  counters: {
    checkpoint: { index: 1, first: 1, value: 1n },
    anchor: { index: 2, first: 1, value: 1n },
  },
  trouble: null,
};

type Rig = { readonly tpms: DemoTpms; readonly calls: string[] };

function rig(there: {
  readonly record?: Partial<TpmKeyReport> | "bad";
  readonly device?: "open" | "denied";
  readonly swtpm?: boolean;
}): Rig {
  const calls: string[] = [];
  const { record, device = "none", swtpm = false } = there;
  return {
    calls,
    tpms: {
      recorded: async () => {
        calls.push("recorded");
        if (record === undefined) return await Promise.resolve({ kind: "none" });
        if (record === "bad") return { kind: "bad", says: "it is damaged" };
        return { kind: "there", report: { ...REPORT, ...record } };
      },
      device: async () => {
        calls.push("device");
        return await Promise.resolve({ path: "/dev/tpmrm0", found: device });
      },
      software: async () => {
        calls.push("software");
        const end = async (): Promise<void> => {
          await Promise.resolve();
        };
        return await Promise.resolve(
          swtpm
            ? { ok: true, keys: "/demo/keys", certificate: null, end }
            : { ok: false, says: "swtpm is not installed" },
        );
      },
    },
  };
}

async function choose(choice: KeyChoice, { tpms }: Rig): Promise<[string | null, string]> {
  const { keys, says } = await chooseKey({ choice, records: "/k", directory: "/demo" }, tpms);
  return [keys, says.join("\n")];
}

describe("the key that signs the demo's evidence", () => {
  it("is the one that was provisioned, in the TPM where it is, and no other is looked for", async () => {
    const at = rig({ record: {}, device: "open", swtpm: true });
    expect(await choose("auto", at)).toEqual([
      "/k",
      "key: in a TPM: device:/dev/tpmrm0, by the keys of /k",
    ]);
    expect(at.calls).toEqual(["recorded"]);
    const software = rig({ record: { kind: "tpm-software", place: "swtpm:/s" } });
    expect((await choose("tpm", software))[1]).toContain("proves no hardware");
  });

  it("is never made in the machine's own TPM: that is left alone, in one line [HP-144]", async () => {
    const at = rig({ device: "open", swtpm: true });
    const [keys, says] = await choose("auto", at);
    expect(keys).toBe("/demo/keys");
    expect(says).toMatch(
      /^\/dev\/tpmrm0 is there and is left alone, .*key provision.*\nkey: in a software TPM/,
    );
    expect(at.calls).toEqual(["recorded", "device", "software"]);
    expect((await choose("auto", rig({ device: "denied", swtpm: true })))[1]).toContain(
      "may not open it",
    );
  });

  it("is in a software TPM of the demo's own where no TPM is, else in a file, and that is said", async () => {
    expect(await choose("auto", rig({ swtpm: true }))).toEqual([
      "/demo/keys",
      "key: in a software TPM of the demo's own, proves no hardware",
    ]);
    expect(await choose("auto", rig({}))).toEqual([
      null,
      "no software TPM: swtpm is not installed\nkey: in a file, software, not hardware",
    ]);
    const file = rig({ record: {}, swtpm: true });
    expect(await choose("file", file)).toEqual([null, "key: in a file, software, not hardware"]);
    expect(file.calls).toEqual([]);
  });

  it("is not the provisioned one when that cannot be used now: the next one is, and why is said", async () => {
    const trouble = { answers: false, says: "no answer" };
    const [keys, says] = await choose("auto", rig({ record: { trouble }, swtpm: true }));
    expect(keys).toBe("/demo/keys");
    expect(says).toMatch(/^the keys of \/k cannot be used now: no answer\n/);
    expect((await choose("auto", rig({ record: "bad" })))[1]).toContain("it is damaged");
  });

  it("is not the provisioned one when that signs a log already: a new one would start locked out", async () => {
    const counters = { ...REPORT.counters, checkpoint: { index: 1, first: 1, value: 2n } };
    const [keys, says] = await choose("auto", rig({ record: { counters }, swtpm: true }));
    expect(keys).toBe("/demo/keys");
    expect(says).toMatch(/^the keys of \/k sign another log already, .*\nkey: in a software TPM/);
  });

  it.each([
    [
      "tpm",
      {},
      "--key tpm: no TPM is there, and no keys in one: holdpoint key provision makes them",
    ],
    ["tpm", { device: "open", swtpm: true }, "--key tpm: /dev/tpmrm0 is there and is left alone"],
    ["tpm", { record: "bad" }, "--key tpm: the keys of /k cannot be used: it is damaged"],
    ["swtpm", { record: {} }, "--key swtpm: swtpm is not installed: apt-get install"],
  ] as const)(
    "is refused in one line when %s is asked for and is not there: %o",
    async (choice, there, says) => {
      await expect(choose(choice, rig(there))).rejects.toThrow(says);
    },
  );
});
