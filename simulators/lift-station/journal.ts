import type { Us } from "../../src/kernel/units.js";

/** One write as the PLC received it, in the order received. */
export type JournalEntry = {
  /** Counts every write from 1, also those the ring has let go. */
  readonly number: number;
  readonly plantUs: Us;
  /** Milliseconds since 1970 by this machine's clock; null in process, where there is none. */
  readonly wallMs: number | null;
  /** 5, 6 or 16. One coil of an FC15 stands as a 5: the server beneath does not say which it was. */
  readonly function: number;
  readonly unit: number;
  readonly table: "co" | "hr";
  readonly address: number;
  readonly words: readonly number[];
  /** Null: carried out; else the exception it was refused with. */
  readonly exception: number | null;
};

/** The newest `capacity` entries; `onEntry` sees every one. */
export type Journal = {
  readonly note: (entry: Omit<JournalEntry, "number">) => void;
  readonly entries: () => readonly JournalEntry[];
  readonly count: () => number;
  readonly onEntry: (run: (entry: JournalEntry) => void) => void;
};

export function createJournal(capacity: number): Journal {
  const ring: JournalEntry[] = [];
  const listeners: ((entry: JournalEntry) => void)[] = [];
  let count = 0;
  return {
    note: (write) => {
      const entry = { number: (count += 1), ...write };
      ring[(entry.number - 1) % capacity] = entry;
      for (const listen of listeners) listen(entry);
    },
    entries: () => {
      const oldest = count % capacity;
      return count <= capacity ? [...ring] : [...ring.slice(oldest), ...ring.slice(0, oldest)];
    },
    count: () => count,
    onEntry: (run) => listeners.push(run),
  };
}
