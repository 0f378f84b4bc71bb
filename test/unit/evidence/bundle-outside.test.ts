import { describe, expect, it } from "vitest";
import { encodeCbor } from "../../../src/codec/cbor/encode.js";
import { HIERARCHY } from "../../../src/codec/tpm2/constant.js";
import { COUNTER_INDEX } from "../../../src/codec/tpm2/nv-public.js";
import { encodeBundle, type ProofBundle } from "../../../src/evidence/bundle.js";
import { carryConsistency } from "../../../src/evidence/checkpoint.js";
import { encodeOutside, OUTSIDE_MAX, readOutside } from "../../../src/evidence/outside.js";
import type { AnchorBody } from "../../../src/kernel/record/entry.js";
import { attest, claimAttester } from "../../support/attested-key.js";
import { sampleLog } from "../../support/evidence-rig.js";
import { bytes, sha256 } from "../../support/evidence-samples.js";
import { FakeTpm, type CounterWord } from "../../support/fake-tpm.js";
import { checkpointOf } from "../../support/period-bundle.js";
import {
  check,
  checkByPython,
  checkLines,
  checkManyByPython,
  flipByPython,
  makeBundle,
} from "../../support/proof-bundle.js";
import { share } from "../../support/share.js";

const tpm = new FakeTpm();
const made = makeBundle(sampleLog(0, 11), [4, 5], tpm.evidence).bundle;
const key = {
  ...made.key,
  attestation: attest(tpm.evidence, tpm.key),
  software: false,
};
const bundle: ProofBundle = { ...made, key };
/** As the checkpoint has it in the log; the bundle of a story leaves it out. */
const proof = { size1: 8, size2: 11, path: [bytes(32, 1), bytes(32, 2)] };
const inLog = carryConsistency(checkpointOf(bundle), proof);

function anchorOver(frame: Uint8Array, change: Partial<CounterWord> = {}): AnchorBody {
  const word = { value: 9, qualifying: new Uint8Array(sha256(frame)), ...change };
  const { attest: token, signature } = tpm.certify(word);
  return { type: "anchor", kind: "nv-certify", token, size: 11, signature };
}

const anchor = anchorOver(inLog);

function withAnchor(body: AnchorBody, from: ProofBundle = bundle): ProofBundle {
  return { ...from, outside: encodeOutside({ proof, anchors: [body] }) };
}

/** Both verifiers, which say the same; what fails, and why the first does. */
function judge(of: ProofBundle): readonly [string, string][] {
  const report = check(of);
  const known = byPython.get(of);
  const { code, lines } = known ?? checkByPython(encodeBundle(of));
  expect([code, ...lines]).toEqual([report.ok ? 0 : 1, ...checkLines(report)]);
  return report.checks
    .filter(({ status }) => status === "FAIL")
    .map(({ id, why }): [string, string] => [id, why ?? ""]);
}

const stranger = claimAttester();
const other = new FakeTpm();

const FIELDS: readonly (readonly [number, number | Uint8Array])[] = [
  [1, 0],
  [2, bytes(3, 1)],
  [3, 11],
];

type Attack = readonly [name: string, bundle: ProofBundle, check: string, why: RegExp];

const ATTACKS: readonly Attack[] = (
  [
    ["over another checkpoint", anchorOver(bytes(40, 3)), "outside", /another checkpoint/],
    ["over the checkpoint without its proof", anchorOver(made.checkpoint), "outside", /another/],
    [
      "over a checkpoint of another size",
      { ...anchor, size: 10 },
      "outside",
      /over a checkpoint of 10 entries, this one is over 11/,
    ],
    [
      "about another counter",
      anchorOver(inLog, { index: COUNTER_INDEX.checkpoint }),
      "outside",
      /another counter/,
    ],
    ["about a part of the counter", anchorOver(inLog, { offset: 1 }), "outside", /whole counter/],
    ["that no TPM made", anchorOver(inLog, { magic: 0xff544348 }), "outside", /no attest/],
    ["that certifies a key", anchorOver(inLog, { type: 0x8017 }), "outside", /no attest/],
    [
      "with a value beyond all counting",
      anchorOver(inLog, { value: 2 ** 60 }),
      "outside",
      /no attest/,
    ],
    [
      "signed by the key of checkpoints",
      { ...anchor, signature: new Uint8Array(tpm.evidence.sign(anchor.token)) },
      "anchor",
      /only a restricted key's attest counts/,
    ],
    [
      "signed by another key",
      { ...anchor, signature: new Uint8Array(stranger.sign(anchor.token)) },
      "anchor",
      /did not sign it/,
    ],
    [
      "of another TPM",
      { ...anchor, ...certifiedBy(other) },
      "anchor",
      /the attestation key that is here did not sign it/,
    ],
    ["without a signature", { ...anchor, signature: null }, "anchor", /no signature of 64 bytes/],
    ["with half of one", { ...anchor, signature: bytes(63, 1) }, "anchor", /no signature of 64/],
    [
      "of the owner's hierarchy",
      anchorOver(inLog, { hierarchy: HIERARCHY.owner }),
      "anchor",
      /another signer/,
    ],
    ["by a witness", { ...anchor, kind: "witness" }, "outside", /kind witness: this version/],
  ] satisfies readonly (readonly [string, AnchorBody, string, RegExp])[]
).map(([name, body, id, why]) => [name, withAnchor(body), id, why]);

