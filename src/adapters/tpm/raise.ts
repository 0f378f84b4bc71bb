import { askCounter, askRaise } from "./ask.js";
import type { TpmCounter } from "./counters.js";
import { faultOf, type TpmResult } from "./result.js";
import type { TpmProcess } from "./tpm-process.js";

/**
 * Raises the counter and gives its value, which is above `above` (the highest value seen so far) or there is a fault.
 * The increment is sent once. When its process died over it, the counter is read by the next one: above `above` it was
 * raised, else it stays `unknown` and may still be.
 */
export async function raiseSurely(
  tpm: TpmProcess,
  counter: TpmCounter,
  above: bigint,
): Promise<TpmResult<bigint>> {
  const raised = await tpm.ask(askRaise(counter, above));
  if (raised.ok || raised.fault.kind !== "unknown") return raised;
  const read = await tpm.ask(askCounter(counter));
  if (read.ok && read.value > above) return read;
  const says = read.ok ? "the counter stands where it stood" : read.fault.says;
  return faultOf("unknown", `whether the counter was raised is not known: ${says}`);
}
