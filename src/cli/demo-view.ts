import colors from "picocolors";
import type { EntryView } from "../guard/entry-view.js";
import type { GuardStatus } from "../guard/status.js";
import type { PlantView } from "./demo-parts.js";

const CLEAR = "\u001B[H\u001B[2J";
const ROWS = 14;

export type Screen = {
  /** Null: there is none, or it does not answer now. */
  readonly status: GuardStatus | null;
  readonly guarded: boolean;
  readonly plant: PlantView;
  readonly controller: string;
  readonly evidence: string;
};

/** Shows the demo as it runs: a table that is drawn anew on a terminal, else a line for each thing that happens. */
export class DemoView {
  readonly #live: boolean;
  readonly #write: (text: string) => void;
  readonly #paint: ReturnType<typeof colors.createColors>;
  #rows: string[] = [];

  constructor(
    options: { readonly live: boolean; readonly color: boolean },
    write: (text: string) => void,
  ) {
    this.#live = options.live;
    this.#write = write;
    this.#paint = colors.createColors(options.color);
  }

  add(view: EntryView): void {
    const row = this.#describe(view);
    if (row === null) return;
    if (this.#live) this.#rows = [...this.#rows, row].slice(-ROWS);
    else this.#write(`${row}\n`);
  }

  /** On a terminal only; elsewhere one short line now and then is the caller's `note`. */
  draw(screen: Screen): void {
    if (this.#live) this.#write(`${CLEAR}${this.#head(screen)}\n\n${this.#rows.join("\n")}\n`);
  }

  note(screen: Screen): void {
    if (!this.#live) this.#write(`${this.#head(screen).split("\n").join("  |  ")}\n`);
  }

  #head({ status, guarded, plant, controller, evidence }: Screen): string {
    const { bold, dim, yellow } = this.#paint;
    const pumps = plant.pumps.map((hz) => (hz === null ? "off" : `${hz.toFixed(1)} Hz`));
    const floats = plant.onFloats ? yellow(" on its own floats") : "";
    const mode = status?.mode ?? "not known";
    const tripped =
      status === null || status.latched.length === 0
        ? ""
        : yellow(` tripped: ${status.latched.join(", ")}`);
    const head =
      status === null
        ? ""
        : `${status.evidence.size} entries, head ${status.evidence.root.slice(0, 16)}, key: ${status.evidence.key}`;
    return [
      guarded
        ? `${bold("holdpoint demo")}  ${yellow("UNSIGNED")}  split: NOT ENFORCED  mode ${bold(mode)}${tripped}`
        : `${bold("holdpoint demo")}  ${yellow("UNGUARDED: nothing stands between controller and PLC")}`,
      `plant       ${plant.plantS.toFixed(0)} s, ${plant.mode}${floats}: level ${plant.levelM.toFixed(2)} m, pumps ${pumps.join(" / ")}, valve ${(plant.valve * 100).toFixed(0)} %, ${plant.pressureBar.toFixed(2)} bar, ${plant.writes} writes received`,
      `controller  ${controller}`,
      `evidence    ${head}${head === "" ? "" : "; "}${dim(evidence)}`,
    ].join("\n");
  }

  #describe(view: EntryView): string | null {
    const { green, red, yellow, dim } = this.#paint;
    const number = dim(`#${view.seq}`.padEnd(7));
    if (view.type !== "decision") {
      return view.type === "outcome" ? null : `${number} ${view.type.padEnd(8)} ${view.text}`;
    }
    const paint = view.verdict === "permit" ? green : view.verdict === "clamp" ? yellow : red;
    const why = view.why === "" ? "" : `  ${dim(view.why)}`;
    return `${number} ${paint(view.verdict.toUpperCase().padEnd(8))} ${view.who}: ${view.what}${why}`;
  }
}
