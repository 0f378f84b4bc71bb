import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { fieldsOf, type Browser, type Page } from "./browser.js";

/** A check, as the command line's JSON and the page give it. */
export type Check = {
  readonly id: string;
  readonly status: string;
  readonly looked: number;
  readonly faults: number;
  /** Of the first fault, with its place; empty: there is none. */
  readonly why: string;
  readonly note: string;
};

export type Shown = {
  readonly status: string;
  readonly checks: readonly Check[];
  /** Everything that can be read under the result. */
  readonly text: string;
};

const BUILD = fileURLToPath(new URL("../../clients/verifier-page/build.mjs", import.meta.url));

export function buildPage(file: string): void {
  execFileSync(process.execPath, [BUILD, file]);
}

/** The verifier page in a browser, and what a person would do with it. */
export class VerifierPage {
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
  }

  static async open(browser: Browser, file: string): Promise<VerifierPage> {
    return new VerifierPage(await browser.open(`file://${file}`));
  }

  async check(...files: readonly string[]): Promise<Shown> {
    await this.page.evaluate("document.getElementById('clear').click()");
    await this.page.pick("#evidence", files);
    return await this.read();
  }

  async drop(...files: readonly string[]): Promise<Shown> {
    await this.page.evaluate("document.getElementById('clear').click()");
    await this.page.drop("#drop", files);
    return await this.read();
  }

  /** With something to compare with; what was chosen before stays. */
  async hold(what: "trusted" | "earlier" | "profile", file: string): Promise<Shown> {
    await this.page.evaluate("document.getElementById('result').ariaBusy = 'true'");
    await this.page.pick(`#${what}`, [file]);
    return await this.read();
  }

  async read(): Promise<Shown> {
    const { status, checks, text } = fieldsOf(await this.page.evaluate(READ));
    if (!Array.isArray(checks)) throw new Error("the page shows no list of checks");
    return { status: String(status), checks: checks.map(checkOf), text: String(text) };
  }
}

/** Checks in `--json` of the command line. */
export function checksIn(json: string): readonly Check[] {
  const { checks } = fieldsOf(JSON.parse(json));
  if (!Array.isArray(checks)) throw new Error("no list of checks");
  return checks.map((check) => {
    const { first } = fieldsOf(check);
    if (first === undefined || first === null) return checkOf(check);
    const { place, why } = fieldsOf(first);
    const { segment, offset, seq } = fieldsOf(place);
    const where =
      fieldsOf(check)["id"] === "held"
        ? String(segment)
        : `${String(segment)}, byte ${String(offset)}, seq ${String(seq)}`;
    return { ...checkOf(check), why: `${where}: ${String(why)}` };
  });
}

function checkOf(value: unknown): Check {
  const { id, status, looked, faults, why, note } = fieldsOf(value);
  return {
    id: String(id),
    status: String(status),
    looked: Number(looked),
    faults: Number(faults),
    why: textOf(why),
    note: textOf(note),
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Once nothing is under way any more; a change is told to the page before this runs. */
const READ = `new Promise((resolve) => {
  const result = document.getElementById("result");
  const settle = () => {
    if (result.ariaBusy === "true" || result.hidden) return;
    observer.disconnect();
    const text = (element) => element === null ? "" : element.textContent;
    resolve({
      status: document.getElementById("status").textContent,
      text: result.textContent,
      checks: [...result.querySelectorAll("[data-check]")].map((row) => ({
        id: row.dataset.check,
        status: row.dataset.status,
        looked: Number(row.dataset.looked),
        faults: Number(row.dataset.faults),
        why: text(row.querySelector(".why")),
        note: text(row.querySelector(".note")),
      })),
    });
  };
  const observer = new MutationObserver(settle);
  observer.observe(result, { attributes: true, childList: true });
  settle();
})`;
