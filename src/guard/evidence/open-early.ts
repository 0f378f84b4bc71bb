import { setTimeout as wait } from "node:timers/promises";
import type { Signer } from "../ports.js";

/** Null: no TPM is asked, or it has not answered in that time; what it says then is taken by the next who ask. */
export async function openEarly(
  signer: Signer,
  withinMs: number,
): Promise<Awaited<ReturnType<Required<Signer>["open"]>> | null> {
  if (signer.open === undefined) return null;
  const enough = new AbortController();
  const late = wait(withinMs, null, { signal: enough.signal }).catch(() => null);
  try {
    return await Promise.race([signer.open(), late]);
  } finally {
    enough.abort();
  }
}
