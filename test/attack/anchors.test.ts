import { describe, expect, it } from "vitest";
import { COUNTER_INDEX } from "../../src/codec/tpm2/nv-public.js";
import { HIERARCHY } from "../../src/codec/tpm2/constant.js";
import { readCounterAttest } from "../../src/codec/tpm2/counter-attest.js";
import type { VerifyReport } from "../../src/evidence/verify.js";
import type { AnchorBody } from "../../src/kernel/record/entry.js";
import { runAnchored, startRun } from "../support/anchored-log.js";
import { claimAttester } from "../support/attested-key.js";
import { keepCheckpoint, verifyLog } from "../support/attacked-log.js";
import { ForgetfulDisk } from "../support/evidence-disk.js";
import { failed, settle } from "../support/evidence-rig.js";
import { sha256 } from "../support/evidence-samples.js";
import { FakeTpm, type CounterWord } from "../support/fake-tpm.js";

/** Each forges what the anchors of a TPM are to show; the disk is the attacker's, the TPM is not. */
const disk = new ForgetfulDisk();
const tpm = new FakeTpm();
await runAnchored(disk, tpm, { boot: 1 });
const early = disk.crash();
await runAnchored(disk, tpm, { boot: 2 });
const { attester } = tpm;

function why(report: VerifyReport, check: string): string {
  return report.checks.find(({ id }) => id === check)?.first?.why ?? "";
}

/** A run whose anchors were changed on their way into the log. */
async function forgeAnchors(
  forge: (body: AnchorBody, tpm: FakeTpm) => AnchorBody,
): Promise<VerifyReport> {
  const its = new FakeTpm();
  const on = new ForgetfulDisk();
  await runAnchored(on, its, { boot: 1, forge: (body) => forge(body, its) });
  return verifyLog(on.files(), { attester: its.attester });
}

/** The same word of the same TPM, with something else in it. */
function retold(change: Partial<CounterWord>) {
  return (body: AnchorBody, its: FakeTpm): AnchorBody => {
    const read = readCounterAttest(body.token);
    if (read === null) throw new Error("no anchor");
    const { value, qualifying } = read;
    const { attest, signature } = its.certify({ value, qualifying, ...change });
    return { ...body, token: attest, signature };
  };
}