const FORMS: readonly (readonly [string, ProofBundle])[] = (
  [
    ["nothing but a proof", encodeOutside({ proof, anchors: [] })],
    ["more than there may be", Array.from({ length: OUTSIDE_MAX + 1 }, () => map(FIELDS))],
    ["a kind that is none", [map([[1, 4], ...FIELDS.slice(1)])]],
    ["a field more", [map([...FIELDS, [5, bytes(1, 1)]])]],
    ["a field less", [map(FIELDS.slice(0, 2))]],
    ["a signature that is a number", [map([...FIELDS, [4, 1]])]],
    [
      "one too long",
      [
        map([
          [1, 0],
          [2, bytes(33_100, 1)],
          [3, 11],
        ]),
      ],
    ],
    ["a size below zero", [map([...FIELDS.slice(0, 2), [3, -1]])]],
    ["no map", [bytes(4, 4)]],
    ["a proof that is not first", encodeOutside({ proof, anchors: [anchor] }).toReversed()],
    ["a longer head than needed", [Uint8Array.from([0xb8, 3, ...map(FIELDS).slice(1)])]],
  ] satisfies readonly (readonly [string, readonly Uint8Array[]])[]
).map(([name, outside]) => [name, { ...bundle, outside }]);

/** What the Python verifier says of all these, from one process. */
const byPython = sayByPython([...ATTACKS, ...FORMS].map(([, attacked]) => attacked));

function sayByPython(
  bundles: readonly ProofBundle[],
): ReadonlyMap<ProofBundle, { readonly code: number; readonly lines: readonly string[] }> {
  const reports = checkManyByPython(bundles.map(encodeBundle));
  return new Map(
    bundles.map((one, at) => {
      const [code, lines] = reports[at] ?? [-1, []];
      return [one, { code, lines }];
    }),
  );
}

