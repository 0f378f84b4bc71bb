import * as z from "zod";
import type { ProfileModel } from "../../kernel/profile/model.js";
import type { Path } from "../document/tree.js";
import { count, name, shaped } from "../schema-parts.js";
import { complain, takeElement, warn } from "../source.js";
import type { Source } from "../source.js";

const date = shaped(/^\d{4}-\d{2}-\d{2}$/, "a date", "2026-11-01");

const validity = z.strictObject({
  from: date,
  until: date.describe("Until the end of the day before, UTC."),
  at_expiry: z.enum(["alarm", "holding", "safe_state"]),
});
const signers = z.strictObject({ need: count(16), of: z.array(name).min(1).max(16) });

const header = {
  profile: name,
  schema: z.literal(1),
  revision: z
    .int("a revision is a whole number")
    .min(1, "a revision is at least 1")
    .max(2 ** 32 - 1),
  valid: validity,
  signers,
  restart: z.enum(["hold", "safe_state"]),
};

type HeaderKey = "profile" | "schema" | "revision" | "valid" | "signers" | "restart";
export const headerSchemas: Readonly<Record<HeaderKey, z.ZodType>> = header;

export type Header = Pick<ProfileModel, "name" | "schema" | "revision" | "valid" | "restart">;

/** Name, revision, validity and restart; null: something of it was complained about. */
export function readHeader(source: Source): Header | null {
  const profile = takeElement(source, ["profile"], header.profile);
  const revision = takeElement(source, ["revision"], header.revision);
  const restart = takeElement(source, ["restart"], header.restart);
  const valid = readValidity(source, ["valid"]);
  checkSigners(source, ["signers"]);
  if (profile === null || revision === null || restart === null || valid === null) return null;
  return {
    name: profile,
    schema: 1,
    revision,
    valid,
    restart: restart === "safe_state" ? "safe-state" : restart,
  };
}

function readValidity(source: Source, path: Path): Header["valid"] | null {
  const file = takeElement(source, path, validity);
  if (file === null) return null;
  const fromUtcUs = readDate(source, [...path, "from"], file.from);
  const untilUtcUs = readDate(source, [...path, "until"], file.until);
  if (fromUtcUs === null || untilUtcUs === null) return null;
  if (untilUtcUs <= fromUtcUs) {
    complain(source, [...path, "until"], {
      message: "ends before it begins",
      hint: "until: is a later day",
    });
  }
  if (file.at_expiry !== "alarm") {
    const hint = "at_expiry: alarm, and a person who looks at it";
    const message = `this release cannot go to ${file.at_expiry} when the profile expires`;
    complain(source, [...path, "at_expiry"], { message, hint });
  }
  return { fromUtcUs, untilUtcUs, atExpiry: "alarm" };
}

/** Midnight UTC of a calendar day in microseconds since 1970, by arithmetic: a pure folder has no Date. */
function readDate(source: Source, path: Path, text: string): number | null {
  const [year = NaN, month = NaN, day = NaN] = text.split("-").map(Number);
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  const length = lengths[month - 1];
  if (length === undefined || day < 1 || day > length || year < 1970) {
    complain(source, path, {
      message: `there is no day ${text}`,
      hint: "write it like  2026-11-01",
    });
    return null;
  }
  const before = lengths.slice(0, month - 1).reduce((sum, days) => sum + days, 0);
  const years = year - 1970;
  const leaps =
    Math.floor((year - 1) / 4) - Math.floor((year - 1) / 100) + Math.floor((year - 1) / 400) - 477;
  return (years * 365 + leaps + before + day - 1) * 86_400_000_000;
}

function checkSigners(source: Source, path: Path): void {
  const file = takeElement(source, path, signers);
  if (file === null) return;
  const distinct = new Set(file.of);
  if (distinct.size < file.of.length) {
    complain(source, [...path, "of"], {
      message: "a signer is named twice",
      hint: "each signs once",
    });
  }
  if (file.need > distinct.size) {
    const message = `${file.need} of ${distinct.size} signers can never sign`;
    complain(source, [...path, "need"], { message, hint: "need: is at most how many are named" });
  }
  warn(source, path, {
    message: "this release does not check signatures: the profile is UNSIGNED",
    hint: "whoever can change the file can change the rules",
  });
}
