import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTimeStamp } from "../codec/rfc3161/time-stamp.js";
import { decodeBundle } from "../evidence/bundle.js";
import { hex } from "../evidence/hex.js";
import { readOutside } from "../evidence/outside.js";
import type { LogVerifier } from "../evidence/verify.js";
import type { FoundStamp } from "../evidence/verify-anchors.js";
import { sayUnsigned, type IsStamped } from "../evidence/verify-outside.js";
import { readNamed } from "./evidence-keys.js";
import { askOpenssl } from "./openssl.js";

/**
 * Who signed the time stamps of a log, by `openssl`, at the time that each names: it is to be judged alike in ten years.
 * Without roots nothing is said of it.
 */
export async function checkStamps(
  { findings, stamps, stampsBefore }: Pick<LogVerifier, "findings" | "stamps" | "stampsBefore">,
  roots: string | null,
): Promise<void> {
  if (stamps.length === 0) return;
  if (roots === null) {
    findings.note("stamp-signatures", "no time authority was named (--time-authority)");
    return;
  }
  await readNamed(roots);
  if (stampsBefore > 0) {
    const note = `only the newest ${stamps.length} were asked about, ${stampsBefore} before them were not`;
    findings.note("stamp-signatures", note);
  }
  for (const stamp of stamps) {
    findings.look("stamp-signatures");
    const why = sayUnsigned(await isStampSigned(stamp, roots));
    if (why !== null) findings.fault("stamp-signatures", stamp.place, why);
  }
}

/** Who signed the time stamps in a proof bundle, likewise; null: no roots were named. */
export async function judgeStamps(
  bundle: Uint8Array,
  roots: string | null,
): Promise<IsStamped | null> {
  if (roots === null) return null;
  await readNamed(roots);
  const read = decodeBundle(bundle);
  const outside = read.ok ? readOutside(read.bundle.outside) : null;
  const signed = new Map<string, boolean | null>();
  for (const { kind, token } of outside?.anchors ?? []) {
    const stamp = kind === "rfc3161" ? readTimeStamp(token) : null;
    if (stamp !== null) signed.set(hex(token), await isStampSigned({ ...stamp, token }, roots));
  }
  return (token) => {
    const answer = signed.get(hex(token));
    return answer === undefined ? false : answer;
  };
}

/** Also that it is over its imprint. Null: `openssl` is not installed. */
export async function isStampSigned(
  { token, imprint, utcS }: Pick<FoundStamp, "token" | "imprint" | "utcS">,
  roots: string,
): Promise<boolean | null> {
  const scratch = await mkdtemp(join(tmpdir(), "holdpoint-stamp-"));
  try {
    const file = join(scratch, "response.tsr");
    await writeFile(file, token, { mode: 0o600 });
    const how = ["-verify", "-digest", hex(imprint), "-in", file, "-CAfile", roots];
    return (await askOpenssl(["ts", ...how, "-attime", String(utcS)]))?.ok ?? null;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
