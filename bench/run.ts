/**
 * `npm run bench`: our gateway beside a bare pipe and beside modbus-serial as proxy, the same load put to each in
 * turns; then what evidence costs, with and without a TPM, and what checking it takes. Prints the ratios and the figures
 * behind them and writes them as JSON. Exit code 1: a promise is not met; 2: not run.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { measureEvidence } from "./evidence/evidence.js";
import { judgeEvidence } from "./evidence/target.js";
import { describeMachine } from "./machine.js";
import type { Pace } from "./measurement.js";
import { compileNative } from "./native.js";
import { measurePath } from "./path.js";
import { type Findings, writeReport } from "./report.js";
import { listScenes } from "./scene.js";
import { isMet, judgePath } from "./target.js";

const HELP = `npm run bench -- [options]: the promised figures, measured on this machine

  --quick        fewer scenes, shorter runs: to see that it runs, not to quote
  --rounds N     turns each subject gets at each load (5; quick: 3)
  --part NAME    path or evidence alone
  --records N    entries of the log that is checked (1,000,000; quick: 50,000); the promises are about
                 10,000,000, which take 4 GB of disk and half an hour
  --dir FOLDER   where evidence and the fdatasync yardstick are written; must be a disk (default: the build folder)
  --json FILE    where the findings go (default: bench.json in that folder)
  --help         this text

Exit code 0: every promise is met; 1: one is not; 2: not run.`;

const values = readOptions();
const quick = values.quick;
const dir = values.dir ?? fileURLToPath(new URL("../bench-data", import.meta.url));
const pace: Pace = {
  rounds: readCount("rounds", values.rounds, { least: 1, most: 100 }) ?? (quick ? 3 : 5),
  warmMs: quick ? 300 : 700,
  runMs: quick ? 500 : 1_500,
};
const records =
  readCount("records", values.records, { least: 10_000, most: 20_000_000 }) ??
  (quick ? 50_000 : 1_000_000);
const parts = readParts(values.part);

mkdirSync(dir, { recursive: true });
const machine = await describeMachine(
  dir,
  `npm run bench -- ${process.argv.slice(2).join(" ")}`.trim(),
);
const scratch = mkdtempSync(join(tmpdir(), "holdpoint-bench-"));
try {
  const native = await compileNative(scratch);
  const scenes = listScenes(quick);
  const path = parts.path ? await measurePath(native, dir, { quick, pace, scenes }) : null;
  const plan = { records, tpmRounds: quick ? 5 : 20 };
  const evidence = parts.evidence ? await measureEvidence(native, dir, plan) : null;
  const targets = [
    ...(path === null ? [] : judgePath(path)),
    ...(evidence === null ? [] : judgeEvidence(evidence)),
  ];
  const findings: Findings = { machine, path, evidence, targets };
  const json = values.json ?? join(dir, "bench.json");
  writeFileSync(json, `${JSON.stringify(findings, null, 1)}\n`);
  console.log(writeReport(findings));
  console.log(`\nall figures: ${json}`);
  process.exitCode = targets.every(isMet) ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function readOptions() {
  try {
    const { values: given } = parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        rounds: { type: "string" },
        part: { type: "string" },
        records: { type: "string" },
        dir: { type: "string" },
        json: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    if (!given.help) return given;
    console.log(HELP);
    process.exit(0);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    process.exit(2);
  }
}

function readParts(name: string | undefined): {
  readonly path: boolean;
  readonly evidence: boolean;
} {
  if (name === undefined) return { path: true, evidence: true };
  if (name === "path" || name === "evidence") {
    return { path: name === "path", evidence: name === "evidence" };
  }
  console.error("--part takes path or evidence");
  process.exit(2);
}

/** Undefined: not given. */
function readCount(
  name: string,
  text: string | undefined,
  { least, most }: { readonly least: number; readonly most: number },
): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (Number.isInteger(count) && count >= least && count <= most) return count;
  console.error(`--${name} takes a number from ${least} to ${most}`);
  process.exit(2);
}
