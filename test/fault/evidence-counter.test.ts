import { describe, expect, it } from "vitest";
import type { VerifyReport } from "../../src/evidence/verify.js";
import type { Signer } from "../../src/guard/ports.js";
import type { Entry } from "../../src/kernel/record/entry.js";
import { LEAVES_MAX } from "../../src/guard/evidence/checkpointer.js";
import { ForgetfulDisk } from "../support/evidence-disk.js";
import { FakeTpm } from "../support/fake-tpm.js";
import {
  appendAll,
  failed,
  openOn,
  sampleLog,
  settle,
  testSigner,
  verifyFiles,
  type Opened,
} from "../support/evidence-rig.js";

describe("the counter that a TPM raises for each checkpoint", () => {
  it("stands in every one of them, and the log verifies [HP-111 allows]", async () => {
    const { report } = await runWith({ key: "tpm", raise: counting([5, 6, 900]) });
    expect(failed(report)).toEqual([]);
    expect(looked(report)).toBe(3);
  });

  it("is neither there nor missed where the key is a file", async () => {
    const { report } = await runWith({ key: "file", raise: null });
    expect(failed(report)).toEqual([]);
    expect(looked(report)).toBe(0);
  });

  it.each([
    ["given twice", [5, 6, 6], "two of them cannot both be true"],
    ["lower than before", [5, 6, 4], "its counter is 4, below the 6"],
  ])("is a fault when %s [HP-111 refuses]", async (_name, values, why) => {
    const { report } = await runWith({ key: "tpm", raise: counting(values) });
    expect(failed(report)).toEqual(["counters"]);
    expect(report.checks.find(({ id }) => id === "counters")?.first?.why).toContain(why);
  });

  it("is a fault when left out, by a boot entry that says a TPM signs", async () => {
    const { report } = await runWith({ key: "tpm-software", raise: null });
    expect(failed(report)).toEqual(["counters"]);
    expect(report.checks.find(({ id }) => id === "counters")?.faults).toBe(3);
  });

  it("is a fault when left out once the same key has given one, whatever the boot entry says", async () => {
    const disk = new ForgetfulDisk();
    const first = await openOn(disk, { signer: signerWith(counting([5])) });
    appendAll(first.store, log({ key: "file", from: 0, boot: 1 }));
    await first.store.close();
    const later = disk.crash();
    const second = await openOn(later, { signer: testSigner() });
    appendAll(second.store, log({ key: "file", from: 8, boot: 2 }));
    await second.store.close();
    expect(failed(verifyFiles(later.files()))).toEqual(["counters"]);
  });

  it("is asked of no key that is not found to be the right one first, once in a run; each failure is told", async () => {
    const disk = new ForgetfulDisk();
    const right = { ok: true, anchors: new FakeTpm().anchors() } as const;
    const answers = [{ ok: false, foreign: true, says: "another TPM" }, right] as const;
    let asked = 0;
    const open = async (): Promise<(typeof answers)[number]> => {
      asked += 1;
      return await Promise.resolve(answers[asked - 1] ?? right);
    };
    const signer = { ...signerWith(counting([5, 6])), open };
    const opened = await openOn(disk, { signer });
    const told: string[] = [];
    opened.store.onSigning((event) => {
      told.push(event.kind === "failed" ? `${event.says} ${event.foreign}` : event.kind);
    });
    appendAll(opened.store, log({ key: "tpm", from: 0, boot: 1 }));
    await settle();
    opened.store.checkpoint("boot");
    await settle();
    expect(told).toEqual(["another TPM true"]);
    for (let second = 0; second < 2; second += 1) {
      appendAll(opened.store, log({ key: "tpm", from: 8 + 8 * second, boot: 1 }));
      opened.clock.advance(1_000_001);
      await settle();
    }
    expect(told).toEqual(["another TPM true", "signed", "signed"]);
    expect(asked).toBe(2);
    await opened.store.close();
    expect(failed(verifyFiles(disk.files()))).toEqual([]);
  });

  it("is asked again each second while it fails, however much is recorded meanwhile", async () => {
    let tries = 0;
    const raise = async (): Promise<number> => {
      tries += 1;
      return await Promise.reject(new Error("the TPM does not answer"));
    };
    const disk = new ForgetfulDisk();
    const { store, clock } = await openOn(disk, { signer: signerWith(raise) });
    appendAll(store, log({ key: "tpm", from: 0, boot: 1 }));
    store.checkpoint("boot");
    await settle();
    for (let from = 8; from < 3 * LEAVES_MAX; from += 512) {
      appendAll(store, sampleLog(from, 512));
      await settle();
    }
    expect(tries).toBe(1);
    clock.advance(1_000_000);
    await settle();
    expect(tries).toBe(2);
    await store.close();
  });

  it("signs nothing for a log that its TPM has signed more than, and says so", async () => {
    const open = async (): ReturnType<Required<Signer>["open"]> =>
      await Promise.resolve({ ok: true, anchors: new FakeTpm().anchors() });
    const disk = new ForgetfulDisk();
    const { store } = await openOn(disk, {
      signer: { ...signerWith(counting([5])), open },
      admit: () => "the log lags behind",
    });
    const told: unknown[] = [];
    store.onSigning((event) => told.push(event));
    appendAll(store, log({ key: "tpm", from: 0, boot: 1 }));
    store.checkpoint("boot");
    await settle();
    expect(told).toEqual([
      { kind: "failed", foreign: false, behind: true, says: "the log lags behind" },
    ]);
    await store.close();
    expect(looked(verifyFiles(disk.files()))).toBe(0);
  });

  it("costs its checkpoint alone when it cannot be raised, and the next one makes up for it", async () => {
    let broken = true;
    const raise = async (): Promise<number> => {
      if (broken) throw new Error("the TPM does not answer");
      return await Promise.resolve(31);
    };
    const disk = new ForgetfulDisk();
    const { store, clock, reports, durable } = await openOn(disk, { signer: signerWith(raise) });
    appendAll(store, log({ key: "tpm", from: 0, boot: 1 }));
    store.checkpoint("boot");
    await settle();
    expect(reports).toEqual([
      "evidence: the checkpoint at 8 was not signed (the TPM does not answer); it is tried again each second",
    ]);
    expect(durable.at(-1)).toBe(7);
    broken = false;
    clock.advance(1_000_000);
    await settle();
    const report = verifyFiles(disk.files());
    expect(failed(report)).toEqual([]);
    expect(looked(report)).toBe(1);
  });
});

