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
    find: "if (!isSame(permit, decision)) {",
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
    find: "live.recording.filter(({ permit }) => permit.seq <= seq);",
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
  {
    name: "a trip recorded before it acts",
    file: "src/guard/kernel-loop.ts",
    find: `for (const effect of effects) if (isSafeWrite(effect)) act(effect);
    for (const entry of records) append(entry);`,
    replace: `for (const entry of records) append(entry);
    for (const effect of effects) if (isSafeWrite(effect)) act(effect);`,
    test: "test/unit/guard/kernel-loop.test.ts",
    title: "sends what drives the safe state before it records anything",
  },
  {
    name: "no lapse",
    file: "src/kernel/lease/beat.ts",
    find: "if (leaseLeftUs(lastUs, controller.lease.lapsesAfterUs, turn.nowUs) > 0) return;",
    replace: "if (turn.nowUs >= lastUs) return;",
    test: "test/unit/kernel/lease/leases.test.ts",
    title: "lapses when the value stays the same, and not while it changes",
  },
  {
    name: "no read-back: any value proves",
    file: "src/kernel/step/proof.ts",
    find: "if (written === read) return true;",
    replace: "if (Number.isFinite(read)) return true;",
    test: "test/unit/kernel/step/outcomes.test.ts",
    title: "takes a value within the tolerance for the one written, and none outside",
  },
  {
    name: "a proof that never comes is nobody's concern",
    file: "src/kernel/step/proof.ts",
    find: "if (trip !== null) fireTrip(turn, trip, firing, permit.seq);",
    replace: "",
    test: "test/unit/kernel/step/outcomes.test.ts",
    title: "trips the output's proof when no read settles it in time",
  },
  {
    name: "no foreign detection",
    file: "src/kernel/step/observe.ts",
    find: "else takeForeign(turn, seen);",
    replace: "",
    test: "test/unit/kernel/step/outcomes.test.ts",
    title: "keeps the gateway from judging others' writes while it may still arrive",
  },
  {
    name: "a clamped command sent as it was asked",
    file: "src/kernel/step/on-command.ts",
    find: "south: southWrite(turn.profile, writes),",
    replace: "south: southWrite(turn.profile, ask.writes),",
    test: "test/simulation/lift-station-guarded.test.ts",
    title: "leaves in the PLC's own journal what was released",
  },
  {
    name: "a write sent twice",
    file: "src/kernel/step/on-line-free.ts",
    find: 'turn.effects.push({ kind: "send", device, seq: permit.seq, write: permit.south });',
    replace: `turn.effects.push({ kind: "send", device, seq: permit.seq, write: permit.south });
  turn.effects.push({ kind: "send", device, seq: permit.seq, write: permit.south });`,
    test: "test/simulation/lift-station-guarded.test.ts",
    title: "leaves in the PLC's own journal what was released",
  },
  {
    name: "a read-back put off until its output was written again",
    file: "src/guard/read-queue.ts",
    find: "return this.#waiting.some(({ read }) => overlaps(read, next));",
    replace: "return false;",
    test: "test/unit/guard/read-queue.test.ts",
    title: "go before a write that touches what one of them is to show",
  },
  {
    name: "a lease renewed beside the log",
    file: "src/kernel/lease/beat.ts",
    find: 'record(turn, { type: "lease", controller: controller.name, event: "sampled", us, then: null });',
    replace:
      "turn.folded = { ...turn.folded, controllers: turn.folded.controllers.with(index, { ...turn.folded.controllers[index]!, lease: { ...logged, beatUs: newestUs } }) };",
    test: "test/fault/replay-corpus.test.ts",
    title: "is judged again without a difference, at both levels",
  },
  {
    name: "verdicts taken as recorded",
    file: "src/evidence/replay.ts",
    find: "const wrong = judgeAgain(profile, ask, body);",
    replace: "const wrong: string | null = null;",
    test: "test/fault/replay-corpus.test.ts",
    title: "gives exactly the differences that arithmetic over the recorded values predicts",
  },
  {
    name: "kernel facts taken as recorded",
    file: "src/evidence/replay.ts",
    find: "const differs = compareLooks(body.look, replayed) ?? checkResolution(",
    replace: "const differs = checkResolution(",
    test: "test/fault/replay-corpus.test.ts",
    title: "is given away by folding when a deny is said to come after one write fewer",
  },
  {
    name: "bytes that are no frame passed over in silence",
    file: "src/evidence/segment-steps.ts",
    find: 'steps.fault("frames", place, `${length} bytes that are no frame: ${why}`);',
    replace: 'steps.look("frames", 0);',
    test: "test/fault/replay-corpus.test.ts",
    title: "is reported with its place when any single bit of it is flipped",
  },
  {
    name: "signatures of checkpoints not looked at",
    file: "src/evidence/verify-checkpoints.ts",
    find: "this.checkSignature(checkpoint, place);",
    replace: "",
    test: "test/attack/rewritten-log.test.ts",
    title: "fails by its signatures, though chain, tree and commits were made anew",
  },
  {
    name: "keys taken from the log though others are trusted",
    file: "src/evidence/verify-checkpoints.ts",
    find: "this.takesKeysFromLog = keys.trusted === null;",
    replace: "this.takesKeysFromLog = true;",
    test: "test/attack/rewritten-log.test.ts",
    title: "fails for whoever knows the gateway's key",
  },
  {
    name: "a segment that is gone passed over",
    file: "src/evidence/log-reader.ts",
    find: 'faults.push(fault("order", `seq ${seq} stands where ${this.size} was due`));',
    replace: "",
    test: "test/attack/rewritten-log.test.ts",
    title: "fails by its order, though no checkpoint after it was left to tell",
  },
  {
    name: "checkpoints kept outside not compared",
    file: "src/evidence/verify-held.ts",
    find: "else this.compare(name, checkpoint, log);",
    replace: "",
    test: "test/attack/rewritten-log.test.ts",
    title: "agrees with itself, and fails for whoever kept a later checkpoint",
  },
  {
    name: "roots of checkpoints kept outside not compared",
    file: "src/evidence/verify-held.ts",
    find: "if (!equalBytes(known, root)) {",
    replace: "if (false) {",
    test: "test/attack/rewritten-log.test.ts",
    title: "agrees with itself, and fails for whoever kept a checkpoint of the other branch",
  },
  {
    name: "one counter for two checkpoints",
    file: "src/evidence/verify-checkpoints.ts",
    find: "if (before === counter) {",
    replace: "if (false) {",
    test: "test/fault/evidence-counter.test.ts",
    title: "is a fault when given twice",
  },
  {
    name: "a segment taken to begin where it says",
    file: "src/evidence/verify.ts",
    find: "if (!fits) return false;",
    replace: "if (!fits && this.segments < 0) return false;",
    test: "test/unit/evidence/segment-tape.test.ts",
    title: "gives the same for entries forged in whole frames",
  },
  {
    name: "permits before the first checkpoint of a run that must have one",
    file: "src/kernel/step/on-signing.ts",
    find: "record(turn, evidenceNotice(false, input.why));",
    replace: "",
    test: "test/unit/kernel/step/signing.test.ts",
    title: "stays in starting and permits nothing until it is there",
  },
  {
    name: "a key that is another one taken for one that is away",
    file: "src/kernel/step/on-signing.ts",
    find: `if (foreign && live.awaits !== "nothing") changeMode`,
    replace: `if (foreign && live.awaits === "nothing") changeMode`,
    test: "test/unit/kernel/step/signing.test.ts",
    title: "is locked out, with the safe state driven, when the key is another one",
  },
];
