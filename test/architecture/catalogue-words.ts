import type { OutcomeKind, Verdict } from "../../src/kernel/record/entry.js";
import type { KernelFactKind, Mode, Quality } from "../../src/kernel/record/look.js";

/** What the words of the catalogue mean, for people. A word without its line does not compile. */
export const MODE_WORDS: Readonly<Record<Mode, string>> = {
  starting: "devices are being read; nothing is released",
  observe: "judges and records, releases nothing; nothing leads here in this release",
  enforcing: "releases what is permitted; the only mode that does",
  holding: "nothing is released and nothing is moved, until a person gives permits back",
  "safe-state": "the safe state is driven and held; nothing else is released",
  "locked-out": "the safe state is driven; left only when a person accepts the log",
};

export const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  permit: "released as asked, after a second look",
  clamp: "the nearest value inside the declared range is released instead",
  deny: "refused, with every reason",
  hold: "people must approve first; in this release nobody can, and the client is refused",
};

export const OUTCOME_WORDS: Readonly<Record<OutcomeKind, string>> = {
  done: "proven: read back, or seen by its feedback",
  acknowledged: "the device answered; not proven: no proof is declared, or none came in time",
  exception: "the device refused: surely not done",
  unknown: "sent, and no answer that can be trusted: it may have been done",
  withdrawn: "never sent; what was charged is given back",
  "no-change": "inside the deadband: nothing was sent, nothing charged",
  "crash-unknown": "a start found the permit without an outcome: it may have been done",
  "resolved-done": "was unknown; a later read showed that it was done",
  "resolved-not-done": "was unknown; a later read showed that it was not",
  "dry-run": "not used in this release",
};

export const QUALITY_WORDS: Readonly<Record<Quality, string>> = {
  good: "may be used",
  late: "older than `max_age` at the moment it is used",
  implausible: "outside `plausible`",
  span: "outside the declared span of the raw value",
  rate: "changed faster than `max_rate` and accuracy allow",
  decode: "the words mean no number, or are not all there",
  device: "its device is down, another one, or its program stands still",
  frozen: "has not changed for the time in which it must",
  "never-read": "not read since the start",
  flagged: "not used in this release",
};

export const FACT_WORDS: Readonly<Record<KernelFactKind, string>> = {
  "window-count": "output: permits inside its budget window",
  "window-oldest": "output: age of the oldest of them",
  proven: "output: last value read back; none: unknown",
  planned: "output: one value released and not proven yet, a fact for each, oldest first",
  dwell: "output: proven value, and for how long it has been held",
  "last-permit":
    "output: age of the last permit; without one 0, with the age of the first known value",
  "drift-base": "output: value held when the drift window opened; none: unknown",
  starts: "output: starts inside the window, and age of the oldest",
  clamps: "controller: clamps inside the window, and age of the oldest",
  "controller-total": "controller: permits inside its budget window, and age of the oldest",
  denials: "not used in this release: suspension is judged beside the verdict",
  device: "device: 0 down, 1 up, 2 another identity, 3 program stopped, 4 not read completely yet",
  suspended: "controller: microseconds until it is no longer suspended",
  holder: "output: position of the controller that holds it by a live lease; none: nobody",
  gateway: "index 0: evidence can be written; index 1: the profile is in force",
  "in-flight": "device: permits without an outcome",
};

/** `<...>` stands for a name of the profile. */
export const ALARM_WORDS: readonly {
  readonly id: string;
  readonly says: string;
  readonly ends: string;
}[] = [
  {
    id: "device.<device>",
    says: "the device is down or its program stands still",
    ends: "it is up again",
  },
  { id: "evidence", says: "evidence cannot be written", ends: "it can be again" },
  {
    id: "identity.<device>",
    says: "another device or program answers",
    ends: "the expected one is up again",
  },
  {
    id: "lost.<device>",
    says: "the device was away for longer than `lost` allows",
    ends: "it is up again",
  },
  { id: "profile-expired", says: "the profile is outside its validity", ends: "never in this run" },
  {
    id: "safe-state.<output>",
    says: "the output could not be brought to its safe value in time",
    ends: "it is read back",
  },
  { id: "scan-late", says: "the gateway's own scan comes late", ends: "a scan comes in time" },
  { id: "trip.<trip>", says: "the trip is latched", ends: "it is reset" },
];
