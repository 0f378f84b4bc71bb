/** One defence taken out of the shipped source, and the unedited test that must notice. */
export type Mutant = {
  readonly name: string;
  readonly file: string;
  /** Occurs exactly once in the file: a mutant that no longer fits is an error, not a pass. */
  readonly find: string;
  readonly replace: string;
  /** Path of the test file, and part of the title of the test that must fail. */
  readonly test: string;
  readonly title: string;
};

/** One for each defence; none may survive. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "no second look",
    file: "src/kernel/step/on-line-free.ts",
    find: "if (!isSame(pending, decision)) {",
    replace: "if (false) {",
    test: "test/simulation/schedules.test.ts",
    title: "reach no joint state that a rule forbids",
  },
  {
    name: "no planned layer",
    file: "src/kernel/decide/gather-facts.ts",
    find: "for (const planned of state?.planned ?? NOBODY) {",
    replace: "for (const planned of NOBODY) {",
    test: "test/simulation/schedules.test.ts",
    title: "reach no joint state that a rule forbids",
  },
  {
    name: "fdatasync stubbed out",
    file: "src/guard/evidence/store.ts",
    find: "await this.file.sync();",
    replace: "",
    test: "test/fault/durability.test.ts",
    title: "no write reaches a device before its permit survives a power cut",
  },
  {
    name: "the send moved up, before its record is durable",
    file: "src/kernel/step/on-durable.ts",
    find: "live.recording.filter((pending) => pending.seq <= seq);",
    replace: "live.recording.filter(() => true);",
    test: "test/fault/durability.test.ts",
    title: "no write reaches a device before its permit survives a power cut",
  },
  {
    name: "the send moved up, to the moment of the verdict",
    file: "src/kernel/step/on-command.ts",
    find: "turn.live.recording.push({",
    replace: "turn.live.queues[0]?.push({",
    test: "test/fault/durability.test.ts",
    title: "no write reaches a device before its permit survives a power cut",
  },
];
