import { describe, expect, it } from "vitest";
import { adviceOn } from "../../../../clients/verifier-page/advice.js";
import {
  checkBundle,
  ENTRIES_KEPT,
  LOG_BYTES_MAX,
  LogChecking,
  sortFiles,
  type Held,
} from "../../../../clients/verifier-page/checking.js";
import {
  BUNDLE_BYTES_MAX,
  encodeBundle,
  type ProofBundle,
} from "../../../../src/evidence/bundle.js";
import { BUNDLE_CHECKS } from "../../../../src/evidence/bundle-findings.js";
import { CHECKS } from "../../../../src/evidence/findings.js";
import {
  nameSegment,
  readSegmentName,
  SEGMENT_BYTES_MAX,
} from "../../../../src/evidence/segment.js";
import { encodeOutside } from "../../../../src/evidence/outside.js";
import type { AnchorBody } from "../../../../src/kernel/record/entry.js";
import { attest } from "../../../support/attested-key.js";
import { ForgetfulDisk } from "../../../support/evidence-disk.js";
import {
  appendAll,
  openOn,
  sampleLog,
  settle,
  verifyFiles,
} from "../../../support/evidence-rig.js";
import { sha256 } from "../../../support/evidence-samples.js";
import { FakeTpm } from "../../../support/fake-tpm.js";
import { check, makeBundle, makeLogKey } from "../../../support/proof-bundle.js";
import { unsignedStamp } from "../../../support/time-stamp.js";
import { share } from "../../../support/share.js";

const NOTHING: Held = { trusted: null, earlier: null, profile: null };
const key = makeLogKey();
const good = encodeBundle(makeBundle(sampleLog(0, 11), [4, 5], key).bundle);

describe("what was dropped", () => {
  const file = (name: string, size = 10): { name: string; size: number } => ({ name, size });

  it("is a bundle when it is one file, whatever its name", () => {
    expect(sortFiles([file("proof.cbor")])).toEqual({ kind: "bundle", index: 0 });
    expect(sortFiles([file("holiday.jpg", 0)])).toEqual({ kind: "bundle", index: 0 });
  });

  it("is a log when it bears the names of segments, in the order of their numbers", () => {
    const files = [file(nameSegment(900)), file(nameSegment(0)), file(nameSegment(77))];
    expect(sortFiles(files)).toEqual({ kind: "log", indexes: [1, 2, 0] });
    expect(sortFiles([file(nameSegment(5))])).toEqual({ kind: "log", indexes: [0] });
  });

  it("is refused when it is too long, too much, mixed or there twice", () => {
    const why = (files: readonly { name: string; size: number }[]): string => {
      const sort = sortFiles(files);
      return sort.kind === "refused" ? sort.why : "";
    };
    expect(why([])).toBe("There is no file.");
    expect(why([file("a.cbor", BUNDLE_BYTES_MAX + 1)])).toContain("no bundle is longer than");
    expect(why([file("a.cbor", BUNDLE_BYTES_MAX)])).toBe("");
    expect(why([file(nameSegment(0), SEGMENT_BYTES_MAX + 1)])).toContain("no segment is longer");
    expect(why([file(nameSegment(0), SEGMENT_BYTES_MAX)])).toBe("");
    const many = Array.from({ length: 5 }, (_, i) => file(nameSegment(i), SEGMENT_BYTES_MAX));
    expect(why(many)).toContain(`takes ${LOG_BYTES_MAX} at once`);
    expect(why(many.slice(1))).toBe("");
    const tiny = Array.from({ length: 4097 }, (_, i) => file(nameSegment(i)));
    expect(why(tiny)).toContain("4097 files");
    expect(why(tiny.slice(1))).toBe("");
    expect(why([file("a.cbor"), file("b.cbor")])).toContain("A proof bundle is dropped alone");
    expect(why([file(nameSegment(3)), file(nameSegment(3))])).toContain("is there twice");
  });
});