describe("the anchors of a TPM", () => {
  it("hold, and without the attestation key nothing is said of who signed them [HP-153 allows]", () => {
    const report = verifyLog(disk.files(), { attester });
    expect(failed(report)).toEqual([]);
    const bare = verifyLog(disk.files());
    expect(failed(bare)).toEqual([]);
    const signed = bare.checks.find(({ id }) => id === "anchor-signatures");
    expect(signed).toMatchObject({ status: "NOT PRESENT", looked: 0 });
    expect(signed?.note).toContain("was not given");
  });

  it.each([
    ["over other bytes than the checkpoint's", { qualifying: new Uint8Array(32).fill(9) }],
    ["that is about another counter", { index: COUNTER_INDEX.checkpoint }],
    ["about a part of the counter", { offset: 1 }],
    ["that no TPM made", { magic: 0xff544348 }],
    ["that certifies a key", { type: 0x8017 }],
  ] satisfies readonly [string, Partial<CounterWord>][])(
    "are a FAIL when there is one %s [HP-153 refuses]",
    async (_name, change) => {
      const report = await forgeAnchors(retold(change));
      expect(failed(report)).toEqual(["anchors"]);
    },
  );

  it("are a FAIL over a checkpoint that is not here, or another size than they say", async () => {
    const shifted = await forgeAnchors((body) => ({ ...body, size: body.size - 1 }));
    expect(why(shifted, "anchors")).toContain("no checkpoint over");
  });

  it("are a FAIL with one value twice, a lower one, or one that skips [HP-154]", async () => {
    const values = (list: readonly number[]) => {
      let at = -1;
      return (body: AnchorBody, its: FakeTpm): AnchorBody => {
        at += 1;
        return retold({ value: list[at] ?? 0 })(body, its);
      };
    };
    expect(why(await forgeAnchors(values([8, 8])), "anchors")).toContain("cannot both be true");
    expect(why(await forgeAnchors(values([8, 7])), "anchors")).toContain("below the 8");
    expect(why(await forgeAnchors(values([8, 10])), "anchors")).toContain("not in this log");
    expect(failed(await forgeAnchors(values([8, 9])))).toEqual([]);
  });

  it("count only under the restricted key: the evidence key's attest is a FAIL, known or not [HP-155]", async () => {
    const forge = (body: AnchorBody, its: FakeTpm): AnchorBody => ({
      ...body,
      signature: new Uint8Array(its.evidence.sign(body.token)),
    });
    const report = await forgeAnchors(forge);
    expect(failed(report)).toEqual(["anchor-signatures"]);
    expect(why(report, "anchor-signatures")).toContain("key of checkpoints");
    const its = new FakeTpm();
    const on = new ForgetfulDisk();
    await runAnchored(on, its, { boot: 1, forge: (body) => forge(body, its) });
    expect(failed(verifyLog(on.files()))).toEqual(["anchor-signatures"]);
  });

  it("are a FAIL under another key, without a signature, or of another hierarchy", async () => {
    const stranger = claimAttester();
    const other = await forgeAnchors((body) => ({
      ...body,
      signature: new Uint8Array(stranger.sign(body.token)),
    }));
    expect(why(other, "anchor-signatures")).toContain("did not sign it");
    const none = await forgeAnchors((body) => ({ ...body, signature: null }));
    expect(failed(none)).toEqual(["anchor-signatures"]);
    const owner = await forgeAnchors(retold({ hierarchy: HIERARCHY.owner }));
    expect(why(owner, "anchor-signatures")).toContain("names another signer");
  });

  it("have a key that signs nothing else: a checkpoint under it is a FAIL", async () => {
    const its = new FakeTpm();
    const both = { ...its.signer(), spki: its.key.spki, kid: sha256(its.key.spki) };
    its.signer = () => ({ ...both, sign: async (b) => await Promise.resolve(its.key.sign(b)) });
    const on = new ForgetfulDisk();
    const run = await startRun(on, its, { boot: 1 });
    await run.work();
    await run.store.close();
    const report = verifyLog(on.files(), {
      attester: its.attester,
      trusted: [its.key.spki, its.evidence.spki],
    });
    expect(failed(report)).toEqual(["signatures"]);
    expect(why(report, "signatures")).toContain("attestation key");
  });

  it("are a FAIL with any bit of the TPM's word turned", async () => {
    const [token] = await anchorTokens();
    const length = token?.length ?? 0;
    expect(length).toBeGreaterThan(100);
    let wrong = 0;
    for (let bit = 0; bit < length * 8; bit += 41) {
      const report = await forgeAnchors((body) => {
        const turned = body.token.slice();
        const at = bit >> 3;
        turned[at] = (turned[at] ?? 0) ^ (1 << (bit & 7));
        return { ...body, token: turned };
      });
      if (report.ok) wrong += 1;
    }
    expect(wrong).toBe(0);
  });
});

describe("a log that went on from an older copy of itself, with the same TPM", () => {
  it("is found out by the boot that did it, alone and for ever [HP-152 refuses]", async () => {
    const forked = early.crash();
    const run = await runAnchored(forked, tpm, { boot: 2 });
    expect(run.lost).not.toBeNull();
    const report = verifyLog(forked.files(), { attester });
    expect(failed(report)).toEqual(["anchors"]);
    expect(why(report, "anchors")).toMatch(
      /this run found the anchor counter at .* not in this log/,
    );
    expect(failed(verifyLog(forked.files(), { held: [keepCheckpoint(disk.files())] }))).toEqual([
      "held",
      "anchors",
    ]);
  });

  it("is found out by its next anchor where the boot entry lies about the counter", async () => {
    const its = new FakeTpm();
    const on = new ForgetfulDisk();
    await runAnchored(on, its, { boot: 1 });
    const copy = on.crash();
    await runAnchored(on, its, { boot: 2 });
    const before = its.flash;
    await runAnchored(copy, its, { boot: 2, nv: before - 2 });
    const report = verifyLog(copy.files(), { attester: its.attester });
    expect(failed(report)).toEqual(["anchors"]);
    expect(why(report, "anchors")).toContain("anchors between them are not in this log");
  });
});

async function anchorTokens(): Promise<readonly Uint8Array[]> {
  const tokens: Uint8Array[] = [];
  await forgeAnchors((body) => {
    tokens.push(body.token);
    return body;
  });
  await settle();
  return tokens;
}
