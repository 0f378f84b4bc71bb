import { describe, expect, it } from "vitest";
import { Findings } from "../../../src/evidence/findings.js";
import type { LeafStep, StepBody } from "../../../src/evidence/segment-steps.js";
import { nameSegment } from "../../../src/evidence/segment.js";
import { Settlement } from "../../../src/evidence/settlement.js";
import type { VerifyReport } from "../../../src/evidence/verify.js";
import type { Entry, EntryBody } from "../../../src/kernel/record/entry.js";
import { failed, sampleLog, verifyFiles } from "../../support/evidence-rig.js";
import {
  bytes,
  decisionBody,
  entryOf,
  outcomeBody,
  sha256,
} from "../../support/evidence-samples.js";
import { writeLog } from "../../support/replayed-log.js";

const FIRST = nameSegment(0);

function verifyOne(log: Uint8Array): VerifyReport {
  return verifyFiles(new Map([[FIRST, log]]));
}

function check(
  bodies: readonly (EntryBody | readonly [EntryBody, Partial<Entry>])[],
): VerifyReport {
  const log = bodies.map((item, seq) => {
    const [body, change] = isPair(item) ? item : [item, {}];
    return { ...entryOf(body, seq), ...change };
  });
  return verifyOne(writeLog([...sampleLog(0, 2), ...log.map(shift)]));
}

const shift = (entry: Entry): Entry => ({
  ...entry,
  seq: entry.seq + 2,
  cause: entry.cause === null ? null : entry.cause + 2,
});

function isPair(
  item: EntryBody | readonly [EntryBody, Partial<Entry>],
): item is readonly [EntryBody, Partial<Entry>] {
  return Array.isArray(item);
}

