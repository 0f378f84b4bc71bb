import { describe, expect, it } from "vitest";
import type { Finding } from "../../../src/evidence/findings.js";
import { FRAME_KIND, FrameReader, FrameWriter } from "../../../src/evidence/frame.js";
import { hex } from "../../../src/evidence/hex.js";
import { nameSegment, segmentOpening } from "../../../src/evidence/segment.js";
import { recordSegment } from "../../../src/evidence/segment-tape.js";
import { LogVerifier, type VerifyReport } from "../../../src/evidence/verify.js";
import type { EvidenceStore } from "../../../src/guard/ports.js";
import type { EntryBody } from "../../../src/kernel/record/entry.js";
import { verifyTestCommit } from "../../support/commit-keys.js";
import { ForgetfulDisk } from "../../support/evidence-disk.js";
import { failed, openOn, SPKI, settle } from "../../support/evidence-rig.js";
import {
  bootBody,
  bytes,
  decisionBody,
  outcomeBody,
  sha256,
} from "../../support/evidence-samples.js";
import { takeApart } from "../../support/log-pieces.js";
import { share } from "../../support/share.js";

/** Of the flipped bytes one in so many is tried. */
const STEP = share(1, 23);
type Files = ReadonlyMap<string, Uint8Array>;
type Verified = {
  readonly report: VerifyReport;
  readonly findings: readonly Finding[];
  /** Segments whose tape did not fit. */
  readonly again: number;
};

/** Permits with their outcomes across four segments, some left open at their ends, with every sort of step. */
async function makeLog(): Promise<Files> {
  const disk = new ForgetfulDisk();
  const holder: { seq: number; rotations: number } = { seq: 0, rotations: 0 };
  const append = (store: EvidenceStore, body: EntryBody, cause: number | null = null): void => {
    const { nextSeq } = store.head();
    holder.seq = nextSeq;
    store.append({ seq: nextSeq, monoUs: 1_000 * nextSeq, cause, body });
  };
  const { store, clock } = await openOn(disk, {
    segmentBytesMax: 2_500,
    rotate: (to, link) => {
      holder.rotations += 1;
      const state = holder.rotations === 2 ? bytes(50_000, 1) : bytes(40, 1);
      const snapshot = { semantics: 1, profile: bytes(32, 7), state, foldedTo: link.size - 1 };
      for (const body of segmentOpening(link, snapshot, sha256)) append(to, body);
    },
  });
  append(store, bootBody(1));
  append(store, { type: "key", event: "made", spki: SPKI });
  for (let id = 0; holder.rotations < 3; id += 1) {
    append(store, decisionBody(id));
    const permit = holder.seq;
    await settle(10);
    append(store, { ...outcomeBody(id), outcome: id % 3 === 0 ? "unknown" : "done" }, permit);
    const why = { from: "enforcing", to: "safe-state", why: "", look: null } as const;
    if (id % 4 === 1) append(store, { type: "mode", ...why });
    if (id % 4 === 2) append(store, SAFE_STEP, permit - 1);
    if (id % 3 === 2) clock.advance(1_000_000);
    await settle(10);
  }
  await store.close();
  return disk.files();
}

const SAFE_STEP: EntryBody = {
  type: "safe-step",
  step: 0,
  output: 0,
  given: 1,
  state: "sent",
  readBack: null,
  attempt: 1,
  sinceCauseUs: 0,
};
const LOG = await makeLog();
/** Of every checkpoint in it. */
const SIGNATURES = new Set(
  [...LOG.values()]
    .flatMap(takeApart)
    .flatMap(({ kind, body }) => (kind === FRAME_KIND.checkpoint ? [hex(body.slice(-64))] : [])),
);
const NAMES = [...LOG.keys()].filter((name) => name.startsWith("segment-")).sort();

function verifyBy(
  files: Files,
  check: (verifier: LogVerifier, name: string, isFirst: boolean) => boolean,
): Verified {
  const findings: Finding[] = [];
  let again = 0;
  const verifier = new LogVerifier({
    sha256,
    // Not a signature: what decides it must only be the same bytes both times.
    verifySignature: (_spki, _toBeSigned, signature) => SIGNATURES.has(hex(signature)),
    verifyCommit: verifyTestCommit,
    trusted: null,
    finding: (finding) => findings.push(finding),
  });
  [...files.keys()].sort().forEach((name, i) => {
    if (check(verifier, name, i === 0)) return;
    again += 1;
    verifier.segment(name, files.get(name) ?? new Uint8Array(0));
  });
  return { report: verifier.finish(), findings, again };
}

const inOneThread = (files: Files): Verified => verifyBy(files, () => false);

/** Each segment on its own, and what was found sent as threads send it. */
const inMany = (files: Files): Verified =>
  verifyBy(files, (verifier, name, isFirst) => {
    const content = files.get(name) ?? new Uint8Array(0);
    const tape = recordSegment({ name, bytes: content, isFirst }, sha256);
    return verifier.checked(structuredClone(tape));
  });

