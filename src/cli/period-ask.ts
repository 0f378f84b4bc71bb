import { Refusal } from "./output.js";

/** What a person asked to have proven; both ends of a period are in it. */
export type Ask =
  | { readonly kind: "entry"; readonly seq: number }
  | { readonly kind: "numbers"; readonly from: number; readonly to: number }
  /** UTC, in microseconds. */
  | { readonly kind: "times"; readonly fromUs: number; readonly toUs: number };

export type AskFlags = {
  readonly seq?: number;
  readonly from?: string;
  readonly to?: string;
  readonly fromSeq?: number;
  readonly toSeq?: number;
};

/** Exactly one entry, or one period with both its ends. A Refusal says what is missing or too much. */
export function readAsk(flags: AskFlags): Ask {
  const { seq, from, to, fromSeq, toSeq } = flags;
  const isTimes = from !== undefined || to !== undefined;
  const isNumbers = fromSeq !== undefined || toSeq !== undefined;
  if ([seq !== undefined, isTimes, isNumbers].filter(Boolean).length !== 1) {
    throw new Refusal(`${WHICH}: one of the three`, 2);
  }
  if (seq !== undefined) return { kind: "entry", seq };
  if (isNumbers) {
    if (fromSeq === undefined || toSeq === undefined) throw new Refusal(BOTH_NUMBERS, 2);
    if (fromSeq <= toSeq) return { kind: "numbers", from: fromSeq, to: toSeq };
    throw new Refusal(`--from-seq ${fromSeq} comes after --to-seq ${toSeq}: exchange them`, 2);
  }
  if (from === undefined || to === undefined) throw new Refusal(BOTH_TIMES, 2);
  const [fromUs, toUs] = [readTime("--from", from).firstUs, readTime("--to", to).lastUs];
  if (fromUs <= toUs) return { kind: "times", fromUs, toUs };
  throw new Refusal(`--from ${from} comes after --to ${to}: exchange them`, 2);
}

const WHICH =
  "name what to prove: --seq N for one entry, --from TIME --to TIME or --from-seq N --to-seq N for a period";
const BOTH_NUMBERS = "a period has two ends: --from-seq N --to-seq N, both of them in it";
const BOTH_TIMES = "a period has two ends: --from TIME --to TIME, both of them in it";

const DAY_US = 86_400_000_000;
const TIME = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2})(:\d{2})?(?:\.(\d{1,6}))?(Z)?)?$/;

/** First and last microsecond of what the text names: a moment, or the whole UTC day where it names one. */
function readTime(
  flag: string,
  text: string,
): { readonly firstUs: number; readonly lastUs: number } {
  const such = "2026-11-23T14:05:00Z, or 2026-11-23 for the whole day in UTC";
  if (/^\d+$/.test(text)) {
    const wanted = `an evidence number is named with ${flag}-seq`;
    throw new Refusal(`${flag} ${text} is no time (such as ${such}); ${wanted}`, 2);
  }
  const [, day = "", minutes, seconds = ":00", fraction = "", zone] = TIME.exec(text) ?? [];
  if (minutes !== undefined && zone === undefined) {
    throw new Refusal(`${flag} ${text} names no zone: put a Z behind it, times are UTC`, 2);
  }
  const plain = `${day}T${minutes ?? "00:00"}${minutes === undefined ? ":00" : seconds}.000Z`;
  const atMs = Date.parse(plain);
  // What the calendar does not have (30 February) would be read as another day.
  if (Number.isNaN(atMs) || new Date(atMs).toISOString() !== plain) {
    throw new Refusal(`${flag} ${text} is no time in UTC, such as ${such}`, 2);
  }
  const firstUs = atMs * 1000 + Number(fraction.padEnd(6, "0"));
  return { firstUs, lastUs: minutes === undefined ? firstUs + DAY_US - 1 : firstUs };
}
