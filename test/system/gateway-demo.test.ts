import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { askOnce, readPdu } from "../support/byte-client.js";
import {
  eventually,
  freePort,
  readProc,
  runCli,
  spawnCli,
  within,
} from "../support/live-gateway.js";
import { startProvisioned, testFolder } from "../support/tpm-process.js";
import { strangers, type Step } from "../support/stranger.js";

/** The README's lines for strangers, and what each is told. */
const STEPS: readonly (readonly [Step, string])[] = [
  [[6, 60, 250], "ok"],
  [[6, 60, 500], "exception 3"],
  [[6, 41, 3_000], "exception 2"],
];

/** "Not now"; and "surely not done", which a run with its key in a TPM says before its first checkpoint. */
const NOT_YET: readonly string[] = ["exception 6", "exception 4"];
/** Its own twenty seconds, and what it takes to come up and to check its evidence beside other tests. */
const LIMIT_MS = 90_000;

describe("the demo", () => {
  it(
    "refuses each bad act that comes up, serves strangers meanwhile, and exits 0 [HP-103]",
    { timeout: 2 * LIMIT_MS },
    async () => {
      const port = await freePair();
      // Slower than by itself: a machine that runs other tests beside it may stand still for a while.
      const args = ["demo", "--for", "20s", "--scale", "2", "--json", "--port", String(port)];
      const demo = runCli(args, {}, LIMIT_MS);
      await eventually("the demo serves", async () => {
        const answer = await askOnce(port + 1, readPdu(4, 98, 1)).catch(() => []);
        return answer[0] === 4 ? true : null;
      });
      for (const stranger of strangers.filter(({ name }) => /mbpoll|pymodbus/.test(name))) {
        const [levels = ""] = await stranger.run(port + 1, 1, [[4, 10, 2]]);
        expect(levels).toMatch(/^\d+ \d+$/);
        for (const [step, says] of STEPS) {
          // It may be had on a machine that is busy with other tests, and is asked again.
          const told = await eventually(`${stranger.name} is told`, async () => {
            const [answer = ""] = await stranger.run(port + 1, 1, [step]);
            return NOT_YET.includes(answer) ? null : answer;
          });
          expect([stranger.name, ...step, told]).toEqual([stranger.name, ...step, says]);
        }
      }
      const { code, output } = await demo;
      const last = output.trimEnd().split("\n").at(-1) ?? "";
      expect(last).toContain('"summary":true,"ok":true');
      expect(last).toContain("UNSIGNED");
      // Debian's swtpm is there where these tests run, and no TPM's keys are in the working folder.
      expect(last).toContain('"key":"in a software TPM, proves no hardware"');
      expect(last).toContain("key: in a software TPM, proves no hardware");
      expect(last).toMatch(/"name":"evidence verifies and replays","ok":true/);
      expect(processesIn(folderOf(output))).toEqual([]);
      expect(last).toMatch(/"name":"out-of-range","ok":true,"says":"sent [1-9]/);
      expect(last).toMatch(/"name":"plant met no hazard","ok":true,"says":"none"/);
      expect(code).toBe(0);
    },
  );

  it.each([
    ["a Ctrl-C", "SIGINT"],
    ["a kill that it cannot see", "SIGKILL"],
  ] as const)(
    "leaves no process behind after %s, its software TPM least of all [HP-145]",
    async (_what, signal) => {
      const demo = spawnCli(["demo", "--json", "--port", String(await freePair())]);
      const folder = await eventually(
        () => `the demo runs; it said ${demo.output()}`,
        () => (demo.output().includes('"type"') ? folderOf(demo.output()) : null),
      );
      expect(processesIn(folder).some((command) => command.startsWith("swtpm "))).toBe(true);
      demo.child.kill(signal);
      await within("it ends", demo.ended);
      await eventually(
        () => `all of it is gone: ${processesIn(folder).join("; ")}`,
        () => (processesIn(folder).length === 0 ? true : null),
      );
    },
  );

  it("takes the file key when that is asked for, and says in one line when a TPM cannot be had [HP-144]", async () => {
    const port = String(await freePair());
    const plain = await runCli(["demo", "--key", "file", "--for", "1s", "--json", "--port", port]);
    expect(plain.output).toContain('"key":"software, not hardware"');
    const ask = ["demo", "--key", "tpm", "--keys", testFolder(), "--port", port];
    const none = await runCli(ask);
    expect(none).toEqual({ code: 2, output: expect.stringMatching(/^--key tpm: .+\n$/) as string });
    const bare = await runCli(["demo", "--key", "swtpm", "--port", port], { PATH: testFolder() });
    expect(bare.code).toBe(2);
    expect(bare.output).toBe(
      "--key swtpm: swtpm is not installed: apt-get install swtpm swtpm-tools\n",
    );
  });

  it("signs by keys that were provisioned for it, where there are such [HP-144]", async () => {
    const { directory, record } = await startProvisioned();
    const port = String(await freePair());
    const demo = await runCli([
      "demo",
      "--keys",
      directory,
      "--for",
      "2s",
      "--json",
      "--port",
      port,
    ]);
    expect(demo.output).toContain(`by the keys of ${directory}`);
    const evidence = join(folderOf(demo.output), "evidence");
    const keys = await runCli(["evidence", "query", evidence, "--type", "key", "--json"]);
    expect(keys.output).toContain(Buffer.from(record.evidence.spki).toString("hex"));
    expect(demo.output).toMatch(/"name":"evidence verifies and replays","ok":true/);
  });

  it("without the gateway meets the hazard, names it, and exits 1 [HP-101]", async () => {
    const { code, output } = await runCli(["demo", "--unguarded", "--scale", "20", "--json"]);
    expect(output).toMatch(/HAZARD deadhead \(H-01\)/);
    expect(output).toContain("UNGUARDED");
    expect(code).toBe(1);
  });

  it("says in one line that its port is taken, and exits 2 [HP-082]", async () => {
    const port = await freePair();
    const first = runCli(["sim", "lift-station", "--port", String(port), "--for", "12"]);
    await eventually("the port is taken", async () => {
      const answer = await askOnce(port, readPdu(4, 98, 1)).catch(() => []);
      return answer[0] === 4 ? true : null;
    });
    const second = await runCli(["demo", "--for", "2s", "--port", String(port)]);
    expect(second.code).toBe(2);
    expect(second.output.trim().split("\n")).toEqual([
      `127.0.0.1:${port} is taken by another program: stop it, or choose others with --port`,
    ]);
    expect((await first).code).toBe(0);
  });
});

/** What the demo says of its own folder. */
function folderOf(output: string): string {
  const [, folder] = /gateway\.log are in ([^"\s]+)/.exec(output) ?? [];
  if (folder === undefined) throw new Error(`the demo named no folder: ${output}`);
  return folder;
}

/** Command lines with this folder in them. */
function processesIn(folder: string): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => readProc(`${pid}/cmdline`).replaceAll("\0", " "))
    .filter((command) => command.includes(folder))
    .map((command) => command.replace(/^\S*\//, ""));
}

/** The demo listens on two ports in a row. */
async function freePair(): Promise<number> {
  for (;;) {
    const first = await freePort();
    if ((await freePort()) === first + 1) return first;
  }
}
