import colors from "picocolors";
import type { ReadEntry } from "../evidence/decode-entry.js";
import type {
  DeviceEvent,
  EntryBody,
  LeaseEvent,
  OutcomeKind,
  ProfileBody,
  SafeStepState,
} from "../kernel/record/entry.js";
import type { Mode } from "../kernel/record/look.js";
import { describeBody, isStanding, type Standing } from "./evidence-words.js";
import { showPlain } from "./output.js";

/**
 * Entries as people read them, a line each, in columns that only ever grow wider. What is out of the ordinary is
 * coloured where colours are wanted; its words say the same without them.
 */
export class EntryLines {
  readonly #paint: ReturnType<typeof colors.createColors>;
  #widths: readonly number[] = [0, 0, 0];

  constructor(color: boolean) {
    this.#paint = colors.createColors(color);
  }

  /** Each line with its line break. */
  render(reads: readonly ReadEntry[]): string {
    const rows = reads.map((read) => entryCells(read).map(showPlain));
    this.#widths = this.#widths.map((width, column) =>
      rows.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), width),
    );
    return rows.map((row, i) => `${this.#line(row, reads[i]?.entry.body)}\n`).join("");
  }

  #line(row: readonly string[], body: EntryBody | undefined): string {
    const line = row.map((cell, column) => cell.padEnd(this.#widths[column] ?? 0)).join("  ");
    const unusual = body === undefined ? null : judgeUnusual(body);
    if (unusual === null) return line;
    return unusual === "bad" ? this.#paint.red(line) : this.#paint.yellow(line);
  }
}

/** Number and what led to it, wall time, type, and what it says. */
export function entryCells({ entry, stamp }: ReadEntry): readonly string[] {
  const cause = entry.cause === null ? "" : ` <- ${entry.cause}`;
  const { body } = entry;
  return [`${entry.seq}${cause}`, utcText(stamp.utcUs), body.type, describeBody(body)];
}

/** ISO 8601. Any time that evidence can hold is one of a calendar's. */
export function utcText(utcUs: number): string {
  return new Date(utcUs / 1000).toISOString();
}

/** `bad`: somebody should look. `odd`: not as asked, or not as usual. */
type Unusual = "bad" | "odd" | null;

function judgeUnusual(body: EntryBody): Unusual {
  return isStanding(body) ? judgeStanding(body) : judgeOperation(body);
}

function judgeOperation(body: Exclude<EntryBody, Standing>): Unusual {
  switch (body.type) {
    case "decision":
      return body.verdict === "permit" ? null : "odd";
    case "outcome":
      return OUTCOME[body.outcome];
    case "boot":
      return body.recovery.found === "clean" ? null : "bad";
    case "mode":
      return MODE[body.to];
    case "trip":
      return body.event === "reset" ? null : "bad";
    case "safe-step":
      return SAFE_STEP[body.state];
    case "lease":
      return LEASE[body.event];
    case "flood":
      return "odd";
    case "device":
      return DEVICE[body.event];
  }
}

function judgeStanding(body: Standing): Unusual {
  switch (body.type) {
    case "profile":
      return PROFILE[body.event];
    case "key":
      return body.event === "lost" ? "bad" : null;
    case "clock":
      return "odd";
    case "operator-act":
    case "site":
    case "anchor":
    case "snapshot":
    case "notice":
      return null;
  }
}

type Told<Kind extends string> = Readonly<Record<Kind, Unusual>>;

const OUTCOME: Told<OutcomeKind> = {
  done: null,
  acknowledged: null,
  exception: "odd",
  unknown: "bad",
  withdrawn: "odd",
  "no-change": null,
  "crash-unknown": "bad",
  "resolved-done": null,
  "resolved-not-done": "bad",
  "dry-run": null,
};
const MODE: Told<Mode> = {
  starting: null,
  observe: null,
  enforcing: null,
  holding: "odd",
  "safe-state": "bad",
  "locked-out": "bad",
};
const SAFE_STEP: Told<SafeStepState> = { sent: null, proven: null, failed: "bad", late: "bad" };
const LEASE: Told<LeaseEvent> = {
  gained: null,
  sampled: null,
  lapsed: "odd",
  revoked: "odd",
  suspended: "odd",
};
const DEVICE: Told<DeviceEvent> = {
  up: null,
  down: "bad",
  slow: "odd",
  "identity-changed": "bad",
  "program-stopped": "bad",
  "comms-loss-read": null,
};
const PROFILE: Told<ProfileBody["event"]> = {
  loaded: null,
  refused: "odd",
  activated: null,
  "rolled-back": "odd",
  expired: "bad",
};
