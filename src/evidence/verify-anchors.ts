import { readCounterAttest, type CounterAttest } from "../codec/tpm2/counter-attest.js";
import { HIERARCHY } from "../codec/tpm2/constant.js";
import { nameOf, qualifiedNameOf } from "../codec/tpm2/name.js";
import { anchorCounterName } from "../codec/tpm2/nv-public.js";
import { readTimeStamp, type TimeStamp } from "../codec/rfc3161/time-stamp.js";
import type { AnchorBody } from "../kernel/record/entry.js";
import { readCheckpoint } from "./checkpoint.js";
import type { Findings, Place } from "./findings.js";
import type { Sha256 } from "./frame.js";
import { hex } from "./hex.js";
import { equalBytes } from "./merkle-proof.js";
import type { VerifySignature } from "./verify-checkpoints.js";

/** The attestation key, as its key bundle gives it: TPMT_PUBLIC and SPKI. */
export type Attester = { readonly area: Uint8Array; readonly spki: Uint8Array };

export type FoundStamp = TimeStamp & { readonly token: Uint8Array; readonly place: Place };

/** So many time stamps, the newest, are checked by their signatures; all of them by what they are over. */
export const STAMPS_MAX = 1_000;

/** Checkpoints that an anchor may still be over: some 18 hours of them at one a second. */
export const ANCHORABLE_MAX = 65_536;

/**
 * Anchors of a TPM: each is its word on the flash counter, over the exact bytes of a checkpoint before it, and from one to
 * the next the counter rises by one. Without the attestation key nothing is said of who signed them.
 */
export class AnchorVerifier {
  readonly #findings: Findings;
  readonly #sha256: Sha256;
  readonly #verify: VerifySignature;
  readonly #attester: Attester | null;
  readonly #qualifiedSigner: Uint8Array | null;
  readonly #counterName: Uint8Array;
  /** SHA-256 of the newest checkpoints, by size. */
  readonly #checkpoints = new Map<number, Uint8Array>();
  #forgotTo = 0;
  /** The newest anchor of a TPM, and who signed the checkpoint it is over. */
  #newest: { readonly attest: CounterAttest; readonly kid: string } | null = null;
  /** What a boot read from the counter, until its first checkpoint tells whose TPM that is. */
  #booted: { readonly nv: number; readonly place: Place } | null = null;
  readonly #kids = new Map<number, string>();
  readonly #stamps: FoundStamp[] = [];
  #stampsBefore = 0;

  constructor(
    findings: Findings,
    by: {
      readonly sha256: Sha256;
      readonly verify: VerifySignature;
      readonly attester: Attester | null;
    },
  ) {
    const { sha256, verify, attester } = by;
    this.#findings = findings;
    this.#sha256 = sha256;
    this.#verify = verify;
    this.#attester = attester;
    this.#qualifiedSigner =
      attester === null
        ? null
        : qualifiedNameOf(nameOf(attester.area, sha256), HIERARCHY.endorsement, sha256);
    this.#counterName = anchorCounterName(sha256);
  }

  /** The newest of the time stamps that were met, for a check of who signed them. */
  get stamps(): readonly FoundStamp[] {
    return this.#stamps;
  }

  /** How many were met before those. */
  get stampsBefore(): number {
    return this.#stampsBefore;
  }

  /** The log begins here, in the middle, behind so many entries. */
  resume(size: number): void {
    this.#forgotTo = size;
  }

  boot(nv: number | null, place: Place): void {
    this.#booted = nv === null ? null : { nv, place };
  }

