import { REASONS, type Reason, type ReasonCode } from "./reason.js";

/** A reason; what is not said of it is null. Times are rounded up, so that waiting them out is enough. */
export function because(code: ReasonCode, about: Partial<Omit<Reason, "code">> = {}): Reason {
  const freeUs = about.freeUs ?? null;
  const limit = about.limit ?? null;
  return {
    code,
    rule: about.rule ?? null,
    output: about.output ?? null,
    limit: limit !== null && Number.isFinite(limit) ? limit : null,
    freeUs: freeUs !== null && Number.isFinite(freeUs) ? Math.max(0, Math.ceil(freeUs)) : null,
  };
}

/** In the catalogue's order, so that the first one is what a Modbus client is told; equals keep their order. */
export function inCatalogueOrder(reasons: readonly Reason[]): readonly Reason[] {
  if (reasons.length < 2) return reasons;
  return [...reasons].sort((a, b) => placeOf(a.code) - placeOf(b.code));
}

const PLACES: ReadonlyMap<ReasonCode, number> = new Map(
  REASONS.map((entry, place) => [entry.code, place]),
);

function placeOf(code: ReasonCode): number {
  return PLACES.get(code) ?? REASONS.length;
}