describe("an anchor in a proof bundle", () => {
  it("passes over this very checkpoint, under the attestation key that is here [HP-185 allows]", () => {
    expect(judge(withAnchor(anchor))).toEqual([]);
    const lines = checkLines(check(withAnchor(anchor)));
    expect(lines).toContain(
      "PASS         outside evidence is over this very checkpoint (1); its TPM's counter of anchors stood at 9",
    );
    expect(lines).toContain(
      "PASS         the TPM's anchor of it is signed by the attestation key that is here (1)",
    );
  });

  it("passes over a checkpoint that has no proof in the log, and several do", () => {
    const first = anchorOver(bundle.checkpoint);
    const anchors = [first, anchorOver(bundle.checkpoint, { value: 10 })];
    expect(judge({ ...bundle, outside: encodeOutside({ proof: null, anchors }) })).toEqual([]);
  });

  it("without an attestation key is not said to be signed by anybody", () => {
    const bare = withAnchor(anchor, { ...bundle, key: { ...key, attestation: null } });
    expect(judge(bare)).toEqual([]);
    expect(checkLines(check(bare))).toContain(
      "NOT PRESENT  the TPM's anchor of it is signed by the attestation key that is here; no attestation key is here, so that nobody can say whose it is",
    );
  });

  it.each(ATTACKS)(
    "is a FAIL when it is one %s, by both verifiers [HP-185 refuses]",
    (_name, attacked, id, why) => {
      const failing = judge(attacked);
      expect(failing.map(([check]) => check)).toEqual([id]);
      expect(failing[0]?.[1]).toMatch(why);
    },
  );

  it.each(ATTACKS.filter(([, , id]) => id === "outside"))(
    "has nothing said of who signed it, nor of what it says, when it is one %s",
    (_name, attacked) => {
      judge(attacked);
      const lines = checkLines(check(attacked));
      expect(lines.some((line) => line.startsWith("FAIL         outside evidence"))).toBe(true);
      expect(lines.join("\n")).not.toContain("counter of anchors stood at");
      expect(lines).toContain(
        "NOT PRESENT  the TPM's anchor of it is signed by the attestation key that is here",
      );
    },
  );

  it("is a FAIL under the key of checkpoints also where no attestation key is here", () => {
    const signature = new Uint8Array(tpm.evidence.sign(anchor.token));
    const bare = { ...bundle, key: { ...key, attestation: null } };
    expect(judge(withAnchor({ ...anchor, signature }, bare)).map(([id]) => id)).toEqual(["anchor"]);
  });

  it("is a FAIL in another bundle, and with a proof that the checkpoint does not have", () => {
    const later = makeBundle(sampleLog(0, 12), [4, 5], tpm.evidence).bundle;
    expect(judge(withAnchor(anchor, { ...later, key })).map(([id]) => id)).toEqual(["outside"]);
    const turned = { ...proof, path: [bytes(32, 1), bytes(32, 3)] };
    const outside = encodeOutside({ proof: turned, anchors: [anchor] });
    expect(judge({ ...bundle, outside }).map(([id]) => id)).toEqual(["outside"]);
    const odd = { ...proof, size1: 11 };
    const frame = carryConsistency(checkpointOf(bundle), odd);
    const strange = { proof: odd, anchors: [anchorOver(frame)] };
    expect(judge({ ...bundle, outside: encodeOutside(strange) })).toEqual([
      ["outside", "the checkpoint's proof in the log leads from 11 entries to 11, 11 are signed"],
    ]);
  });

  it("is a FAIL where the checkpoint cannot be read", () => {
    const failing = judge(withAnchor(anchor, { ...bundle, checkpoint: bytes(9, 1) }));
    expect(failing.find(([id]) => id === "outside")?.[1]).toContain("no checkpoint");
  });

  it("leaves a decision and its outcome within 2,500 bytes at 4,096 leaves, 4,000 at 10 million [HP-188]", () => {
    const story = makeBundle(sampleLog(0, 4_096), [2_500, 2_501], tpm.evidence).bundle;
    const size = 10_000_000;
    const items = story.items.map(({ entry }, at) => ({
      entry: Uint8Array.from([...entry, 0, 0]),
      proof: { size, index: size - 2 + at, path: hashes(24) },
    }));
    const length = (of: ProofBundle, growth: number): number => {
      const has = { size1: size - 1, size2: size, path: hashes(growth) };
      const outside = encodeOutside({ proof: has, anchors: [anchor] });
      return encodeBundle({ ...of, outside }).length - story.key.spki.length - 16;
    };
    console.log(
      `with an anchor: ${length(story, 13)} and ${length({ ...story, items }, 25)} bytes`,
    );
    expect(length(story, 13)).toBeLessThanOrEqual(2_500);
    expect(length({ ...story, items }, 25)).toBeLessThanOrEqual(4_000);
  });

  it("is refused by both verifiers with any single bit changed", () => {
    const stride = share(1, 97);
    const whole = encodeBundle(withAnchor(anchor));
    const accepted: number[] = [];
    let tried = 0;
    for (let bit = 0; bit < whole.length * 8; bit += stride) {
      const changed = whole.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      tried += 1;
      if (check(changed).ok) accepted.push(bit);
    }
    expect(accepted).toEqual([]);
    expect(flipByPython(whole, stride)).toBe(`${tried} []`);
  }, 900_000);
});

/** No proof from one size to another has more than these. */
function hashes(count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, i) => bytes(32, i));
}

/** What another TPM says of the same checkpoint. */
function certifiedBy(its: FakeTpm): Pick<AnchorBody, "token" | "signature"> {
  const word = { value: 9, qualifying: new Uint8Array(sha256(inLog)) };
  const { attest: token, signature } = its.certify(word);
  return { token, signature };
}

describe("the list of outside evidence", () => {
  it("comes back as it was made, with its proof and without", () => {
    for (const of of [
      { proof, anchors: [anchor, { ...anchor, signature: null }] },
      { proof: null, anchors: [{ ...anchor, kind: "scitt" as const }] },
    ]) {
      expect(readOutside(encodeOutside(of))).toEqual(of);
    }
  });

  it.each(FORMS)("is not of this version with %s", (_name, strange) => {
    expect(readOutside(strange.outside)).toBeNull();
    expect(judge(strange)).toEqual([["outside", "it is not in the form of this version"]]);
  });
});

function map(fields: readonly (readonly [number, number | Uint8Array])[]): Uint8Array {
  return encodeCbor(new Map(fields));
}
