export function tellVectors(
  counts: ReadonlyMap<string, number>,
  options: { readonly mustRun: boolean },
): { readonly summary: string; readonly failures: readonly string[] };
