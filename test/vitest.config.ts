import { defineConfig } from "vitest/config";

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
  },
});
