/** The name nearest to what was written (at most two edits, and not most of the word); null: none is near. */
export function nearestName(written: string, names: Iterable<string>): string | null {
  let best: string | null = null;
  let fewest = Math.min(3, Math.ceil(written.length / 2) + 1);
  for (const name of names) {
    if (Math.abs(name.length - written.length) >= fewest) continue;
    const edits = countEdits(written, name);
    if (edits < fewest) {
      fewest = edits;
      best = name;
    }
  }
  return best;
}

/** Ready for a hint; `among` is listed when nothing is near and the list is short enough to read. */
export function suggestName(written: string, among: Iterable<string>): string | null {
  const names = [...among];
  const near = nearestName(written, names);
  if (near !== null) return `did you mean ${near}?`;
  return names.length > 0 && names.length <= 16 ? `known here: ${names.join(", ")}` : null;
}

/** Levenshtein distance in one row. */
function countEdits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