describe("entries that must belong together", () => {
  const permit = decisionBody(1);
  const late = { monoUs: 1_000_000_000 };
  const safeStep: EntryBody = {
    type: "safe-step",
    step: 0,
    output: 0,
    given: 1,
    state: "sent",
    readBack: null,
    attempt: 1,
    sinceCauseUs: 0,
  };

  it("pass where every permit has its outcome, or is still young when the log ends", () => {
    expect(failed(check([permit, outcomeBody(1)]))).toEqual([]);
    expect(failed(check([outcomeBodyless(permit)]))).toEqual([]);
    expect(failed(check([permit]))).toEqual([]);
  });

  it("fail where a permit never had an outcome", () => {
    const report = check([permit, [decisionBody(2), late], [outcomeBody(2), late]]);
    expect(failed(report)).toEqual(["outcomes"]);
    expect(report.checks.find(({ id }) => id === "outcomes")?.first?.place.seq).toBe(2);
  });

  it("pass where a permit's proof may still come, ten minutes on", () => {
    const notice: EntryBody = { type: "notice", what: "later", details: new Map() };
    expect(failed(check([permit, [notice, { monoUs: 600_000_000 }]]))).toEqual([]);
  });

  it("pass where an unknown outcome is resolved after more others than are remembered, if its permit is as old", () => {
    const settlement = (resolvedOf: number): number => {
      const findings = new Findings();
      const settled = new Settlement(findings);
      let seq = 0;
      const told = (body: StepBody, cause: number | null): void => {
        const place = { segment: FIRST, offset: seq, seq };
        settled.leaf({ place, monoUs: seq, cause, boot: 1, body, entry: null });
        seq += 1;
      };
      for (let permitted = 0; permitted <= 65_536; permitted += 1) {
        const idHex = permitted.toString(16);
        told({ type: "decision", verdict: "permit", idHex }, null);
        const outcome = permitted === 0 ? "unknown" : "acknowledged";
        told({ type: "outcome", outcome, idHex }, 2 * permitted);
      }
      told({ type: "outcome", outcome: "resolved-done", idHex: "none" }, resolvedOf);
      return findings.results().find(({ id }) => id === "outcomes")?.faults ?? -1;
    };
    expect(settlement(0)).toBe(0);
    expect(settlement(2)).toBe(1);
  });

  it("fail where a permit was left open by an earlier run", () => {
    const log = [...sampleLog(0, 3), ...sampleLog(3, 4, 2)];
    expect(failed(verifyOne(writeLog(log)))).toEqual(["outcomes"]);
  });

  it("pass where the runs after an open permit died before they could say what became of it", () => {
    const twice = [...sampleLog(0, 3), ...sampleLog(3, 2, 2)];
    const thrice = [...twice, ...sampleLog(5, 2, 3)];
    expect(failed(verifyOne(writeLog(twice)))).toEqual([]);
    expect(failed(verifyOne(writeLog(thrice)))).toEqual([]);
    const unknown: EntryBody = { ...outcomeBody(0), outcome: "crash-unknown" };
    expect(failed(verifyOne(writeLog([...thrice, entryOf(unknown, 7)])))).toEqual([]);
  });

  it("fail where a run that says anything else says nothing of an open permit", () => {
    const mode: EntryBody = {
      type: "mode",
      from: "starting",
      to: "locked-out",
      why: "",
      look: null,
    };
    const twice = [...sampleLog(0, 3), ...sampleLog(3, 2, 2)];
    const after = [...twice, ...sampleLog(5, 2, 3)];
    expect(failed(verifyOne(writeLog([...twice, entryOf(mode, 5)])))).toEqual(["outcomes"]);
    expect(failed(verifyOne(writeLog([...after, entryOf(mode, 7)])))).toEqual(["outcomes"]);
    const between = [...twice, entryOf(mode, 5), ...sampleLog(6, 2, 3)];
    expect(failed(verifyOne(writeLog(between)))).toEqual(["outcomes"]);
  });

  it("fail where a permit was without outcome long before its run ended, or the next run went on long", () => {
    const long = 1_000_000_000;
    const notice: EntryBody = { type: "notice", what: "late", details: new Map() };
    const old = [...sampleLog(0, 3), { ...entryOf(notice, 3), monoUs: long }];
    const begun = sampleLog(4, 2, 2);
    expect(failed(verifyOne(writeLog([...old, ...begun])))).toEqual(["outcomes"]);
    const young = [...sampleLog(0, 3), ...sampleLog(3, 2, 2)];
    const late = { ...entryOf(notice, 5), monoUs: long };
    expect(failed(verifyOne(writeLog([...young, late])))).toEqual(["outcomes"]);
  });

  it("fail where an outcome has no permit, or a second one", () => {
    expect(failed(check([outcomeBody(1)]))).toEqual(["outcomes"]);
    expect(failed(check([permit, outcomeBody(1), outcomeBody(1)]))).toEqual(["outcomes"]);
    expect(failed(check([{ ...permit, verdict: "deny" }, outcomeBody(1)]))).toEqual(["outcomes"]);
  });

  it("pass where an unknown outcome is resolved later, and fail where a known one is", () => {
    const unknown: EntryBody = { ...outcomeBody(1), outcome: "crash-unknown" };
    const resolved: EntryBody = { ...outcomeBody(1), outcome: "resolved-done" };
    expect(failed(check([permit, unknown, resolved]))).toEqual([]);
    expect(failed(check([permit, outcomeBody(1), resolved]))).toEqual(["outcomes"]);
  });

  it("fail where a safe step has no cause in the log", () => {
    const trip: EntryBody = {
      type: "mode",
      from: "enforcing",
      to: "safe-state",
      why: "",
      look: null,
    };
    expect(failed(check([trip, [safeStep, { cause: 0 }]]))).toEqual([]);
    expect(failed(check([trip, safeStep]))).toEqual(["safe-steps"]);
    expect(failed(check([trip, [safeStep, { cause: 1 }]]))).toEqual(["safe-steps"]);
    expect(failed(check([permit, [safeStep, { cause: 0 }]]))).toEqual(["safe-steps"]);
  });

  it("fail where a decision is said to be the cause of a safe step, however long the log is", () => {
    const findings = new Findings();
    const settlement = new Settlement(findings);
    const step = (seq: number, body: StepBody, cause: number | null = null): LeafStep => ({
      place: { segment: FIRST, offset: 0, seq },
      monoUs: 0,
      cause,
      boot: 1,
      body,
      entry: null,
    });
    const denied: StepBody = { type: "decision", verdict: "deny", idHex: "" };
    const count = 65_536 + 100;
    for (let seq = 0; seq < count; seq += 1) {
      settlement.leaf(step(seq, seq === 65_500 ? denied : { type: "mode" }));
    }
    const faults = (): number =>
      findings.results().find(({ id }) => id === "safe-steps")?.faults ?? 0;
    const cause = (seq: number, at: number): number => {
      settlement.leaf(step(at, { type: "safe-step" }, seq));
      return faults();
    };
    // Too old to be remembered; remembered; newer than what is forgotten, and no cause.
    expect(cause(0, count)).toBe(0);
    expect(cause(65_501, count + 1)).toBe(0);
    expect(cause(65_500, count + 2)).toBe(1);
  });

  it("fail where more permits wait for their outcome than any gateway lets, without keeping them all", () => {
    const findings = new Findings();
    const settlement = new Settlement(findings);
    const faults = (): number =>
      findings.results().find(({ id }) => id === "outcomes")?.faults ?? 0;
    const step = (seq: number): LeafStep => ({
      place: { segment: FIRST, offset: 0, seq },
      monoUs: 0,
      cause: null,
      boot: 1,
      body: { type: "decision", verdict: "permit", idHex: String(seq) },
      entry: null,
    });
    for (let seq = 0; seq < 65_536; seq += 1) settlement.leaf(step(seq));
    expect(faults()).toBe(0);
    settlement.leaf(step(65_536));
    expect(faults()).toBe(1);
  });

  it("fail where a run does not begin with its boot entry, or is not the one it says", () => {
    expect(
      failed(
        verifyOne(
          writeLog(
            sampleLog(0, 8)
              .slice(1)
              .map((e, seq) => ({ ...e, seq })),
          ),
        ),
      ),
    ).toEqual(["boots"]);
  });

  it("fail where a profile's bytes are not what its digest says", () => {
    const profile: EntryBody = {
      type: "profile",
      digest: sha256(bytes(10, 1)),
      bytes: bytes(10, 1),
      signatures: [],
      event: "loaded",
      previous: null,
      proof: null,
      why: null,
    };
    expect(failed(check([profile]))).toEqual([]);
    expect(failed(check([{ ...profile, bytes: bytes(10, 2) }]))).toEqual(["parts"]);
  });
});

function outcomeBodyless(permit: EntryBody): EntryBody {
  return permit.type === "decision" ? { ...permit, verdict: "hold" } : permit;
}
