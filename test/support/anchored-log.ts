import { Anchorer } from "../../src/guard/evidence/anchorer.js";
import { compareWithTpm } from "../../src/guard/evidence/compare.js";
import type { AnchorBody, EntryBody } from "../../src/kernel/record/entry.js";
import type { FakeTpm } from "./fake-tpm.js";
import type { ForgetfulDisk } from "./evidence-disk.js";
import { openNext, openOn, settle, type Opened } from "./evidence-rig.js";
import { bootBody, decisionBody, entryOf, outcomeBody } from "./evidence-samples.js";

const MINUTE_US = 60_000_000;
export const EVERY_US: number = 60 * MINUTE_US;

export type AnchoredRun = Opened & {
  readonly anchorer: Anchorer;
  /** What the comparison with the TPM said before anything was written. */
  readonly lost: string | null;
  readonly append: (...bodies: readonly EntryBody[]) => void;
  /** A permit with its outcome, and a checkpoint over them. */
  readonly work: () => Promise<void>;
  /** The last anchor and the last checkpoint. */
  readonly end: () => Promise<void>;
};

export type RunWith = {
  readonly boot: number;
  readonly segmentBytesMax?: number;
  /** Instead of the anchor that was made. */
  readonly forge?: (body: AnchorBody) => AnchorBody;
  /** What the boot entry says, where it lies. */
  readonly nv?: number;
};

/** A run of a gateway as far as its evidence goes: compared, booted, under way. */
export async function startRun(
  disk: ForgetfulDisk,
  tpm: FakeTpm,
  { boot, segmentBytesMax, forge = (body) => body, nv }: RunWith,
): Promise<AnchoredRun> {
  const signer = tpm.signer();
  const opened = await openOn(disk, {
    signer,
    ...(segmentBytesMax === undefined ? {} : { segmentBytesMax }),
    rotate: (to, link) => {
      openNext(to, link, 100);
    },
  });
  const { store, clock, recovered } = opened;
  const compared = compareWithTpm(recovered.standing, signer, signer.anchors);
  const append = (...bodies: readonly EntryBody[]): void => {
    for (const body of bodies) store.append(entryOf(body, store.head().nextSeq));
  };
  const key = signer.anchors;
  const anchorer = new Anchorer({
    ...{ clock, key, store, everyUs: EVERY_US, newest: compared.newest },
    anchoredUtcS: recovered.standing.anchoredUtcS,
    record: (body) => {
      append(forge(body));
    },
    report: (text) => opened.reports.push(text),
  });
  const begin: EntryBody = {
    ...bootBody(boot),
    key: "tpm-software",
    nv: nv ?? compared.nv,
  };
  append(begin, { type: "key", event: "made", spki: tpm.evidence.spki });
  store.checkpoint("boot");
  await settle();
  return {
    ...opened,
    anchorer,
    lost: compared.lost,
    append,
    work: async () => {
      append(decisionBody(boot), outcomeBody(boot));
      await settle();
      clock.advance(1_000_000);
      await settle();
    },
    end: async () => {
      await anchorer.close();
      await store.close();
    },
  };
}

/** Runs from start to end, with an anchor at each of the two and `rounds` of work between. */
export async function runAnchored(
  disk: ForgetfulDisk,
  tpm: FakeTpm,
  given: RunWith & { readonly rounds?: number },
): Promise<AnchoredRun> {
  const run = await startRun(disk, tpm, given);
  run.anchorer.start();
  await settle();
  for (let round = 0; round < (given.rounds ?? 2); round += 1) await run.work();
  await run.end();
  return run;
}
