/**
 * The whole of `npm test` and, with `--soak`, of `npm run soak`. Plain Node, no packages: it must be able to say
 * what is missing before anything is built.
 *
 * Runs every step even when an earlier one failed, then closes with `N passed, N failed` alone on its line:
 * the steps plus the tests. Exit code 0 only when nothing failed.
 *
 * `--quick-check` stops before the tests; `--only TEXT` hands a file filter to the test runner.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { tellVectors } from "./vector-tally.mjs";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const ASKED = readOptions();
const SOAK = ASKED.soak;
const ONLY = ASKED.only;
const NODE_AT_LEAST = [20, 19];
const LINES_OF_A_FAILURE = 120;
const MINUTE_MS = 60_000;

/** Peers and second opinions that the tests call. One place; the README names none of them. */
const DEBIAN_PACKAGES = [
  "chromium",
  "gcc",
  "libc6-dev",
  "libfaketime",
  "libmodbus-dev",
  "mbpoll",
  "openssl",
  "pkg-config",
  "python3-cbor2",
  "python3-cryptography",
  "python3-pymodbus",
  "python3-serial-asyncio",
  "swtpm",
  "swtpm-tools",
  "tpm2-tools",
];

const bin = (name) => join(ROOT, "node_modules", ".bin", name);
const scratch = mkdtempSync(join(tmpdir(), "holdpoint-test-"));
const report = join(scratch, "vitest.json");
const counts = join(scratch, "vectors");
mkdirSync(counts);

const tally = { passed: 0, failed: 0 };
const steps = [
  { name: "Node.js", run: checkNode },
  { name: "packages", run: checkPackages },
  { name: "Debian packages", run: checkDebianPackages },
  { name: "build and types", run: command(bin("tsc"), ["-p", "tsconfig.json"]) },
  { name: "types: pure core", run: command(bin("tsc"), ["-p", "src/tsconfig.pure.json"]) },
  {
    name: "types: page",
    run: command(bin("tsc"), ["-p", "clients/verifier-page/tsconfig.json"]),
  },
  { name: "verifier page", run: command("node", ["clients/verifier-page/build.mjs"]) },
  { name: "types: tests", run: command(bin("tsc"), ["-p", "test/tsconfig.json"]) },
  { name: "lint", run: command("npm", ["run", "-s", "lint"]) },
  { name: "format", run: command("npm", ["run", "-s", "format:check"]) },
  { name: "layers", run: command("npm", ["run", "-s", "layers"]) },
  { name: "unused code", run: command("npm", ["run", "-s", "unused"]) },
];

console.log(
  SOAK
    ? "holdpoint soak: full counts, this takes hours"
    : "holdpoint test: a stated share of the full counts, fixed seeds",
);
let went = true;
for (const [index, step] of steps.entries()) {
  went = (await runStep(step, index)) && went;
  // Without its packages nothing below can say anything true.
  if (!went && step.run === checkPackages) break;
}
if (existsSync(bin("vitest")) && !ASKED["quick-check"]) await runTests();
rmSync(scratch, { recursive: true, force: true });
console.log(`\n${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;

async function runStep(step, index) {
  const begun = performance.now();
  process.stdout.write(
    `[${String(index + 1).padStart(2)}/${steps.length + 1}] ${step.name.padEnd(18)} `,
  );
  const result = await step.run();
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(
    `${result.ok ? "ok" : "FAILED"}  ${seconds} s${result.says === undefined ? "" : `  ${result.says}`}`,
  );
  if (!result.ok && result.output !== undefined)
    console.log(indent(lastLines(result.output, LINES_OF_A_FAILURE)));
  tally[result.ok ? "passed" : "failed"] += 1;
  return result.ok;
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [needMajor, needMinor] = NODE_AT_LEAST;
  const ok = major > needMajor || (major === needMajor && minor >= needMinor);
  const says = `v${process.versions.node}`;
  return ok
    ? { ok, says }
    : { ok, says, output: `Holdpoint needs Node.js ${needMajor}.${needMinor} or later.` };
}

function checkPackages() {
  const ok = existsSync(bin("tsc")) && existsSync(bin("vitest"));
  return ok ? { ok } : { ok, output: "The npm packages are not installed. Run: npm ci" };
}

async function checkDebianPackages() {
  let missing = await missingDebianPackages();
  if (missing.length === 0) return { ok: true, says: `${DEBIAN_PACKAGES.length} there` };
  const repair = `apt-get update && apt-get install -y --no-install-recommends ${missing.join(" ")}`;
  if (process.getuid?.() !== 0) {
    return {
      ok: false,
      output: `The tests need ${missing.join(", ")}. Run:\n  sudo sh -c '${repair}'`,
    };
  }
  const installed = await installDebianPackages(missing);
  missing = await missingDebianPackages();
  if (missing.length === 0) return { ok: true, says: "installed what was missing" };
  return {
    ok: false,
    output: `Still missing: ${missing.join(", ")}. This was tried:\n  ${repair}\n${lastLines(installed, 20)}`,
  };
}

async function missingDebianPackages() {
  const result = await run(
    "dpkg-query",
    ["-W", "-f", "${Package} ${db:Status-Abbrev}\n", ...DEBIAN_PACKAGES],
    {},
  );
  const there = new Set(
    result.output
      .split("\n")
      .map((line) => line.split(" "))
      .filter(([, status]) => status?.startsWith("ii"))
      .map(([name]) => name),
  );
  return DEBIAN_PACKAGES.filter((name) => !there.has(name));
}

async function installDebianPackages(names) {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const update = await run("apt-get", ["-q", "update"], { env, limitMs: 3 * MINUTE_MS });
  const install = await run(
    "apt-get",
    ["-q", "install", "-y", "--no-install-recommends", ...names],
    {
      env,
      limitMs: 5 * MINUTE_MS,
    },
  );
  return update.output + install.output;
}

async function runTests() {
  const begun = performance.now();
  console.log(`[${steps.length + 1}/${steps.length + 1}] tests`);
  const vectors = vectorsFolder();
  const env = {
    HOLDPOINT_VECTOR_COUNTS: counts,
    ...(vectors === undefined ? {} : { HOLDPOINT_VECTORS: vectors }),
    ...(SOAK ? { HOLDPOINT_SOAK: "1" } : {}),
  };
  const args = [
    "run",
    "-c",
    "test/vitest.config.ts",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ];
  if (ONLY !== undefined) args.push(ONLY);
  const result = await run(bin("vitest"), args, {
    env,
    show: true,
    limitMs: (SOAK ? 12 * 60 : 30) * MINUTE_MS,
  });
  countTests(result);
  console.log(`tests took ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  countVectors();
}

