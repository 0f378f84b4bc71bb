import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PlantedTree, plantTree } from "./planted-tree.js";

const NOTHING = "export const nothing = 0;\n";
const imports = (from: string): string => `export * from "${from}";\n`;
const uses = (from: string): string =>
  `import * as all from "${from}";\nexport const used = all;\n`;

/** One planted breach per rule, and beside it the nearest thing that is allowed. */
const BREACHES: Readonly<Record<string, { readonly bad: string; readonly text: string }>> = {
  "ring-kernel": { bad: "src/kernel/bad-ring.ts", text: imports("../codec/good.js") },
  "ring-codec": { bad: "src/codec/bad-ring.ts", text: imports("../kernel/good.js") },
  "ring-profile": { bad: "src/profile/bad-ring.ts", text: imports("../codec/good.js") },
  "ring-evidence": { bad: "src/evidence/bad-ring.ts", text: imports("../profile/good.js") },
  "ring-guard": { bad: "src/guard/bad-ring.ts", text: imports("../adapters/clock/good.js") },
  "ring-doors": { bad: "src/doors/bad-ring.ts", text: imports("../kernel/good.js") },
  "ring-adapters": { bad: "src/adapters/clock/bad-ring.ts", text: imports("../../guard/loop.js") },
  "ring-cli": { bad: "src/cli/bad-ring.ts", text: imports("../adapters/clock/good.js") },
  "ring-clients": { bad: "clients/page/bad-ring.ts", text: imports("../../src/cli/good.js") },
  "pure-has-no-runtime": { bad: "src/kernel/bad-runtime.ts", text: uses("node:fs") },
  "pure-has-no-packages": { bad: "src/kernel/bad-package.ts", text: uses("picocolors") },
  "only-profile-parses-yaml": { bad: "src/guard/bad-yaml.ts", text: uses("yaml") },
  "only-main-knows-main": { bad: "src/cli/bad-main.ts", text: imports("../main-guard.js") },
  "adapters-are-strangers": {
    bad: "src/adapters/clock/bad-stranger.ts",
    text: imports("../serial/good.js"),
  },
  "the-product-does-not-know-its-simulators": {
    bad: "src/guard/bad-simulator.ts",
    text: imports("../../simulators/good.js"),
  },
  "no-cycles": { bad: "src/kernel/bad-cycle-a.ts", text: imports("./bad-cycle-b.js") },
  "no-dev-packages-in-src": { bad: "src/guard/bad-dev.ts", text: uses("fast-check") },
  "modbus-serial-is-a-stranger": { bad: "src/doors/bad-stack.ts", text: uses("modbus-serial") },
};

const ALLOWED: Readonly<Record<string, string>> = {
  "src/kernel/good.ts": NOTHING,
  "src/codec/good.ts": NOTHING,
  "src/profile/good.ts": imports("../kernel/good.js"),
  "src/profile/good-yaml.ts": uses("yaml"),
  "src/evidence/good.ts": imports("../kernel/good.js"),
  "src/evidence/good-codec.ts": imports("../codec/good.js"),
  "src/guard/ports.ts": NOTHING,
  "src/guard/loop.ts": `${imports("../kernel/good.js")}${uses("node:net")}`,
  "src/doors/good.ts": imports("../codec/good.js"),
  "src/adapters/clock/good.ts": imports("../../guard/ports.js"),
  "src/adapters/serial/good.ts": NOTHING,
  "src/cli/good.ts": imports("../evidence/good.js"),
  "src/main-guard.ts": imports("./adapters/clock/good.js"),
  "src/main-cli.ts": imports("../simulators/good.js"),
  "clients/page/good.ts": imports("../../src/evidence/good.js"),
  "simulators/good.ts": uses("modbus-serial"),
  "bench/good.ts": NOTHING,
};

const DEPCRUISE = [
  "--config",
  "test/architecture/layers.cjs",
  "src",
  "clients",
  "simulators",
  "bench",
];

describe("import rules", () => {
  let planted: PlantedTree;
  let output = "";
  let code = 0;
  beforeAll(() => {
    planted = plantTree({
      ...ALLOWED,
      "src/kernel/bad-cycle-b.ts": imports("./bad-cycle-a.js"),
      ...Object.fromEntries(Object.values(BREACHES).map(({ bad, text }) => [bad, text])),
    });
    ({ code, output } = planted.run("depcruise", DEPCRUISE));
  });
  afterAll(() => {
    planted.remove();
  });

  it("fails the run when anything is breached", () => {
    expect(code).not.toBe(0);
  });

  for (const [rule, { bad }] of Object.entries(BREACHES)) {
    it(`names ${rule} and the file that breaches it [HP-001 refuses]`, () => {
      const lines = output.split("\n").filter((line) => line.includes(`${rule}:`));
      expect(lines.join("\n")).toContain(bad);
    });
  }

  it("lets every import pass that the table allows [HP-001 allows]", () => {
    const good = plantTree(ALLOWED);
    const found = good.run("depcruise", DEPCRUISE);
    good.remove();
    expect(found.output).toContain("no dependency violations found");
    expect(found.code).toBe(0);
  });
});
