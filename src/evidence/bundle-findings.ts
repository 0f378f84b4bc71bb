import type { Status } from "./findings.js";

/** Checks on a proof bundle, in the order they are shown. The Python verifier has the same words. */
export const BUNDLE_CHECKS = [
  { id: "form", label: "the bundle is in its one canonical form" },
  { id: "checkpoint", label: "the checkpoint is one of this format" },
  { id: "key", label: "the checkpoint names the key that is here" },
  { id: "trust", label: "the key is one that you named" },
  { id: "signature", label: "the checkpoint is signed by that key" },
  { id: "entries", label: "every entry is in its one canonical form" },
  { id: "order", label: "entries are in the order of their numbers, none twice" },
  { id: "sizes", label: "every path is for the signed number of entries" },
  { id: "places", label: "every path is for its entry's own number" },
  { id: "paths", label: "every path leads from its entry to the signed root" },
  { id: "chain", label: "neighbours in the log name each other" },
  { id: "period", label: "no entry between the first and the last is left out" },
  { id: "consistency", label: "the checkpoint's consistency proof leads to the signed root" },
  { id: "earlier", label: "the log began as the earlier checkpoint that you named" },
  { id: "outcomes", label: "every outcome belongs to a permit that is here" },
  { id: "profile", label: "the profile is the one that every decision names" },
  { id: "people", label: "the profile is signed by people" },
  { id: "attest", label: "a TPM's attest certifies a key" },
  { id: "certified", label: "that key is the one that signs here" },
  {
    id: "attributes",
    label: "both keys were made in a TPM and cannot leave it, by their attributes",
  },
  { id: "attester", label: "the attest is signed by another key, kept for attests alone" },
  { id: "certificate", label: "the certificate is that of the attestation key of this gateway" },
  { id: "roots", label: "certificates lead from it to a root that you named" },
  {
    id: "endorsement",
    label: "the TPM's endorsement certificate is the one that was seen at enrolment",
  },
  { id: "hardware", label: "the key was made in a TPM and cannot leave it" },
  { id: "outside", label: "outside evidence is over this very checkpoint" },
  { id: "anchor", label: "the TPM's anchor of it is signed by the attestation key that is here" },
  { id: "stamp", label: "a time stamp over it is signed by an authority that you named" },
] as const;

/** Shown behind these where a replay was asked for, in the words of a log's. The Python verifier has no replay. */
export const REPLAY_CHECKS = [
  { id: "verdicts", label: "every verdict follows from profile and recorded facts (L1)" },
  { id: "facts", label: "every fact of the kernel's own follows from the log (L2)" },
] as const;

export type BundleCheckId = (typeof BUNDLE_CHECKS | typeof REPLAY_CHECKS)[number]["id"];

export type BundleCheck = {
  readonly id: BundleCheckId;
  readonly label: string;
  readonly status: Status;
  /** Things looked at, and how many of them were wrong. */
  readonly looked: number;
  readonly faults: number;
  /** Of the first fault. */
  readonly why: string | null;
  readonly note: string | null;
};

export class BundleFindings {
  private readonly looked = new Map<BundleCheckId, number>();
  private readonly faults = new Map<BundleCheckId, { readonly first: string; count: number }>();
  private readonly notes = new Map<BundleCheckId, string>();
  private readonly replays: boolean;

  constructor({ replays }: { readonly replays: boolean } = { replays: false }) {
    this.replays = replays;
  }

  /** One thing looked at; `why`: what is wrong with it. */
  look(check: BundleCheckId, why: string | null): void {
    this.looked.set(check, (this.looked.get(check) ?? 0) + 1);
    if (why === null) return;
    const known = this.faults.get(check);
    if (known === undefined) this.faults.set(check, { first: why, count: 1 });
    else known.count += 1;
  }

  note(check: BundleCheckId, text: string): void {
    this.notes.set(check, text);
  }

  /** True: every one of these met something, and nothing was wrong with it. */
  shows(checks: readonly BundleCheckId[]): boolean {
    return checks.every((check) => this.looked.has(check) && !this.faults.has(check));
  }

  /** One line for every check; a check that met nothing is NOT PRESENT, never PASS. */
  results(): readonly BundleCheck[] {
    const checks = this.replays ? [...BUNDLE_CHECKS, ...REPLAY_CHECKS] : BUNDLE_CHECKS;
    return checks.map(({ id, label }) => {
      const looked = this.looked.get(id) ?? 0;
      const faults = this.faults.get(id) ?? null;
      return {
        id,
        label,
        status: faults !== null ? "FAIL" : looked > 0 ? "PASS" : "NOT PRESENT",
        looked,
        faults: faults?.count ?? 0,
        why: faults?.first ?? null,
        note: this.notes.get(id) ?? null,
      };
    });
  }
}
