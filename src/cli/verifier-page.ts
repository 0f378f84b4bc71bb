import { readFile } from "node:fs/promises";
import { Refusal } from "./output.js";

/**
 * The verifier page as it was built, to go with an export: one HTML file that needs no other. Empty: no page was named.
 * A Refusal when it is missing.
 */
export async function pageFiles(
  stem: string,
  page: string | undefined,
): Promise<readonly { readonly path: string; readonly content: Uint8Array }[]> {
  if (page === undefined) return [];
  try {
    return [{ path: `${stem}.verify.html`, content: await readFile(page) }];
  } catch {
    throw new Refusal(
      `${page}: the page that goes with an export is missing; npm run build makes it`,
      2,
    );
  }
}

/** Its line in the table of an export's README. */
export function describePage(stem: string, page: string | undefined): string {
  if (page === undefined) return "";
  return `\n| \`${stem}.verify.html\` | the same checks in a browser, without a network: open it and drop the bundle on it |`;
}
