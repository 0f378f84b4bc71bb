type Event = { readonly atUs: number; readonly order: number; readonly run: () => void };

/** Things to come, by time; of equal times the one that was told first comes first. A binary heap. */
export class EventQueue {
  nowUs = 0;
  readonly #heap: Event[] = [];
  #order = 0;

  at(atUs: number, run: () => void): void {
    const event = { atUs: Math.max(atUs, this.nowUs), order: (this.#order += 1), run };
    let place = this.#heap.push(event) - 1;
    while (place > 0) {
      const above = (place - 1) >>> 1;
      const parent = this.#heap[above];
      if (parent === undefined || isBefore(parent, event)) break;
      this.#heap[place] = parent;
      place = above;
    }
    this.#heap[place] = event;
  }

  after(us: number, run: () => void): void {
    this.at(this.nowUs + us, run);
  }

  /** Time goes on to the next event, which is run; false: nothing is to come. */
  step(): boolean {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    if (first === undefined || last === undefined) return false;
    if (this.#heap.length > 0) this.#sink(last);
    this.nowUs = first.atUs;
    first.run();
    return true;
  }

  #sink(event: Event): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      const [left, right] = [heap[below], heap[below + 1]];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) below += 1;
      const child = heap[below];
      if (child === undefined || isBefore(event, child)) break;
      heap[place] = child;
      place = below;
    }
    heap[place] = event;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
}
