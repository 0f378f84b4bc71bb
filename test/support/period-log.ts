import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readEntries, type FoundEntry } from "../../src/cli/evidence-files.js";
import { draftCheckpoint, finishCheckpoint } from "../../src/evidence/checkpoint.js";
import { FrameWriter } from "../../src/evidence/frame.js";
import { LogWriter } from "../../src/evidence/log-writer.js";
import type { Signer } from "../../src/guard/ports.js";
import type { Entry } from "../../src/kernel/record/entry.js";
import { makeCorpus, makeCorpusKey, sha256 } from "./corpus.js";
import { readSegments } from "./corpus-reading.js";
import { checkpointsIn } from "./evidence-command.js";
import { testSigner } from "./evidence-rig.js";
import { STAMP } from "./evidence-samples.js";

const PROFILE = readFileSync(new URL("corpus-profile.yaml", import.meta.url));

export type PeriodLog = {
  /** Where a test may put its files; the log is in `log`. */
  readonly folder: string;
  readonly log: string;
  readonly entries: readonly FoundEntry[];
  readonly checkpoints: ReturnType<typeof checkpointsIn>;
  readonly remove: () => void;
};

/** A log of the guard's own, over several segments and runs. */
export async function makePeriodLog(seed: number, commands: number): Promise<PeriodLog> {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-period-"));
  const log = join(folder, "log");
  mkdirSync(log);
  const { signer } = makeCorpusKey();
  const options = { directory: log, profiles: [PROFILE], seed, commands, signer };
  const { runs } = await makeCorpus({ ...options, segmentBytesMax: 400_000 });
  const segments = [...readSegments(log)];
  const entries = segments.flatMap(([name, bytes]) => readEntries(name, bytes));
  const checkpoints = segments.flatMap(([, bytes]) => checkpointsIn(bytes));
  console.log(
    `seed ${seed}: ${entries.length} entries in ${runs} runs, ${segments.length} segments`,
  );
  const remove = (): void => {
    rmSync(folder, { recursive: true });
  };
  return { folder, log, entries, checkpoints, remove };
}

/** A copy of the log that ends just before this entry. */
export function cutLog({ folder, log, entries }: PeriodLog, seq: number): string {
  const directory = mkdtempSync(join(folder, "cut-"));
  cpSync(log, directory, { recursive: true });
  const gone = entries.filter(({ entry }) => entry.seq >= seq);
  const [first] = gone;
  if (first === undefined) return directory;
  for (const name of new Set(gone.map(({ segment }) => segment))) {
    if (name !== first.segment) rmSync(join(directory, name));
  }
  truncateSync(join(directory, first.segment), first.offset);
  return directory;
}

export type Written = {
  /** UTC of each entry, in microseconds; not given: all alike. */
  readonly utcUs?: (seq: number) => number;
  /** Whose signature stands at a size; not given: the log's own key. */
  readonly signers?: ReadonlyMap<number, Signer>;
};

/** A log of these entries in one segment, signed at these sizes. */
export async function writeLog(
  directory: string,
  entries: Iterable<Entry>,
  signedAt: readonly number[],
  { utcUs, signers }: Written = {},
): Promise<void> {
  const writer = new LogWriter(sha256);
  const frames = new FrameWriter();
  let previous: Uint8Array = new Uint8Array(32);
  for (const entry of entries) {
    const stamp = utcUs === undefined ? STAMP : { ...STAMP, utcUs: utcUs(entry.seq) };
    writer.append(entry, stamp, frames);
    const size = entry.seq + 1;
    if (!signedAt.includes(size)) continue;
    const signer = signers?.get(size) ?? testSigner();
    const root = writer.commit(frames);
    const of = { kid: signer.kid, gateway: "gw-long", log: "log-long", issuedUtcS: 1_790_000_000 };
    const draft = draftCheckpoint(
      { ...of, size, previous, boot: 1, counter: null, commitKey: null },
      root,
    );
    const signature = await signer.sign(draft.toBeSigned);
    writer.checkpoint(frames, finishCheckpoint(draft, signature, null));
    previous = sha256(draft.toBeSigned);
  }
  mkdirSync(directory);
  writeFileSync(join(directory, "segment-0000000000000000.cborseq"), frames.bytes());
}