function expectSame(files: Files, what: string): Verified {
  const [one, many] = [inOneThread(files), inMany(files)];
  expect(many.report, what).toEqual(one.report);
  expect(many.findings, what).toEqual(one.findings);
  return many;
}

const segments = new Map(NAMES.map((name) => [name, LOG.get(name) ?? new Uint8Array(0)]));
const changed = (name: string, change: (content: Uint8Array) => Uint8Array): Files =>
  new Map(
    [...segments].map(([one, content]) => [one, one === name ? change(content.slice()) : content]),
  );

/** A leaf's wall time, with its check made right again: only chain and tree can tell. Null: no such leaf. */
function forge(content: Uint8Array, leaf: number): Uint8Array | null {
  const reader = new FrameReader(sha256);
  const writer = new FrameWriter();
  let seen = -1;
  for (let at = 0; at < content.length;) {
    const read = reader.read(content, at, content.length);
    if (read.kind !== "frame") throw new Error("the sample log is broken");
    const { kind, bodyStart, bodyEnd, end } = read.frame;
    const body = content.slice(bodyStart, bodyEnd);
    if (kind === FRAME_KIND.leaf) seen += 1;
    if (kind === FRAME_KIND.leaf && seen === leaf) {
      const stamp = Buffer.from(body).indexOf(Buffer.from("851b0006", "hex"));
      body[stamp + 9] = (body[stamp + 9] ?? 0) ^ 1;
    }
    writer.put(kind, body, sha256(Uint8Array.of(kind, ...body)));
    at = end;
  }
  return seen < leaf ? null : writer.bytes().slice();
}

/** Thousands of verifications, and two of each. */
describe("a log checked segment by segment in threads", { timeout: 600_000 }, () => {
  it("is found whole as in one, and nothing is checked twice", () => {
    expect(NAMES).toHaveLength(4);
    const { report, again } = expectSame(segments, "whole");
    expect(report.checks.filter(({ looked }) => looked > 0).length).toBeGreaterThan(11);
    expect(failed(report)).toEqual([]);
    expect(again).toBe(0);
  });

  it("gives the same findings, words and places for every changed byte", () => {
    let tried = 0;
    for (const name of NAMES) {
      const { length } = segments.get(name) ?? new Uint8Array(0);
      for (let at = tried % STEP; at < length; at += length > 50_000 && at > 2_000 ? 1_009 : STEP) {
        tried += 1;
        const files = changed(name, (content) => {
          content[at] = (content[at] ?? 0) ^ (1 << (at & 7));
          return content;
        });
        expect(expectSame(files, `${name}, byte ${at}`).report.ok).toBe(false);
      }
    }
    expect(tried).toBeGreaterThan(300);
  });

  it("gives the same for entries forged in whole frames, and checks again what they mislead", () => {
    let tried = 0;
    for (const [name, content] of segments) {
      for (let leaf = 0; leaf < 6; leaf += 1) {
        const forged = forge(content, leaf);
        if (forged === null) continue;
        tried += 1;
        const what = `${name}, leaf ${leaf}`;
        const { report, again } = expectSame(new Map([...segments, [name, forged]]), what);
        expect(failed(report), what).toContain("commits");
        // The link of the segment after belongs to another log now.
        if (name !== NAMES.at(-1)) expect(again, what).toBeGreaterThan(0);
      }
    }
    expect(tried).toBeGreaterThan(15);
  });

  it.each([
    ["the first segment is gone", NAMES.slice(1)],
    ["one in the middle is gone", NAMES.filter((_, i) => i !== 1)],
    ["the last is gone", NAMES.slice(0, -1)],
    ["only one in the middle is left", NAMES.slice(2, 3)],
  ])("gives the same where %s", (_what, names) => {
    expectSame(new Map([...segments].filter(([name]) => names.includes(name))), "parts");
  });

  it("gives the same for empty, cut, doubled, exchanged and foreign segments", () => {
    const [a = "", b = "", c = ""] = NAMES;
    const of = (name: string): Uint8Array => segments.get(name) ?? new Uint8Array(0);
    for (const name of NAMES) {
      for (const keep of [0, 1, 100, 700, 1_500]) {
        expectSame(
          changed(name, (content) => content.slice(0, keep)),
          `${name} cut at ${keep}`,
        );
        expectSame(
          changed(name, (content) => content.slice(keep)),
          `${name} from ${keep}`,
        );
      }
    }
    expectSame(
      changed(b, () => of(a)),
      "the first twice",
    );
    expectSame(
      changed(a, () => of(b)),
      "the second first",
    );
    expectSame(new Map([...segments, [b, of(c)], [c, of(b)]]), "exchanged");
    expectSame(new Map([...segments, [nameSegment(99_999), of(b)]]), "one at the end again");
    expectSame(
      changed(b, () => bytes(5_000, 0)),
      "zeros",
    );
    expectSame(
      changed(a, () => Uint8Array.of(...of(a), ...of(b))),
      "two in one file",
    );
  });
});
