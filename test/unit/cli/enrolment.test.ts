import { chmodSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, describe, expect, it } from "vitest";
import { addCaCommands } from "../../../src/cli/ca.js";
import { AUTHORITY_FILES } from "../../../src/cli/certificate-authority.js";
import { CERTIFICATES } from "../../../src/cli/certificates.js";
import { enrol, openAnswer } from "../../../src/cli/enrolment.js";
import { encodePublic, ENDORSEMENT_KEY_TEMPLATE } from "../../../src/codec/tpm2/public-area.js";
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  ENROLMENT_BYTES_MAX,
  type EnrolmentRequest,
} from "../../../src/evidence/enrolment.js";
import { ATTESTATION_USAGE, SOFTWARE_UNIT } from "../../../src/evidence/key-bundle.js";
import { claimAttester, claimKey } from "../../support/attested-key.js";
import { startAuthority } from "../../support/authority.js";
import { bytes } from "../../support/evidence-samples.js";

const authority = await startAuthority();
const maker = await startAuthority("TPM maker");
const other = await startAuthority("Another maker");
afterAll(() => {
  for (const { remove } of [authority, maker, other]) remove();
});

const attester = claimAttester();
/** The point of some key, in the place of an endorsement key. */
const point = claimKey();
const area = encodePublic({
  ...ENDORSEMENT_KEY_TEMPLATE,
  x: point.spki.slice(27, 59),
  y: point.spki.slice(59),
});
const REQUEST: EnrolmentRequest = {
  gateway: "gw-7",
  attester: attester.area,
  endorsementKey: area,
  endorsement: await maker.issue({ spki: point.spki }),
  software: false,
};

describe("an enrolment", () => {
  it("says whether a maker vouches for the TPM, and the TPM's own word makes it less", async () => {
    const { isHardware } = await enrol(authority.folder, REQUEST, [maker.root]);
    expect(isHardware).toBe(true);
    const honest = { ...REQUEST, software: true };
    expect((await enrol(authority.folder, honest, [maker.root])).isHardware).toBe(false);
    expect((await enrol(authority.folder, REQUEST, null)).isHardware).toBe(false);
    const bare = { ...REQUEST, endorsement: [] };
    expect((await enrol(authority.folder, bare, [maker.root])).isHardware).toBe(false);
  });

  it.each([
    ["an unrestricted key", { attester: claimKey().area }, /no restricted key/],
    ["a key that is none", { attester: bytes(20, 1) }, /no restricted key/],
    ["an endorsement key that signs", { endorsementKey: claimKey().area }, /endorsement key is/],
    [
      "an endorsement key off its curve",
      {
        endorsementKey: encodePublic({
          ...ENDORSEMENT_KEY_TEMPLATE,
          x: bytes(32, 1),
          y: bytes(32, 1),
        }),
      },
      /endorsement key is no key/,
    ],
    [
      "the endorsement certificate of another key",
      { endorsement: [maker.root] },
      /certificate is over another key/,
    ],
    ["a name with a slash", { gateway: "gw/CN=gw-8" }, /a name here is/],
  ])("is refused for %s", async (_name, changed, why) => {
    const request = { ...REQUEST, ...changed };
    await expect(enrol(authority.folder, request, null)).rejects.toThrow(why);
  });

  it("is refused when other makers are named than the one that vouches", async () => {
    await expect(enrol(authority.folder, REQUEST, [other.root])).rejects.toThrow(
      /they lead to none of those/,
    );
  });

  it("is answered with what only the right value opens", async () => {
    const { answer } = await enrol(authority.folder, REQUEST, null);
    for (const value of [bytes(32, 0), bytes(31, 0), new Uint8Array(0)]) {
      expect(() => openAnswer(answer, value)).toThrow(/sealed for another request/);
    }
    const short = { ...answer, sealed: answer.sealed.slice(0, 20) };
    expect(() => openAnswer(short, bytes(32, 0))).toThrow(/sealed for another request/);
  });

  it("comes and goes as files of one form", () => {
    expect(decodeRequest(encodeRequest(REQUEST))).toEqual(REQUEST);
    const bare = { ...REQUEST, endorsement: [], software: true };
    expect(decodeRequest(encodeRequest(bare))).toEqual(bare);
    const answer = { blob: bytes(5, 1), secret: bytes(6, 2), sealed: bytes(7, 3) };
    expect(decodeAnswer(encodeAnswer(answer))).toEqual(answer);
    expect(decodeAnswer(encodeRequest(REQUEST))).toBeNull();
    expect(decodeRequest(encodeAnswer(answer))).toBeNull();
    const whole = encodeRequest(REQUEST);
    for (let length = 0; length < whole.length; length += 1) {
      expect(decodeRequest(whole.slice(0, length))).toBeNull();
    }
    expect(decodeRequest(bytes(ENROLMENT_BYTES_MAX + 1, 0))).toBeNull();
  });
});

describe("holdpoint ca", () => {
  it("keeps its key from others, and issues what a key bundle is to hold", async () => {
    const key = join(authority.folder, AUTHORITY_FILES.key);
    expect(statSync(key).mode & 0o777).toBe(0o600);
    const [leaf, root] = await authority.issue({ spki: attester.spki, unit: SOFTWARE_UNIT });
    if (leaf === undefined || root === undefined) throw new Error("two were asked for");
    expect(CERTIFICATES.read(leaf)).toMatchObject({
      isIssuer: false,
      usages: [ATTESTATION_USAGE],
      subject: { commonName: "gw-7", unit: SOFTWARE_UNIT, serialNumber: null },
    });
    expect(CERTIFICATES.read(root)).toMatchObject({ isIssuer: true, usages: [] });
    expect(CERTIFICATES.isIssuedBy(leaf, root)).toBe(true);
    expect(CERTIFICATES.isIssuedBy(root, leaf)).toBe(false);
    chmodSync(key, 0o640);
    await expect(authority.issue({ spki: attester.spki })).rejects.toThrow(/others may read it/);
    chmodSync(key, 0o600);
  });

  it("makes an authority once, and answers a request into a file of its own", async () => {
    const said: string[] = [];
    const sink = { write: (text: string): void => void said.push(text) };
    const run = async (...args: readonly string[]): Promise<void> => {
      const program = new Command().exitOverride();
      addCaCommands(program, { out: sink, err: sink });
      await program.parseAsync(["ca", ...args], { from: "user" });
    };
    const folder = join(authority.folder, "second");
    await run("init", folder, "--name", "Second");
    await expect(run("init", folder, "--name", "Second")).rejects.toThrow(/is there already/);
    const [request, out] = [join(folder, "request"), join(folder, "answer")];
    writeFileSync(request, encodeRequest(REQUEST));
    const makers = join(maker.folder, AUTHORITY_FILES.root);
    await run("issue", folder, request, "--out", out, "--makers", makers);
    expect(said.join("")).toMatch(/for gw-7, attestation key [0-9a-f]{64}\na maker's certificate/);
    await expect(run("issue", folder, request, "--out", out)).rejects.toThrow(/is there already/);
    const nowhere = join(folder, "nowhere");
    await expect(run("issue", nowhere, request, "--out", `${out}2`)).rejects.toThrow(
      /"holdpoint ca init"/,
    );
    writeFileSync(request, "something else");
    await expect(run("issue", folder, request, "--out", `${out}2`)).rejects.toThrow(/no request/);
  });
});
