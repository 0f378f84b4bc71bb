/** Checks of `evidence verify`, in the order they are shown. */
export const CHECKS = [
  { id: "frames", label: "every byte belongs to a whole frame" },
  { id: "entries", label: "every entry is in its one canonical form" },
  { id: "order", label: "entries are numbered without gap or repetition" },
  { id: "chain", label: "every entry names the one before it" },
  {
    id: "beginning",
    label: "the log begins with its first entry, or where it records that it does",
  },
  { id: "links", label: "every segment continues the one before it" },
  { id: "commits", label: "every commit has the root of all entries before it" },
  { id: "signed-commits", label: "commits are signed by the key of their interval" },
  { id: "checkpoint-roots", label: "every checkpoint has the root at its signed size" },
  { id: "checkpoint-chain", label: "every checkpoint names the one before it" },
  { id: "consistency", label: "every checkpoint extends the one before it" },
  { id: "signatures", label: "every checkpoint is signed by a known key" },
  { id: "keys", label: "every key that took over is named under a signature of the one before" },
  { id: "counters", label: "every checkpoint of a TPM has a higher counter than the one before" },
  { id: "held", label: "the log goes on from every checkpoint kept elsewhere" },
  { id: "boots", label: "every run begins with its own boot entry" },
  { id: "parts", label: "profiles and snapshots are whole and have their digest" },
  { id: "outcomes", label: "every permit has its outcome, and every outcome its permit" },
  { id: "safe-steps", label: "every safe step has its cause" },
  {
    id: "anchors",
    label: "every anchor of the TPM is over a checkpoint here, and its counter rises by one",
  },
  { id: "anchor-signatures", label: "every anchor is signed by the attestation key you gave" },
  { id: "stamps", label: "every time stamp is over a checkpoint here" },
  { id: "stamp-signatures", label: "every time stamp is signed by an authority you named" },
  { id: "tokens", label: "every checkpoint names the newest time stamp before it" },
  { id: "verdicts", label: "every verdict follows from profile and recorded facts (L1)" },
  { id: "facts", label: "every fact of the kernel's own follows from the log (L2)" },
] as const;

export type CheckId = (typeof CHECKS)[number]["id"];
export type Status = "PASS" | "FAIL" | "NOT PRESENT";

/** Where in the log: file, byte in it, and the seq expected or read there. */
export type Place = { readonly segment: string; readonly offset: number; readonly seq: number };

export type Finding = { readonly check: CheckId; readonly place: Place; readonly why: string };

export type CheckResult = {
  readonly id: CheckId;
  readonly label: string;
  readonly status: Status;
  /** Things looked at, and how many of them were wrong. */
  readonly looked: number;
  readonly faults: number;
  readonly first: Finding | null;
  /** Plain words beside the status. */
  readonly note: string | null;
};

/** Counts what every check looked at and keeps what it found first, so that any log fits in memory. */
export class Findings {
  private readonly looked = new Map<CheckId, number>();
  private readonly faults = new Map<CheckId, number>();
  private readonly first = new Map<CheckId, Finding>();
  private readonly notes = new Map<CheckId, string>();
  private readonly listener: (finding: Finding) => void;

  constructor(listener: (finding: Finding) => void = () => undefined) {
    this.listener = listener;
  }

  look(check: CheckId, count = 1): void {
    this.looked.set(check, (this.looked.get(check) ?? 0) + count);
  }

  note(check: CheckId, text: string): void {
    this.notes.set(check, text);
  }

  fault(check: CheckId, place: Place, why: string): void {
    const finding: Finding = { check, place, why };
    this.faults.set(check, (this.faults.get(check) ?? 0) + 1);
    if (!this.first.has(check)) this.first.set(check, finding);
    this.listener(finding);
  }

  /** One line for every check; a check that met nothing is NOT PRESENT, never PASS. */
  results(): readonly CheckResult[] {
    return CHECKS.map(({ id, label }) => {
      const looked = this.looked.get(id) ?? 0;
      const faults = this.faults.get(id) ?? 0;
      return {
        id,
        label,
        status: faults > 0 ? "FAIL" : looked > 0 ? "PASS" : "NOT PRESENT",
        looked,
        faults,
        first: this.first.get(id) ?? null,
        note: this.notes.get(id) ?? null,
      };
    });
  }
}