  checkpoint(body: Uint8Array, place: Place): void {
    const read = readCheckpoint(body);
    if (!read.ok) return;
    const { kid, size } = read.checkpoint.claim;
    const name = hex(kid);
    if (this.#attester !== null && equalBytes(this.#sha256(this.#attester.spki), kid)) {
      const why = "it is signed by the attestation key, which signs attests alone";
      this.#findings.fault("signatures", place, why);
    }
    this.#checkpoints.set(size, this.#sha256(body));
    this.#kids.set(size, name);
    this.#judgeBoot(name);
    if (this.#checkpoints.size <= ANCHORABLE_MAX) return;
    for (const oldest of this.#checkpoints.keys()) {
      this.#checkpoints.delete(oldest);
      this.#kids.delete(oldest);
      this.#forgotTo = Math.max(this.#forgotTo, oldest);
      return;
    }
  }

  /** `keyOf`: the key of checkpoints here with this id (hex); none of them may sign an anchor. */
  anchor(body: AnchorBody, place: Place, keyOf: (kid: string) => Uint8Array | undefined): void {
    if (body.kind === "rfc3161") {
      this.#stamp(body, place);
      return;
    }
    if (body.kind !== "nv-certify") {
      this.#findings.note(
        "anchors",
        `one of kind ${body.kind} is there, and not checked by this version`,
      );
      return;
    }
    this.#findings.look("anchors");
    const attest = readCounterAttest(body.token);
    if (attest === null) {
      this.#fault(place, "it is no attest of a TPM about a whole counter");
      return;
    }
    if (!equalBytes(attest.indexName, this.#counterName)) {
      this.#fault(place, "it is about another counter than that of anchors");
    }
    this.#checkSize(body.size, attest, place);
    this.#checkRise(attest, place);
    const kid = this.#kids.get(body.size) ?? "";
    this.#checkSigner(body, attest, { place, checkpointKey: keyOf(kid) });
    this.#newest = { attest, kid };
  }

  /** The form of a time stamp, and what it is over; who signed it is left to whoever has `openssl`. */
  #stamp({ token, size }: AnchorBody, place: Place): void {
    const findings = this.#findings;
    findings.look("stamps");
    const stamp = readTimeStamp(token);
    const hash = this.#checkpoints.get(size);
    if (stamp === null) findings.fault("stamps", place, "it is no granted time stamp of RFC 3161");
    else if (hash === undefined && size <= this.#forgotTo) {
      const note = `the checkpoint over ${size} entries lies before what can be compared`;
      findings.note("stamps", note);
    } else if (hash === undefined || !equalBytes(hash, stamp.imprint)) {
      const why = `it is over another checkpoint than the one over ${size} entries here`;
      findings.fault("stamps", place, why);
    }
    if (stamp === null) return;
    this.#stamps.push({ token, imprint: stamp.imprint, utcS: stamp.utcS, place });
    if (this.#stamps.length <= STAMPS_MAX) return;
    this.#stamps.shift();
    this.#stampsBefore += 1;
  }

  #checkSize(size: number, { qualifying }: CounterAttest, place: Place): void {
    const hash = this.#checkpoints.get(size);
    if (hash !== undefined) {
      if (!equalBytes(hash, qualifying)) {
        this.#fault(place, `it is over another checkpoint than the one over ${size} entries here`);
      }
    } else if (size <= this.#forgotTo) {
      const note = `the checkpoint over ${size} entries lies before what can be compared`;
      this.#findings.note("anchors", note);
    } else this.#fault(place, `no checkpoint over ${size} entries is here`);
  }

  #checkRise({ value, qualifiedSigner }: CounterAttest, place: Place): void {
    const before = this.#newest?.attest;
    if (before === undefined || !equalBytes(before.qualifiedSigner, qualifiedSigner)) return;
    if (value === before.value) {
      this.#fault(
        place,
        `its counter is ${value}, as that of the anchor before: two of them cannot both be true`,
      );
    } else if (value < before.value) {
      this.#fault(place, `its counter is ${value}, below the ${before.value} of the one before it`);
    } else if (value > before.value + 1) {
      this.#fault(
        place,
        `its counter is ${value}, after ${before.value}: anchors between them are not in this log`,
      );
    }
  }

  #checkSigner(
    { token, signature }: AnchorBody,
    { qualifiedSigner }: CounterAttest,
    at: { readonly place: Place; readonly checkpointKey: Uint8Array | undefined },
  ): void {
    // The key of the one checkpoint it is over: of a log that names thousands, each would cost a signature.
    const { place, checkpointKey } = at;
    const findings = this.#findings;
    const fault = (why: string): void => {
      findings.look("anchor-signatures");
      findings.fault("anchor-signatures", place, why);
    };
    const isSignedBy = (spki: Uint8Array): boolean =>
      signature !== null && this.#verify(spki, token, signature);
    if (signature?.length !== 64) fault("it has no signature of 64 bytes");
    else if (checkpointKey !== undefined && isSignedBy(checkpointKey)) {
      fault("it is signed by a key of checkpoints: only a restricted key's attest counts");
    } else if (this.#attester === null) {
      findings.note("anchor-signatures", "the attestation key was not given (--key-bundle)");
    } else if (!isSignedBy(this.#attester.spki)) {
      fault("the attestation key that was given did not sign it");
    } else if (!equalBytes(qualifiedSigner, this.#qualifiedSigner ?? NONE)) {
      fault("it names another signer than this key of the endorsement hierarchy");
    } else findings.look("anchor-signatures");
  }

  #judgeBoot(kid: string): void {
    const [booted, newest] = [this.#booted, this.#newest];
    this.#booted = null;
    if (booted === null || newest?.kid !== kid) return;
    const { value } = newest.attest;
    if (booted.nv < value) {
      const why = `this run found the anchor counter at ${booted.nv}, below the ${value} of the anchor before`;
      this.#fault(booted.place, why);
    } else if (booted.nv > value + 1) {
      const why = `this run found the anchor counter at ${booted.nv}, the newest anchor before is ${value}: anchors between them are not in this log`;
      this.#fault(booted.place, why);
    }
  }

  #fault(place: Place, why: string): void {
    this.#findings.fault("anchors", place, why);
  }
}

const NONE = new Uint8Array(0);