describe("a bundle that the page checks", () => {
  it("has the same result as by the command line's own cryptography, whichever bit is flipped", () => {
    const stride = share(1, 67);
    let wrong = 0;
    for (let bit = 0; bit < good.length * 8; bit += stride) {
      const bytes = good.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const own = checkBundle("x", bytes, NOTHING);
      expect(own.report).toEqual(check(bytes));
      if (own.report.ok) wrong += 1;
    }
    expect(wrong).toBe(0);
    expect(checkBundle("x", good, NOTHING).report).toEqual(check(good));
  });

  it("says of each check that met nothing why, or what would do it", () => {
    for (const { id, status, note, advice } of checkBundle("x", good, NOTHING).lines) {
      if (status === "NOT PRESENT") expect(advice ?? note, id).not.toBeNull();
      else expect(advice, id).toBeNull();
    }
    for (const { id } of BUNDLE_CHECKS) {
      const unread = adviceOn({ id, status: "NOT PRESENT", note: "there" }, "bundle");
      if (["certificate", "roots", "endorsement"].includes(id)) {
        expect(unread).toContain("holdpoint evidence verify BUNDLE --trust ROOTS.pem");
      }
    }
  });

  it("checks an anchor of a TPM, and leaves who signed a time stamp to the command [HP-187]", () => {
    const tpm = new FakeTpm();
    const { bundle } = makeBundle(sampleLog(0, 11), [4, 5], tpm.evidence);
    const qualifying = new Uint8Array(sha256(bundle.checkpoint));
    const { attest: token, signature } = tpm.certify({ value: 9, qualifying });
    const stamp = anchorOf("rfc3161", unsignedStamp(qualifying), null);
    const anchors = [anchorOf("nv-certify", token, signature), stamp];
    const outside = encodeOutside({ proof: null, anchors });
    const attested = { ...bundle.key, attestation: attest(tpm.evidence, tpm.key) };
    const lineOf = (id: string, by: ProofBundle) =>
      checkBundle("x", encodeBundle(by), NOTHING).lines.find((line) => line.id === id);
    const whole = { ...bundle, key: attested, outside };
    expect(lineOf("anchor", whole)).toMatchObject({ status: "PASS" });
    const left = lineOf("stamp", whole);
    expect(left).toMatchObject({ status: "NOT PRESENT" });
    expect(left?.advice).toContain("holdpoint evidence verify BUNDLE --time-authority ROOTS.pem");
    expect(lineOf("outside", whole)).toMatchObject({ status: "PASS", looked: 2 });
    const none = anchorOf("rfc3161", new Uint8Array(40), null);
    const strange = { ...whole, outside: encodeOutside({ proof: null, anchors: [none] }) };
    expect(lineOf("outside", strange)).toMatchObject({ status: "FAIL", faults: 1 });
    expect(lineOf("stamp", strange)).toMatchObject({
      status: "NOT PRESENT",
      advice: "the bundle brings no time stamp over this checkpoint",
    });
    expect(lineOf("anchor", { ...whole, key: bundle.key })).toMatchObject({
      status: "NOT PRESENT",
    });
  });

  it("compares what a person holds, and fails where it differs", () => {
    const failing = (held: Partial<Held>): readonly string[] =>
      checkBundle("x", good, { ...NOTHING, ...held })
        .lines.filter(({ status }) => status === "FAIL")
        .map(({ id }) => id);
    expect(failing({ trusted: [makeLogKey().spki, key.spki] })).toEqual([]);
    expect(failing({ trusted: [makeLogKey().spki] })).toEqual(["trust"]);
    expect(failing({ profile: new Uint8Array(3) })).toEqual(["profile"]);
    expect(failing({ earlier: { name: "kept.cbor", bytes: good } })).toEqual([]);
    expect(failing({ earlier: { name: "kept.cbor", bytes: good.slice(9) } })).toEqual(["earlier"]);
  });
});

describe("a log that the page checks", () => {
  it("has the same result as by the command line's own cryptography, and keeps only its newest entries", async () => {
    const disk = new ForgetfulDisk();
    const { store } = await openOn(disk);
    appendAll(store, sampleLog(0, 350));
    await settle();
    await store.close();
    await settle();
    const files = disk.files();
    const checking = new LogChecking(NOTHING);
    for (const name of [...files.keys()].filter((one) => readSegmentName(one) !== null).sort()) {
      checking.segment(name, files.get(name) ?? new Uint8Array(0));
    }
    const checked = checking.finish();
    expect(checked.report).toEqual(verifyFiles(files));
    expect(checked.report.ok).toBe(true);
    expect(checked.newest).toHaveLength(ENTRIES_KEPT);
    expect(checked.newest.at(-1)?.seq).toBe(checked.report.lastSeq);
    for (const { id, status, note, advice } of checked.lines) {
      if (status === "NOT PRESENT") expect(advice ?? note, id).not.toBeNull();
    }
  });

  it("of nothing but junk is no log, and says where the first junk is", () => {
    const checking = new LogChecking(NOTHING);
    checking.segment(nameSegment(0), new Uint8Array(5000).fill(0xd9));
    const { report, lines } = checking.finish();
    expect(report.ok).toBe(false);
    expect(lines.map(({ id }) => id)).toEqual(CHECKS.map(({ id }) => id));
    expect(lines[0]?.why).toBe(
      `${nameSegment(0)}, byte 0, seq 0: 5000 bytes that are no frame: no frame mark`,
    );
  });
});

function anchorOf(
  kind: "nv-certify" | "rfc3161",
  token: Uint8Array,
  signature: Uint8Array | null,
): AnchorBody {
  return { type: "anchor", kind, token, size: 11, signature };
}
