import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** One project, no globals. System tests start real processes, so files run in parallel but each file in order. */
export default defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    allowOnly: false,
    passWithNoTests: false,
    maxWorkers: 2,
    sequence: { sequencer: createSequencer() },
  },
});

/** Those that take longest at full counts begin first: a soak that ended with the hour alone would take twice as long. */
function createSequencer(): typeof BaseSequencer {
  const first = [
    "test/system/hour.test.ts",
    "test/system/kill-campaign.test.ts",
    "test/fault/replay-corpus.test.ts",
    "test/fault/mutants.test.ts",
  ];
  const place = ({ moduleId }: TestSpecification): number => {
    const at = first.findIndex((file) => moduleId.endsWith(file));
    return at < 0 ? first.length : at;
  };
  return class extends BaseSequencer {
    override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
      const sorted = await super.sort(files);
      return sorted.sort((a, b) => place(a) - place(b));
    }
  };
}