/** A test file that could not be loaded has no tests in the report: it counts as one failure, not as none. */
function countTests(result) {
  if (!existsSync(report)) {
    tally.failed += 1;
    console.log("The test runner left no report.");
    return;
  }
  const { testResults } = JSON.parse(readFileSync(report, "utf8"));
  let failedHere = 0;
  for (const file of testResults) {
    const failed = file.assertionResults.filter((test) => test.status !== "passed").length;
    tally.passed += file.assertionResults.length - failed;
    failedHere += failed === 0 && file.status !== "passed" ? 1 : failed;
  }
  tally.failed += failedHere;
  // Anything the runner holds against the run but against no single test, such as an unhandled rejection.
  if (failedHere === 0 && result.code !== 0) tally.failed += 1;
}

/** Public vectors are data of others and not in this repository: a folder beside it, or none. */
function vectorsFolder() {
  const given = process.env.HOLDPOINT_VECTORS;
  if (given !== undefined && given !== "") return resolve(given);
  const beside = join(ROOT, "..", "shared", "vectors");
  return existsSync(beside) ? beside : undefined;
}

/** Zero of them is a failure in CI, wherever they lie; a run of some test files alone is no run of CI. */
function countVectors() {
  const ran = readdirSync(counts)
    .sort()
    .map((kind) => {
      const rows = readFileSync(join(counts, kind), "utf8").split("\n");
      return [kind, rows.reduce((sum, row) => sum + Number(row), 0)];
    });
  const isCi = (process.env.CI ?? "") !== "" && ONLY === undefined;
  const { summary, failures } = tellVectors(new Map(ran), { mustRun: isCi });
  for (const line of failures) console.log(line);
  tally.failed += failures.length;
  console.log(summary);
}

function command(program, args) {
  return async () => {
    const result = await run(program, args, { limitMs: 10 * MINUTE_MS });
    return { ok: result.code === 0, output: result.output };
  };
}

/** Output to the end, bounded; a program that does not end in time is ended and counts as failed. */
async function run(program, args, { env = {}, show = false, limitMs = MINUTE_MS }) {
  return await new Promise((settle) => {
    const child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const take = (bytes) => {
      if (show) process.stdout.write(bytes);
      output = (output + String(bytes)).slice(-400_000);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    const limit = setTimeout(() => {
      output += `\nended: not done within ${Math.round(limitMs / 1000)} s\n`;
      child.kill("SIGKILL");
    }, limitMs);
    const settled = (code) => {
      clearTimeout(limit);
      settle({ code, output });
    };
    child.on("error", (error) => {
      output += `${program}: ${error.message}\n`;
      settled(127);
    });
    child.on("close", (code) => settled(code ?? 1));
  });
}

/** A misspelt option must not become a run of everything. */
function readOptions() {
  const usage =
    "node test/run.mjs [--soak] [--only TEXT] [--quick-check]\n" +
    "  --soak         full counts: more than an hour on a machine with nothing else to do\n" +
    "  --only TEXT    those test files alone whose path has this in it\n" +
    "  --quick-check  build, types, lint and layers, no tests";
  const flag = { type: "boolean", default: false };
  const options = { soak: flag, "quick-check": flag, help: flag, only: { type: "string" } };
  try {
    const { values } = parseArgs({ options });
    if (!values.help) return values;
    console.log(usage);
    process.exit(0);
  } catch (error) {
    console.error(`${error.message}\n\n${usage}`);
    process.exit(2);
  }
}

function lastLines(text, count) {
  const lines = text.trimEnd().split("\n");
  return lines.length <= count
    ? lines.join("\n")
    : `(${lines.length - count} lines left out)\n${lines.slice(-count).join("\n")}`;
}

function indent(text) {
  return text.replace(/^/gm, "      ");
}
