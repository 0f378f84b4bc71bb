import type { CommandArrived } from "../kernel/step/input.js";

/**
 * Commands that have come in and are not with the kernel yet: a bounded queue for each controller, served
 * in turn, so that one controller's flood costs the others nothing. Beats, people's acts and faults do not
 * come here: they go straight to the kernel.
 */
export class Inbox {
  readonly #queues: CommandArrived[][];
  readonly #most: number;
  #next = 0;
  #length = 0;

  constructor(controllers: number, mostPerController: number) {
    this.#queues = Array.from({ length: controllers }, () => []);
    this.#most = mostPerController;
  }

  get length(): number {
    return this.#length;
  }

  /** False: this controller's queue is full, and the command was not taken. */
  push(command: CommandArrived): boolean {
    const queue = this.#queues[command.controller];
    if (queue === undefined || queue.length >= this.#most) return false;
    queue.push(command);
    this.#length += 1;
    return true;
  }

  /** The next in turn among controllers that `mayGo` lets through; null when there is none. */
  take(mayGo: (controller: number) => boolean): CommandArrived | null {
    for (let left = this.#queues.length; left > 0; left--) {
      const controller = this.#next;
      this.#next = (this.#next + 1) % this.#queues.length;
      const queue = this.#queues[controller];
      if (queue === undefined || queue.length === 0 || !mayGo(controller)) continue;
      const command = queue.shift();
      if (command === undefined) continue;
      this.#length -= 1;
      return command;
    }
    return null;
  }

  /** Takes a command out again, its client being gone; null when it is not here (any more). */
  withdraw(ticket: number): CommandArrived | null {
    for (const queue of this.#queues) {
      const at = queue.findIndex((command) => command.ticket === ticket);
      if (at < 0) continue;
      const [command = null] = queue.splice(at, 1);
      this.#length -= 1;
      return command;
    }
    return null;
  }
}
