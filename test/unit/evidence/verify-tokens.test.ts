import { describe, expect, it } from "vitest";
import { draftCheckpoint, finishCheckpoint } from "../../../src/evidence/checkpoint.js";
import { Findings } from "../../../src/evidence/findings.js";
import type { SegmentLink } from "../../../src/evidence/segment.js";
import { TokenVerifier } from "../../../src/evidence/verify-tokens.js";
import type { AnchorBody } from "../../../src/kernel/record/entry.js";
import { bytes, sha256 } from "../../support/evidence-samples.js";

type Step =
  | { readonly stamp: number; readonly seq: number }
  | { readonly size: number; readonly names: number | null }
  | { readonly link: number; readonly tells: number | null };

const PLACE = { segment: "segment", offset: 0, seq: 0 };

/** Time stamps go by a number. */
const tokenOf = (number: number): Uint8Array => bytes(40, number);
const hashOf = (number: number | null): Uint8Array | null =>
  number === null ? null : new Uint8Array(sha256(tokenOf(number)));

function checkpointOver(size: number, names: number | null): Uint8Array {
  const claim = {
    ...{ kid: bytes(32, 1), gateway: "gw", log: "log", issuedUtcS: 1, boot: 1, counter: null },
    ...{ size, previous: bytes(32, 2), commitKey: null, token: hashOf(names) },
  };
  return finishCheckpoint(draftCheckpoint(claim, bytes(32, 3)), bytes(64, 4), null);
}

function linkAt(size: number, tells: number | null): SegmentLink {
  const lists = { peaks: [], profiles: [], counted: null, anchor: null, checkpoint: null };
  const link = { size, root: bytes(32, 1), last: bytes(32, 2), log: "log", key: bytes(9, 1) };
  return { ...link, ...lists, lost: 0, token: hashOf(tells) };
}

/** What was looked at, and what was wrong with it. */
function judge(
  steps: readonly Step[],
  begin: SegmentLink | null = null,
): readonly [number, ...string[]] {
  const wrong: string[] = [];
  const findings = new Findings(({ check, why }) => wrong.push(`${check}: ${why}`));
  const verifier = new TokenVerifier(findings, sha256);
  if (begin !== null) verifier.resume(begin);
  for (const step of steps) {
    if ("stamp" in step) {
      const at: AnchorBody = {
        ...{ type: "anchor", kind: "rfc3161", token: tokenOf(step.stamp), size: 1 },
        signature: null,
      };
      verifier.anchor(at, step.seq);
    } else if ("names" in step) verifier.checkpoint(checkpointOver(step.size, step.names), PLACE);
    else verifier.link(linkAt(step.link, step.tells), PLACE);
  }
  return [findings.results().find(({ id }) => id === "tokens")?.looked ?? 0, ...wrong];
}

describe("the time token that a checkpoint names", () => {
  it("is that of the newest time stamp among its entries, not of one that came after them [HP-189 allows]", () => {
    expect(
      judge([
        { size: 3, names: null },
        { stamp: 1, seq: 3 },
        { size: 4, names: 1 },
        { stamp: 2, seq: 4 },
        { stamp: 3, seq: 7 },
        { size: 7, names: 2 },
        { size: 8, names: 3 },
        { size: 9, names: 3 },
      ]),
    ).toEqual([4]);
  });

  it.each([
    ["none that is in the log", [{ size: 4, names: 1 }], /none is in the log before it/],
    [
      "one that comes after its entries",
      [
        { stamp: 1, seq: 4 },
        { size: 4, names: 1 },
      ],
      /none is in the log before it/,
    ],
    [
      "an older one than the newest",
      [
        { stamp: 1, seq: 2 },
        { stamp: 2, seq: 3 },
        { size: 4, names: 1 },
      ],
      /another time stamp than the newest/,
    ],
    [
      "a newer one than its own",
      [
        { stamp: 1, seq: 2 },
        { stamp: 2, seq: 4 },
        { size: 4, names: 2 },
      ],
      /another time stamp than the newest/,
    ],
    [
      "nothing, after one that named one",
      [
        { stamp: 1, seq: 2 },
        { size: 4, names: 1 },
        { size: 5, names: null },
      ],
      /names none, though one before it does/,
    ],
    [
      "the one before a newer one",
      [
        { stamp: 1, seq: 2 },
        { size: 4, names: 1 },
        { stamp: 2, seq: 4 },
        { size: 5, names: 1 },
      ],
      /another time stamp than the newest/,
    ],
  ] satisfies readonly (readonly [string, readonly Step[], RegExp])[])(
    "is a FAIL where it is %s [HP-189 refuses]",
    (_name, steps, why) => {
      const [, first = "", ...more] = judge(steps);
      expect(first).toMatch(why);
      expect(more).toEqual([]);
    },
  );

  it("need not be there in a log that never had one, with time stamps or without", () => {
    expect(
      judge([
        { stamp: 1, seq: 2 },
        { size: 4, names: null },
        { link: 5, tells: null },
        { size: 9, names: null },
      ]),
    ).toEqual([0]);
  });

  it("is told by the link of a segment, where older ones are not here", () => {
    expect(judge([{ size: 12, names: 1 }], linkAt(10, 1))).toEqual([1]);
    expect(judge([{ size: 12, names: 2 }], linkAt(10, 1))[1]).toContain("another time stamp");
    expect(judge([{ size: 12, names: null }], linkAt(10, 1))[1]).toContain("names none");
    expect(judge([{ size: 12, names: 1 }], linkAt(10, null))[1]).toContain("none is in the log");
  });

  it("is not held against a checkpoint that was taken before the segment was begun, and signed after", () => {
    expect(judge([{ size: 9, names: 1 }], linkAt(10, 1))).toEqual([0]);
    expect(judge([{ size: 9, names: 2 }], linkAt(10, 1))).toEqual([0]);
    expect(judge([{ size: 9, names: null }], linkAt(10, 1))).toEqual([0]);
    const late = judge(
      [
        { size: 9, names: 2 },
        { size: 10, names: 2 },
      ],
      linkAt(10, 1),
    );
    expect(late[1]).toContain("another time stamp");
  });

  it("is the newest in every link as well", () => {
    const before: readonly Step[] = [
      { stamp: 1, seq: 2 },
      { size: 4, names: 1 },
    ];
    expect(judge([...before, { link: 5, tells: 1 }])).toEqual([1]);
    expect(judge([...before, { link: 5, tells: 2 }])[1]).toMatch(/^links: it names another/);
    expect(judge([...before, { link: 5, tells: null }])[1]).toMatch(/^links: it names no time/);
    expect(judge([{ link: 5, tells: 2 }])[1]).toMatch(/^links: it names another/);
  });

  it("is held against a bounded number of time stamps, the newest", () => {
    const many = Array.from({ length: 5_000 }, (_, i) => ({ stamp: i % 200, seq: i }));
    expect(judge([...many, { size: 5_000, names: 4_999 % 200 }])).toEqual([1]);
  });
});
