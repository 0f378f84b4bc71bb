import type { Counts } from "../codec/door/message.js";
import type { SpaceReport } from "./evidence/space-watch.js";
import type { EvidenceHead, EvidenceStore } from "./ports.js";
import type { Guard } from "./guard.js";
import type { LatenessSummary } from "./lateness.js";

/** What the guard tells whoever opens the operator socket; plain data, so that it goes as JSON. */
export type GuardStatus = {
  readonly site: string;
  readonly gateway: string;
  readonly boot: number;
  readonly pid: number;
  readonly mode: string;
  /** Until people's keys and profile signing exist. */
  readonly signed: false;
  readonly split: "NOT ENFORCED" | "enforced";
  readonly profile: { readonly name: string; readonly revision: number; readonly digest: string };
  readonly devices: readonly { readonly name: string; readonly condition: string }[];
  readonly controllers: readonly {
    readonly name: string;
    readonly lease: "none" | "live";
    readonly suspended: boolean;
  }[];
  readonly latched: readonly string[];
  readonly alarms: readonly { readonly id: string; readonly text: string }[];
  readonly evidence: {
    readonly nextSeq: number;
    readonly durableSeq: number;
    readonly size: number;
    readonly root: string;
    readonly writable: boolean;
    readonly key: string;
    /** How long the flash of the TPM lasts, in words; null without one. */
    readonly flash: string | null;
    readonly space: SpaceReport;
  };
  readonly scan: LatenessSummary;
  readonly verdicts: Readonly<Record<string, number>>;
  readonly reasons: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly trips: number;
  readonly strangers: number;
  readonly doors: readonly DoorView[];
};

export type DoorView = {
  /** Addresses really bound. */
  listening: readonly string[];
  /** Sums since this door connected, but `connections`, which is how many are open. */
  counts: Counts;
};

export type StatusFacts = {
  readonly site: string;
  readonly gateway: string;
  readonly split: GuardStatus["split"];
  readonly key: string;
  readonly pid: number;
  readonly head: () => EvidenceHead;
  readonly flash: () => string | null;
  readonly doors: () => readonly DoorView[];
  readonly space: () => SpaceReport;
};

export function statusFacts(
  site: { readonly name: string; readonly gateway: string },
  of: {
    readonly key: string;
    readonly pid: number;
    readonly store: Pick<EvidenceStore, "head">;
    readonly flash: StatusFacts["flash"];
    readonly doors: { readonly views: StatusFacts["doors"] };
    readonly space: { readonly report: StatusFacts["space"] };
  },
): StatusFacts {
  return {
    site: site.name,
    gateway: site.gateway,
    split: "NOT ENFORCED",
    key: of.key,
    pid: of.pid,
    head: () => of.store.head(),
    flash: of.flash,
    doors: () => of.doors.views(),
    space: () => of.space.report(),
  };
}

/** What of the guard its status is told from. */
export type StatusSource = Pick<
  Guard,
  "state" | "model" | "nowUs" | "alarms" | "scans" | "tally" | "strangers"
>;

export function tellStatus(guard: StatusSource, facts: StatusFacts): GuardStatus {
  const { folded } = guard.state;
  const { nowUs } = guard;
  const { model } = guard;
  const head = facts.head();
  return {
    site: facts.site,
    gateway: facts.gateway,
    boot: folded.boot,
    pid: facts.pid,
    mode: folded.mode,
    signed: false,
    split: facts.split,
    profile: { name: model.name, revision: model.revision, digest: hex(model.digest) },
    devices: folded.devices.map(({ condition }, device) => ({
      name: model.devices[device]?.name ?? "",
      condition,
    })),
    controllers: folded.controllers.map(({ lease, suspendedUntilUs }, controller) => ({
      name: model.controllers[controller]?.name ?? "",
      lease: lease === null ? "none" : "live",
      // What is over is not taken back in the log: it ends by the clock.
      suspended: suspendedUntilUs !== null && suspendedUntilUs > nowUs,
    })),
    latched: folded.latched.map(({ id }) => id),
    alarms: [...guard.alarms].map(([id, text]) => ({ id, text })),
    evidence: {
      nextSeq: head.nextSeq,
      durableSeq: head.durableSeq,
      size: head.size,
      root: hex(head.root),
      writable: folded.evidenceWritable,
      key: facts.key,
      flash: facts.flash(),
      space: facts.space(),
    },
    scan: guard.scans(),
    verdicts: guard.tally.verdicts,
    reasons: Object.fromEntries(guard.tally.reasons),
    outcomes: Object.fromEntries(guard.tally.outcomes),
    trips: guard.tally.trips,
    strangers: guard.strangers,
    doors: facts.doors(),
  };
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
