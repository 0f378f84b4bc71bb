import { EVIDENCE_MUTANTS } from "./evidence-mutants.js";

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
    file: "src/kernel/step/resolution.ts",
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
    name: "a lost write called not done though a newer one covered it up",
    file: "src/kernel/step/resolution.ts",
    find: "if (lost.contested || ",
    replace: "if (",
    test: "test/unit/kernel/step/resolution.test.ts",
    title: "is never called not done when a newer write covers it up",
  },
  {
    name: "a superseded write told as a success",
    file: "src/kernel/step/proof.ts",
    find: "if (superseded === null) {",
    replace: "if (true) {",
    test: "test/unit/kernel/step/proof.test.ts",
    title: "is no success to a client that waits for proofs",
  },
  {
    name: "a counter that cannot be read taken for one that moves",
    file: "src/kernel/step/device.ts",
    find: "if (turn.nowUs - watch.aliveUs > allowedUs) {",
    replace: "if (false) {",
    test: "test/unit/kernel/step/faults.test.ts",
    title: "is taken for stopped after its time, a poll and a timeout",
  },
  {
    name: "an identity that cannot be read taken for the right one",
    file: "src/kernel/step/device.ts",
    find: "if (watch.heardUs - watch.identityUs <= device.lost.afterUs) return;",
    replace: "return;",
    test: "test/unit/kernel/step/faults.test.ts",
    title: "is not believed after the profile's time for a lost one, and then is lost",
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
    name: "a segment's snapshot of another time than its entries",
    file: "src/guard/kernel-loop.ts",
    find: "atUs: monoUs }",
    replace: "atUs: nowUs() }",
    test: "test/unit/guard/kernel-loop.test.ts",
    title: "opens a segment with the very state its link leaves",
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
  {
    name: "a disk with room again taken for the checkpoint that is awaited",
    file: "src/kernel/step/evidence-hold.ts",
    find: 'live.awaits !== "nothing" || ',
    replace: "",
    test: "test/unit/kernel/step/signing.test.ts",
    title: "gives none back by itself where it became too full meanwhile",
  },
  ...EVIDENCE_MUTANTS,
];
