import type { TextSink } from "./output.js";

/** Shorter work shows nothing. */
const PATIENCE_MS = 1_000;
/** Least time between two drawings. */
const REDRAW_MS = 200;
const BAR_CELLS = 20;
const ERASE = "\r\u001B[2K";

/**
 * How far a reading of many bytes has come, on one line that is drawn anew and at last erased. Nothing is ever
 * written where no person sits, nor in the first second.
 */
export class Progress {
  readonly #sink: TextSink;
  readonly #total: number;
  readonly #nowMs: () => number;
  readonly #startMs: number;
  #drawnMs: number;
  #done = 0;
  #isDrawn = false;

  /** `total` in bytes. */
  constructor(sink: TextSink, total: number, nowMs: () => number = () => performance.now()) {
    this.#sink = sink;
    this.#total = total;
    this.#nowMs = nowMs;
    this.#startMs = nowMs();
    this.#drawnMs = this.#startMs + PATIENCE_MS - REDRAW_MS;
  }

  add(bytes: number): void {
    this.#done += bytes;
    if (this.#sink.isTTY !== true) return;
    const now = this.#nowMs();
    if (now - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = now;
    this.#isDrawn = true;
    this.#sink.write(`${ERASE}${this.#line(now - this.#startMs)}`);
  }

  /** Leaves the line empty. */
  end(): void {
    if (this.#isDrawn) this.#sink.write(ERASE);
    this.#isDrawn = false;
  }

  /** The log may grow while it is read: never more than all of it. */
  #line(elapsedMs: number): string {
    const share = this.#total === 0 ? 1 : Math.min(1, this.#done / this.#total);
    const full = Math.floor(share * BAR_CELLS);
    const bar = `[${"#".repeat(full)}${".".repeat(BAR_CELLS - full)}]`;
    const rate = elapsedMs === 0 ? 0 : (this.#done / elapsedMs) * 1000;
    const leftS = rate === 0 ? 0 : Math.max(0, this.#total - this.#done) / rate;
    const done = `${megabytes(this.#done)} of ${megabytes(this.#total)} MB`;
    return `${bar} ${Math.floor(share * 100)} %  ${done}  ${megabytes(rate)} MB/s  ${clockText(leftS)} left`;
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}

function clockText(seconds: number): string {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${(whole % 60).toString().padStart(2, "0")}`;
}
