const REGISTERS = 4_096;
/** The guard sends the whole block every scan; a copy older than this is no longer shown. */
const MAX_AGE_US = 1_000_000;

/**
 * Registers of the gateway's own unit (definitions.md, own unit), one copy for each controller, as the
 * guard pushed them. Only pushed registers exist.
 */
export class OwnUnit {
  readonly #views: readonly View[];

  constructor(controllers: number) {
    this.#views = Array.from({ length: controllers }, () => ({
      known: new Uint8Array(REGISTERS),
      cells: new Uint8Array(REGISTERS * 2),
      takenHostUs: Number.NEGATIVE_INFINITY,
      beat: null,
    }));
  }

  store(push: { controller: number; start: number; words: Uint8Array }, nowHostUs: number): void {
    const view = this.#views[push.controller];
    const count = push.words.length >> 1;
    if (view === undefined || push.start + count > REGISTERS) return;
    view.cells.set(push.words.subarray(0, count * 2), push.start * 2);
    view.known.fill(1, push.start, push.start + count);
    view.takenHostUs = nowHostUs;
  }

  /** Value of holding register 0 from the last beat that the guard accepted. */
  storeBeat(controller: number, value: number): void {
    const view = this.#views[controller];
    if (view !== undefined) view.beat = value;
  }

  /**
   * PDU of a well-formed FC3 or FC4, or the exception code that answers it.
   * @param controller position, or null for a client that is nobody: it sees nothing
   */
  read(controller: number | null, ask: OwnAsk, nowHostUs: number): Uint8Array | 2 | 0x0b {
    const view = controller === null ? undefined : this.#views[controller];
    if (view === undefined) return 2;
    if (ask.function === 3) return readBeat(view, ask);
    const end = ask.address + ask.quantity;
    if (end > REGISTERS) return 2;
    for (let register = ask.address; register < end; register++) {
      if (view.known[register] !== 1) return 2;
    }
    if (nowHostUs - view.takenHostUs > MAX_AGE_US) return 0x0b;
    const pdu = new Uint8Array(2 + ask.quantity * 2);
    pdu[0] = ask.function;
    pdu[1] = ask.quantity * 2;
    pdu.set(view.cells.subarray(ask.address * 2, end * 2), 2);
    return pdu;
  }
}

type OwnAsk = { readonly function: 3 | 4; readonly address: number; readonly quantity: number };

type View = {
  readonly known: Uint8Array;
  readonly cells: Uint8Array;
  takenHostUs: number;
  beat: number | null;
};

function readBeat(view: View, ask: OwnAsk): Uint8Array | 2 {
  if (ask.address !== 0 || ask.quantity !== 1) return 2;
  const value = view.beat ?? 0;
  return Uint8Array.of(3, 2, value >> 8, value & 0xff);
}
