import type { NoticeBody, NoticeValue } from "../record/entry.js";
import type { Raw, Us } from "../units.js";

/**
 * A value taken over from the device at boot or from somebody else's write, by a read sent at `atUs`
 * after every unresolved write could no longer arrive: it becomes proven, and nothing stays planned.
 */
export function adoptedNotice(output: number, raw: Raw, atUs: Us): NoticeBody {
  return notice("adopted", [
    ["output", output],
    ["raw", raw],
    ["at-us", atUs],
  ]);
}

/**
 * A later read-back, sent at `atUs`. `raw` null: the value is no longer trusted and becomes unknown.
 * `settles`: newest permit that can surely no longer change the output; planned writes up to and with it
 * are gone. Null settles none.
 */
export function readBackNotice(
  output: number,
  raw: Raw | null,
  atUs: Us,
  settles: number | null,
): NoticeBody {
  return notice("read-back", [
    ["output", output],
    ["raw", raw],
    ["at-us", atUs],
    ["settles", settles],
  ]);
}

/** Evidence can, or can not, be made as it must be, and why. Without it nothing is released. */
export function evidenceNotice(writable: boolean, why: string | null = null): NoticeBody {
  return notice("evidence", [
    ["writable", writable],
    ...(why === null ? [] : [["why", why] as const]),
  ]);
}

/** Checkpoints are, or are not, signed. It only informs. */
export function signingNotice(signed: boolean, why: string | null): NoticeBody {
  return notice("signing", [
    ["signed", signed],
    ["why", why],
  ]);
}

/** The log lags behind the TPM's counters, or is of another TPM: entries are gone, and it is taken for damaged. */
export function logLostNotice(why: string): NoticeBody {
  return notice(LOG_LOST, [["why", why]]);
}

/** What a notice changes in the kernel's state; null: nothing (it only informs). */
export type StateNotice =
  | { readonly kind: "adopted"; readonly output: number; readonly raw: Raw; readonly atUs: Us }
  | {
      readonly kind: "read-back";
      readonly output: number;
      readonly raw: Raw | null;
      readonly atUs: Us;
      readonly settles: number | null;
    }
  | { readonly kind: "evidence"; readonly writable: boolean }
  | { readonly kind: "log-lost" };

/** The builders' inverse. A notice of these names that lacks a key is taken for one that only informs. */
export function readNotice(body: NoticeBody): StateNotice | null {
  const details = body.details;
  if (details === null) return null;
  if (body.what === "evidence") {
    const writable = details.get("writable");
    return typeof writable === "boolean" ? { kind: "evidence", writable } : null;
  }
  if (body.what === LOG_LOST) return { kind: "log-lost" };
  const output = details.get("output");
  const raw = details.get("raw");
  const atUs = details.get("at-us");
  if (typeof output !== "number" || typeof atUs !== "number") return null;
  if (body.what === "adopted") {
    return typeof raw === "number" ? { kind: "adopted", output, raw, atUs } : null;
  }
  const settles = details.get("settles");
  if (body.what !== "read-back" || !isNumberOrNull(raw) || !isNumberOrNull(settles)) return null;
  return { kind: "read-back", output, raw, atUs, settles };
}

const LOG_LOST = "log-lost";

function notice(what: string, details: readonly (readonly [string, NoticeValue])[]): NoticeBody {
  return { type: "notice", what, details: new Map(details) };
}

function isNumberOrNull(value: NoticeValue | undefined): value is number | null {
  return value === null || typeof value === "number";
}
