import { describe, expect, it } from "vitest";
import { signatureVerifier } from "../../../src/cli/evidence-keys.js";
import { draftCheckpoint, finishCheckpoint } from "../../../src/evidence/checkpoint.js";
import { Findings, type CheckResult } from "../../../src/evidence/findings.js";
import { KEYS_MAX, KeySuccession } from "../../../src/evidence/key-succession.js";
import { nameSegment } from "../../../src/evidence/segment.js";
import { LogVerifier } from "../../../src/evidence/verify.js";
import { CheckpointVerifier } from "../../../src/evidence/verify-checkpoints.js";
import type { EntryBody, KeyBody } from "../../../src/kernel/record/entry.js";
import { startRun } from "../../support/anchored-log.js";
import { ForgetfulDisk } from "../../support/evidence-disk.js";
import { failed, SPKI, settle } from "../../support/evidence-rig.js";
import { bootBody, bytes, entryOf, sha256 } from "../../support/evidence-samples.js";
import { FakeTpm } from "../../support/fake-tpm.js";
import { writeLog } from "../../support/replayed-log.js";

const PLACE = { segment: nameSegment(0), offset: 0, seq: 0 };

function stranger(number: number, event: "made" | "rotated" | "lost" = "made"): KeyBody {
  const spki = Uint8Array.from([number >> 16, number >> 8, number]);
  return { type: "key", event, spki };
}

function keysOf(findings: Findings): CheckResult | undefined {
  return findings.results().find(({ id }) => id === "keys");
}

describe("a log that names more keys than any gateway has", () => {
  it("costs one signature for each anchor, that under the key of its checkpoint", async () => {
    const disk = new ForgetfulDisk();
    const tpm = new FakeTpm();
    const run = await startRun(disk, tpm, { boot: 1 });
    run.append(...Array.from({ length: 60 }, (_, number) => stranger(number)));
    run.anchorer.start();
    await settle();
    await run.work();
    await run.end();
    const known = signatureVerifier();
    const asked: Uint8Array[] = [];
    const verifier = new LogVerifier({
      sha256,
      verifySignature: (spki, said, signature) => {
        if (said[0] === 0xff) asked.push(spki);
        return known(spki, said, signature);
      },
      trusted: null,
    });
    for (const [name, content] of disk.files()) verifier.segment(name, content);
    const report = verifier.finish();
    expect(report.keys).toHaveLength(61);
    const anchors = report.checks.find(({ id }) => id === "anchors");
    expect(anchors).toMatchObject({ status: "PASS", looked: 2 });
    expect(asked).toEqual([tpm.evidence.spki, tpm.evidence.spki]);
  });

  it("is a FAIL that says so, and nothing is kept of the keys beyond", () => {
    const bodies: EntryBody[] = [bootBody(1), { type: "key", event: "made", spki: SPKI }];
    for (let number = 1; number < KEYS_MAX; number += 1) bodies.push(stranger(number));
    const report = (more: readonly EntryBody[]) => {
      const verifier = new LogVerifier({ sha256, verifySignature: () => false, trusted: null });
      const log = writeLog([...bodies, ...more].map((body, seq) => entryOf(body, seq)));
      verifier.segment(nameSegment(0), log);
      return verifier.finish();
    };
    // Named again, a key is no further one.
    expect(failed(report([stranger(1), stranger(2, "rotated")]))).toEqual([]);
    const beyond = report([stranger(KEYS_MAX), stranger(KEYS_MAX + 1)]);
    expect(failed(beyond)).toEqual(["keys"]);
    expect(beyond.keys).toHaveLength(KEYS_MAX);
    const keys = beyond.checks.find(({ id }) => id === "keys");
    expect(keys?.first?.why).toContain(`more than ${KEYS_MAX} keys are named`);
    expect(keys?.faults).toBe(2);
  });

  it("is a FAIL whatever it says became of them", () => {
    for (const event of ["made", "rotated", "lost"] as const) {
      const findings = new Findings();
      const keys = new KeySuccession(findings, sha256, [SPKI]);
      for (let number = 1; number < KEYS_MAX; number += 1)
        keys.entry(stranger(number, event), PLACE);
      expect(keysOf(findings)?.status).toBe("NOT PRESENT");
      keys.entry(stranger(KEYS_MAX, event), PLACE);
      expect(keysOf(findings)?.status).toBe("FAIL");
    }
  });
});

describe("the counter of a checkpoint", () => {
  it("is kept for a key that is known alone", () => {
    const faultsWith = (trusted: readonly Uint8Array[]): number => {
      const findings = new Findings();
      const verifier = new CheckpointVerifier(findings, sha256, { verify: () => true, trusted });
      for (const size of [1, 2]) {
        verifier.commit(size, bytes(32, size));
        const draft = draftCheckpoint(
          {
            kid: sha256(SPKI),
            gateway: "gw-7",
            log: "log-0011",
            issuedUtcS: 1_790_000_000,
            size,
            previous: new Uint8Array(32),
            boot: 1,
            counter: 41,
            commitKey: null,
          },
          bytes(32, size),
        );
        verifier.checkpoint(finishCheckpoint(draft, bytes(64, 1), null), 1, PLACE);
      }
      return findings.results().find(({ id }) => id === "counters")?.faults ?? 0;
    };
    expect(faultsWith([SPKI])).toBe(1);
    expect(faultsWith([bytes(91, 1)])).toBe(0);
  });
});
