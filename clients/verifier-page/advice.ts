import type { BundleCheckId } from "../../src/evidence/bundle-findings.js";
import type { CheckId, Status } from "../../src/evidence/findings.js";

/** Of a check that met nothing here: why, and what can be done about it. Null: it says enough itself. */
export function adviceOn(
  { id, status, note }: Of<BundleCheckId> | Of<CheckId>,
  kind: "bundle" | "log",
): string | null {
  if (status !== "NOT PRESENT") return null;
  // What is there, and not read here, has a note.
  const unread = kind === "bundle" && note !== null ? UNREAD.get(id) : undefined;
  return unread ?? (kind === "bundle" ? BUNDLE : LOG).get(id) ?? null;
}

type Of<Id extends string> = {
  readonly id: Id;
  readonly status: Status;
  readonly note: string | null;
};

const BY_COMMAND =
  "holdpoint evidence verify BUNDLE --trust ROOTS.pem reads them, and so does the Python verifier";

const BY_OPENSSL =
  "holdpoint evidence verify BUNDLE --time-authority ROOTS.pem checks it, and so does the Python verifier";

const UNREAD: ReadonlyMap<string, string> = new Map<BundleCheckId, string>([
  ["certificate", BY_COMMAND],
  ["roots", BY_COMMAND],
  ["endorsement", BY_COMMAND],
  ["stamp", BY_OPENSSL],
  ["anchor", "who signed it can be checked where the bundle brings its key bundle"],
]);

const BUNDLE: ReadonlyMap<string, string> = new Map<BundleCheckId, string>([
  ["trust", "name the key that you expect, above"],
  ["chain", "no two entries here are neighbours in the log"],
  ["period", "this bundle is of single entries"],
  ["consistency", "this bundle is of single entries, or nothing came before them"],
  ["earlier", "name a checkpoint or bundle that you kept from before, above"],
  ["outcomes", "no outcome is here"],
  ["profile", "the bundle brings no profile: name its file above"],
  ["people", "people's signatures on profiles do not exist yet: the profile is UNSIGNED"],
  ["attest", "the bundle brings no attest of a TPM"],
  ["certified", "the bundle brings no attest of a TPM"],
  ["attributes", "the bundle brings no attest of a TPM"],
  ["attester", "the bundle brings no attest of a TPM"],
  ["certificate", "the bundle brings no certificate"],
  ["roots", "the bundle brings no certificate"],
  ["endorsement", "the bundle brings no certificate of an endorsement key"],
  ["outside", "nobody outside has put a time or a name to this checkpoint, in this bundle"],
  ["anchor", "the bundle brings no anchor of a TPM over this checkpoint"],
  ["stamp", "the bundle brings no time stamp over this checkpoint"],
]);

const REPLAY = "not done by this page: holdpoint evidence verify FOLDER --replay does";

const LOG: ReadonlyMap<string, string> = new Map<CheckId, string>([
  ["links", "no segment is here"],
  ["signed-commits", "no commit here is signed by the key of its interval"],
  ["consistency", "no two checkpoints that follow one another are here with a proof"],
  ["counters", "no TPM signed here"],
  ["held", "name a checkpoint or bundle that you kept from before, above"],
  ["boots", "no run begins in these segments"],
  ["parts", "no profile and no snapshot is in these segments"],
  ["outcomes", "no command is in these segments"],
  ["safe-steps", "no safe step is in these segments"],
  ["beginning", "these segments begin where the log does"],
  ["anchors", "none is in these segments"],
  ["anchor-signatures", "no anchor is in these segments"],
  ["stamps", "no time stamp is in these segments"],
  ["tokens", "no checkpoint here names a time stamp"],
  ["stamp-signatures", "no time stamp is in these segments"],
  ["verdicts", REPLAY],
  ["facts", REPLAY],
]);
