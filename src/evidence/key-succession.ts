import type { KeyBody } from "../kernel/record/entry.js";
import type { Findings, Place } from "./findings.js";
import type { Sha256 } from "./frame.js";
import { hex } from "./hex.js";

/** Keys that one log may name; a key lasts for years. */
export const KEYS_MAX = 1_024;

/**
 * Which keys may sign checkpoints, and since when (ADR 0020). A key that an entry names `rotated` may from the moment that a
 * checkpoint by a key which may sign covers that entry, in the run that wrote it; with its first checkpoint the key that
 * vouched for it may no more.
 * Keys that were given are the only others that may. Where none were given, a key that the log calls `made` may as well:
 * after the first that is a break, which nobody vouches for. A key that is called `lost` by the entry right before such a
 * `made` was given up (ADR 0020): once another one has signed over both it may no more, given or not.
 */
export class KeySuccession {
  private readonly findings: Findings;
  private readonly sha256: Sha256;
  private readonly takesKeysFromLog: boolean;
  private readonly signing = new Map<string, Uint8Array>();
  private readonly known = new Map<string, Uint8Array>();
  /** Ids of all that were named or given: nothing is kept of any other. */
  private readonly met = new Set<string>();
  /** Named by an entry that no checkpoint by a key which may sign covers yet. */
  private readonly named = new Map<string, Named>();
  /** Named by an entry that its own run left under no such checkpoint. */
  private readonly unheard = new Map<string, number>();
  /** Who vouched for a key that has not signed yet. */
  private readonly voucherOf = new Map<string, string>();
  private readonly heirOf = new Map<string, string>();
  /** Given up at this entry, which no checkpoint by another key covers yet. */
  private readonly givenUp = new Map<string, number>();
  private readonly hasSigned = new Set<string>();
  private newestLost: { readonly kid: string; readonly seq: number } | null = null;
  private taken = 0;
  private readonly breaks: number[] = [];

  /** `trusted` null: keys are taken from the log's own entries, which says so in the report. */
  constructor(findings: Findings, sha256: Sha256, trusted: readonly Uint8Array[] | null) {
    this.findings = findings;
    this.sha256 = sha256;
    this.takesKeysFromLog = trusted === null;
    for (const spki of trusted ?? []) this.admit(hex(sha256(spki)), spki);
  }

  /** Keys that signed or may sign here, as far as they are known yet. */
  get keys(): readonly Uint8Array[] {
    return [...this.known.values()];
  }

  /** One of these, by its id (hex); undefined: there is no such. */
  key(kid: string): Uint8Array | undefined {
    return this.known.get(kid);
  }

  /** The log begins in the middle, where this key signs. */
  begin(spki: Uint8Array): void {
    if (this.takesKeysFromLog) this.admit(hex(this.sha256(spki)), spki);
  }

  entry({ event, spki }: KeyBody, place: Place): void {
    const kid = hex(this.sha256(spki));
    if (this.isBeyond(kid, place)) return;
    const { seq } = place;
    if (event === "lost") this.newestLost = { kid, seq };
    const lost = this.newestLost;
    if (event === "made" && lost?.seq === seq - 1 && lost.kid !== kid) {
      this.givenUp.set(lost.kid, seq);
    }
    if (event === "lost") return;
    // A given key that has not signed yet may be vouched for still.
    if (this.signing.has(kid) && (event !== "rotated" || this.hasSigned.has(kid))) return;
    if (event === "rotated") {
      if (!this.named.has(kid)) this.named.set(kid, { spki, seq });
    } else if (this.takesKeysFromLog) {
      if (this.signing.size > 0) this.breaks.push(seq);
      this.named.delete(kid);
      this.heirOf.delete(kid);
      this.admit(kid, spki);
    }
  }

  /**
   * Another run begins. What stands behind the newest checkpoint by then anybody with the disk may have written, and the new
   * run signs over it whatever it is: nobody vouches with that. A gateway whose own key still waits names it again.
   */
  run(): void {
    for (const [kid, { seq }] of this.named) this.unheard.set(kid, seq);
    this.named.clear();
  }

  /** Of the key that may sign under this id; undefined: none may. */
  find(kid: Uint8Array): Uint8Array | undefined {
    return this.signing.get(hex(kid));
  }

  /** Id of the key that vouched for one that takes over and has not signed yet. */
  voucher(kid: Uint8Array): string | undefined {
    return this.voucherOf.get(hex(kid));
  }

  /** Why a checkpoint of a key that may not sign does not count, for people; also a fault of its own. */
  refuse(kid: Uint8Array, place: Place): string {
    const id = hex(kid);
    const heir = this.heirOf.get(id);
    const named = this.named.get(id);
    if (heir !== undefined) return this.fault(place, `key ${heir.slice(0, 16)} took over from it`);
    if (named !== undefined) {
      const why = `entry ${named.seq} names it, and no checkpoint by the key before it covers that`;
      return this.fault(place, why);
    }
    const unheard = this.unheard.get(id);
    if (unheard !== undefined) {
      const why = `entry ${unheard} names it, and no checkpoint of its own run covers that`;
      return this.fault(place, why);
    }
    return this.takesKeysFromLog ? "the log names no such key" : "it is not a trusted key";
  }

  /** A checkpoint by a key that may sign, over so many entries of this log, was found right. */
  signed(kid: Uint8Array, size: number): void {
    const id = hex(kid);
    this.hasSigned.add(id);
    const voucher = this.voucherOf.get(id);
    if (voucher !== undefined) {
      this.voucherOf.delete(id);
      this.retire(voucher, id);
    }
    for (const [old, seq] of this.givenUp) {
      if (seq >= size || old === id) continue;
      this.givenUp.delete(old);
      this.retire(old, id);
    }
    for (const [heir, { spki, seq }] of this.named) {
      if (seq >= size) continue;
      this.named.delete(heir);
      this.heirOf.delete(heir);
      this.voucherOf.set(heir, id);
      this.admit(heir, spki);
      this.taken += 1;
    }
  }

  finish(): void {
    const [first] = this.breaks;
    if (first === undefined) {
      this.findings.look("keys", this.taken);
      const [unheard] = this.unheard.values();
      if (unheard !== undefined) {
        const why = `entry ${unheard} names a key, and no checkpoint of its own run covers that: it counts for nothing`;
        this.findings.note("keys", why);
      } else if (this.taken === 0) this.findings.note("keys", "no key took over here");
    } else {
      const many = this.breaks.length === 1 ? "" : ` and ${this.breaks.length - 1} more`;
      const why = `nobody vouches for the key that entry ${first} names${many}: compare it with one you have from elsewhere (--trust)`;
      this.findings.note("keys", why);
    }
  }

  /** One more than is kept of: a fault. */
  private isBeyond(kid: string, place: Place): boolean {
    if (this.met.size < KEYS_MAX) this.met.add(kid);
    if (this.met.has(kid)) return false;
    this.fault(
      place,
      `more than ${KEYS_MAX} keys are named: this one and all after it count for nothing`,
    );
    return true;
  }

  private retire(kid: string, heir: string): void {
    this.signing.delete(kid);
    this.heirOf.set(kid, heir);
  }

  private admit(kid: string, spki: Uint8Array): void {
    this.met.add(kid);
    this.signing.set(kid, spki);
    this.known.set(kid, spki);
    this.unheard.delete(kid);
  }

  private fault(place: Place, why: string): string {
    this.findings.fault("keys", place, why);
    return why;
  }
}

type Named = { readonly spki: Uint8Array; readonly seq: number };
