/** The PLC's register map and memory. Addresses are zero-based, as in the PDU. */
export type Table = "co" | "di" | "ir" | "hr";

/** What is served, per table, first and last address of each stretch. Everything else is exception 2. */
export const REGISTER_MAP = {
  co: [[0, 2]],
  di: [
    [0, 0],
    [4, 5],
    [8, 13],
  ],
  ir: [
    [0, 0],
    [10, 13],
    [20, 21],
    [30, 31],
    [98, 149],
    [200, 201],
  ],
  hr: [
    [40, 42],
    [60, 60],
    [200, 201],
  ],
} as const;

export const ILLEGAL_ADDRESS = 2;
export const ILLEGAL_VALUE = 3;

export type PlcReply =
  | { readonly kind: "read"; readonly words: readonly number[] }
  | { readonly kind: "written" }
  | { readonly kind: "exception"; readonly code: number };

/** Bits are 0 and 1. `put` is the program's side and reaches every table; `write` is the wire's. */
export type Registers = {
  readonly read: (table: Table, address: number, quantity: number) => PlcReply;
  readonly write: (table: "co" | "hr", address: number, words: readonly number[]) => PlcReply;
  readonly get: (table: Table, address: number) => number;
  readonly put: (table: Table, address: number, word: number) => void;
};

/** More than the map reaches. */
const MEMORY_WORDS = 256;

/** Whatever was never put or written reads 0. A write is done whole or not at all. */
export function createRegisters(): Registers {
  const memory = {
    co: new Uint16Array(MEMORY_WORDS),
    di: new Uint16Array(MEMORY_WORDS),
    ir: new Uint16Array(MEMORY_WORDS),
    hr: new Uint16Array(MEMORY_WORDS),
  };
  const get = (table: Table, address: number): number => memory[table][address] ?? 0;
  return {
    get,
    put: (table, address, word) => (memory[table][address] = word),
    read: (table, address, quantity) => {
      if (!isMapped(table, address, quantity)) return { kind: "exception", code: ILLEGAL_ADDRESS };
      const words: number[] = [];
      for (let at = address; at < address + quantity; at++) words.push(get(table, at));
      return { kind: "read", words };
    },
    write: (table, address, words) => {
      if (!isMapped(table, address, words.length)) {
        return { kind: "exception", code: ILLEGAL_ADDRESS };
      }
      const most = table === "co" ? 1 : 0xffff;
      if (words.some((word) => !Number.isInteger(word) || word < 0 || word > most)) {
        return { kind: "exception", code: ILLEGAL_VALUE };
      }
      memory[table].set(words, address);
      return { kind: "written" };
    },
  };
}

/** All of it within one stretch: a hole between two of them is not served. */
function isMapped(table: Table, address: number, quantity: number): boolean {
  if (!Number.isInteger(address) || !Number.isInteger(quantity) || quantity < 1) return false;
  return REGISTER_MAP[table].some(
    ([first, last]) => address >= first && address + quantity - 1 <= last,
  );
}
