import { describe, expect, it } from "vitest";
import { DeviceLine } from "../../../src/guard/device-line.js";
import type {
  PlcLink,
  ReadResult,
  SouthRead,
  SouthWrite,
  WriteResult,
} from "../../../src/guard/ports.js";
import type { Block } from "../../../src/kernel/image/read-plan.js";
import type { Input } from "../../../src/kernel/step/input.js";

/** A link that notes what goes on the wire and answers when told. */
class WireLink {
  readonly wire: string[] = [];
  up = true;
  closed = false;
  #answer: (() => void) | null = null;
  readonly #idle: (() => void)[] = [];
  readonly #link: ((up: boolean, why: string) => void)[] = [];
  readonly port: PlcLink = {
    idle: () => this.up && this.#answer === null,
    write: (write: SouthWrite, settled: (result: WriteResult) => void) => {
      this.wire.push(`write ${write.address}`);
      this.#answer = () => {
        settled({ kind: "acknowledged", reply: new Uint8Array(0) });
      };
    },
    read: (read: SouthRead, settled: (result: ReadResult) => void) => {
      this.wire.push(`read ${read.address}`);
      this.#answer = () => {
        const words = Array.from({ length: read.quantity }, (_, place) => read.address + place);
        settled({ kind: "read", sentUs: 1, words });
      };
    },
    onLink: (run) => void this.#link.push(run),
    onIdle: (run) => void this.#idle.push(run),
    close: () => void (this.closed = true),
  };

  answer(): void {
    const answer = this.#answer;
    this.#answer = null;
    answer?.();
    for (const run of this.#idle) run();
  }

  set(up: boolean): void {
    this.up = up;
    for (const run of this.#link) run(up, "test");
  }
}

const block = (address: number): Block => ({
  device: 0,
  table: "hr",
  address,
  quantity: 1,
  inputs: [],
  outputs: [],
  alive: false,
  identity: false,
});

const write = (address: number): SouthWrite => ({
  device: 0,
  table: "hr",
  address,
  data: { kind: "words", words: [1] },
});

function safeWrite(address: number) {
  return { kind: "safe-write", device: 0, output: 0, attempt: 1, write: write(address) } as const;
}

function make(options: { readonly safe?: boolean; readonly blocks?: readonly Block[] } = {}) {
  const main = new WireLink();
  const safe = options.safe === true ? new WireLink() : null;
  const told: Input[] = [];
  const patched: [address: number, words: number][] = [];
  const state = { waiting: 0, busy: false, nowUs: 0 };
  const halt = { next: false };
  const line: DeviceLine = new DeviceLine({
    device: 0,
    blocks: [block(1), block(2), block(3), ...(options.blocks ?? [])],
    link: main.port,
    safeLink: safe?.port ?? null,
    nowUs: () => state.nowUs,
    busy: () => state.busy,
    waiting: () => state.waiting,
    next: () => (state.waiting === 0 ? null : write(99 + state.waiting)),
    polled: () => undefined,
    patched: (read, words) => {
      patched.push([read.address, words.length]);
    },
    tell: (input) => {
      told.push(input);
      if (halt.next && input.kind === "line-free") line.halt();
      if (halt.next || input.kind !== "line-free" || state.waiting === 0) return;
      state.waiting -= 1;
      line.send(state.waiting, write(100 + state.waiting), 1_000);
    },
  });
  main.set(true);
  safe?.set(true);
  return { main, safe, told, patched, state, halt, line };
}

describe("a device's line", () => {
  it("polls every planned block in order, one at a time", () => {
    const { main, line } = make();
    line.poll();
    expect(main.wire).toEqual(["read 1"]);
    main.answer();
    main.answer();
    main.answer();
    expect(main.wire).toEqual(["read 1", "read 2", "read 3"]);
  });

  it("that is halted puts nothing more on the wire, whatever waits and comes, and keeps its link open", () => {
    const { main, safe, line, state } = make({ safe: true });
    line.poll();
    line.addRead({ table: "hr", address: 9, quantity: 1 }, () => undefined);
    state.waiting = 2;
    line.halt();
    main.answer();
    line.addSafe(safeWrite(5));
    line.poll();
    line.pump();
    main.set(true);
    main.answer();
    line.close();
    expect(main.wire).toEqual(["read 1"]);
    expect(safe?.wire).toEqual([]);
    expect(main.closed).toBe(false);
  });

  it("that is halted while it asks for a permit sends nothing instead", () => {
    const { main, line, state, halt } = make();
    line.addRead({ table: "hr", address: 9, quantity: 1 }, () => undefined);
    state.waiting = 1;
    halt.next = true;
    line.pump();
    expect(main.wire).toEqual([]);
  });

  it("gives due polls and permits turns, so that neither starves the other", () => {
    const { main, line, state } = make();
    state.waiting = 4;
    line.poll();
    for (let answers = 0; answers < 3; answers++) main.answer();
    line.poll();
    for (let answers = 0; answers < 8; answers++) main.answer();
    expect(main.wire).toEqual([
      "read 1",
      "write 103",
      "read 2",
      "write 102",
      "read 3",
      "write 101",
      "write 100",
    ]);
  });

  it("sends nothing that has become too old since its second look [HP-032 refuses]", () => {
    const { main, told, line } = make();
    line.send(7, write(40), 1_000);
    main.answer();
    expect(main.wire).toEqual(["write 40"]);
    const late = make();
    late.state.nowUs = 1_001;
    late.line.send(8, write(41), 1_000);
    expect(late.main.wire).toEqual([]);
    expect(told.at(-1)).toMatchObject({ seq: 7, result: { kind: "acknowledged" } });
    const result = { kind: "not-sent", cause: "too-late" };
    expect(late.told.at(-1)).toMatchObject({ seq: 8, result });
  });

  it("puts a read-back before a permit that would hide what it is to show", () => {
    const { main, line, state } = make();
    line.poll();
    line.addRead({ table: "hr", address: 100, quantity: 1 }, () => undefined);
    state.waiting = 1;
    for (let answers = 0; answers < 6; answers++) main.answer();
    expect(main.wire).toEqual(["read 1", "read 100", "read 2", "write 100", "read 3"]);
  });

  it("lets permits for other registers go first, and reads back at once when none waits", () => {
    const { main, line, state } = make();
    const seen: unknown[] = [];
    state.waiting = 2;
    line.addRead({ table: "hr", address: 50, quantity: 1 }, (answer) => seen.push(answer?.words));
    line.pump();
    for (let answers = 0; answers < 3; answers++) main.answer();
    expect(main.wire).toEqual(["write 101", "write 100", "read 50"]);
    expect(seen).toEqual([[50]]);
  });

  it("reads back neighbours of one poll block in one request and hands each its own words", () => {
    const { main, line, patched } = make({ blocks: [{ ...block(40), quantity: 20 }] });
    const seen: unknown[] = [];
    for (const address of [52, 44, 70]) {
      line.addRead({ table: "hr", address, quantity: 2 }, (answer) => seen.push(answer?.words));
    }
    line.pump();
    main.answer();
    main.answer();
    expect(main.wire).toEqual(["read 44", "read 70"]);
    expect(seen).toEqual([
      [52, 53],
      [44, 45],
      [70, 71],
    ]);
    expect(patched).toEqual([
      [44, 10],
      [70, 2],
    ]);
  });

  it("does not let read-backs starve behind permits that keep coming", () => {
    const { main, line, state } = make();
    state.waiting = 100;
    line.addRead({ table: "hr", address: 50, quantity: 1 }, () => undefined);
    line.pump();
    main.answer();
    expect(main.wire.at(-1)).toMatch(/^write/);
    state.nowUs = 20_000;
    main.answer();
    expect(main.wire.at(-1)).toBe("read 50");
  });

  it("reads back where the kernel gives no permit out after all", () => {
    const { main, line, state, told } = make();
    // The line is full as the kernel sees it: it is asked and sends nothing.
    Object.defineProperty(state, "waiting", { get: () => 1, set: () => undefined });
    state.nowUs = 1_001;
    line.addRead({ table: "hr", address: 50, quantity: 1 }, () => undefined);
    line.pump();
    expect(told.some(({ kind }) => kind === "line-free")).toBe(true);
    expect(main.wire).toEqual(["read 50"]);
  });

  it("asks the kernel for a permit only when it can be on the wire at once", () => {
    const { told, main, line, state } = make();
    line.poll();
    state.waiting = 1;
    line.pump();
    expect(told.filter(({ kind }) => kind === "line-free")).toEqual([]);
    main.answer();
    expect(told.filter(({ kind }) => kind === "line-free")).toHaveLength(1);
  });

  it("does nothing while a step of the kernel runs, and does not go round for ever after a refusal", () => {
    const { main, line, state } = make();
    state.waiting = 1;
    state.busy = true;
    line.pump();
    expect(main.wire).toEqual([]);
    const stuck = make();
    Object.defineProperty(stuck.state, "waiting", { get: () => 1, set: () => undefined });
    stuck.line.pump();
    expect(stuck.told.filter(({ kind }) => kind === "line-free").length).toBeLessThan(3);
  });

  it("sends safe writes on the link kept ready for them, whatever the other one waits for", () => {
    const { main, safe, line } = make({ safe: true });
    line.poll();
    line.addSafe(safeWrite(9));
    line.pumpSafe();
    expect(main.wire).toEqual(["read 1"]);
    expect(safe?.wire).toEqual(["write 9"]);
  });

  it("sends safe writes first where there is one link only, before polls and permits", () => {
    const { main, line, state } = make();
    line.poll();
    state.waiting = 1;
    line.addSafe(safeWrite(9));
    main.answer();
    expect(main.wire).toEqual(["read 1", "write 9"]);
  });

  it("falls back to the common link when the one kept ready is away", () => {
    const { main, safe, line } = make({ safe: true });
    safe?.set(false);
    line.addSafe(safeWrite(9));
    line.pumpSafe();
    expect(main.wire).toEqual(["write 9"]);
  });

  it("tells the kernel that a safe write was not sent when there is no link at all", () => {
    const { main, told, line } = make();
    main.set(false);
    line.addSafe(safeWrite(9));
    line.pumpSafe();
    const result = { kind: "not-sent", cause: "no-line" };
    expect(told.at(-1)).toMatchObject({ kind: "safe-write-settled", result });
  });

  it("gives up what waits when the link goes down, and polls nothing until it is back", () => {
    const { main, told, line } = make();
    let read: unknown = "none yet";
    line.poll();
    line.addRead({ table: "hr", address: 50, quantity: 1 }, (result) => {
      read = result;
    });
    main.set(false);
    expect(read).toBeNull();
    expect(told).toContainEqual({ kind: "device-link", device: 0, up: false, why: "test" });
    const before = main.wire.length;
    line.poll();
    expect(main.wire).toHaveLength(before);
  });

  it("counts a poll round that comes due before the last one is through, and does not pile them up", () => {
    const { main, line } = make();
    line.poll();
    line.poll();
    line.poll();
    expect(line.overruns).toBe(2);
    for (let answers = 0; answers < 9; answers++) main.answer();
    expect(main.wire).toEqual(["read 1", "read 2", "read 3"]);
  });
});