type Raise = Signer["raise"];

function counting(values: readonly number[]): Raise {
  let place = 0;
  return async () => {
    const value = values[place] ?? NaN;
    place += 1;
    return await Promise.resolve(value);
  };
}

function signerWith(raise: Raise): Signer {
  return { ...testSigner(), raise };
}

type BootKey = "tpm" | "tpm-software" | "file";

function log(of: { key: BootKey; from: number; boot: number }): readonly Entry[] {
  return sampleLog(of.from, 8, of.boot).map((entry) =>
    entry.body.type === "boot" ? { ...entry, body: { ...entry.body, key: of.key } } : entry,
  );
}

/** Three checkpoints of one run. */
async function runWith(given: {
  readonly key: BootKey;
  readonly raise: Raise;
}): Promise<{ readonly report: VerifyReport; readonly opened: Opened }> {
  const disk = new ForgetfulDisk();
  const opened = await openOn(disk, { signer: signerWith(given.raise) });
  const entries = [...log({ key: given.key, from: 0, boot: 1 }), ...sampleLog(6, 18, 1).slice(2)];
  for (let at = 0; at < 24; at += 8) {
    appendAll(opened.store, entries.slice(at, at + 8));
    await settle();
    opened.clock.advance(1_000_000);
    await settle();
  }
  return { report: verifyFiles(disk.files()), opened };
}

function looked(report: VerifyReport): number {
  return report.checks.find(({ id }) => id === "counters")?.looked ?? -1;
}
