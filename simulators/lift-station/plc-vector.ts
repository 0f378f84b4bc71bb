import type { FCallback, FCallbackVal, IServiceVector } from "modbus-serial";
import type { PlcReply, Table } from "./registers.js";
import type { LiftStation, PlcWrite } from "./station.js";

/** How requests are answered; `of` limits it to reads or writes. A delayed or silent write is carried out all the same. */
export type AnswerFault =
  | { readonly kind: "none" }
  | { readonly kind: "delay"; readonly ms: number; readonly of: FaultScope }
  | { readonly kind: "exception"; readonly code: number; readonly of: FaultScope }
  | { readonly kind: "silence"; readonly of: FaultScope };
export type FaultScope = "all" | "reads" | "writes";

type VectorOptions = {
  readonly unit: number;
  readonly beforeRequest: () => void;
  readonly answers: () => AnswerFault;
};

type Ask = { readonly at: number; readonly quantity: number; readonly unit: number };

/**
 * The station as modbus-serial's server wants it: in its callback forms throughout, the only ones that let an answer
 * wait. Arrays are written by `setRegisterArray`, because register by register that server acknowledges an FC16 after
 * its first word. There is no `setCoilArray`: that one is acknowledged before it is carried out, so coils come one by
 * one.
 */
export function createVector(station: LiftStation, options: VectorOptions): IServiceVector {
  const read =
    <T>(table: Table, pick: (words: readonly number[]) => T) =>
    (ask: Ask, reply: FCallbackVal<T>): void => {
      const result = carryOutRead(station, options, { table, ...ask });
      answer(options.answers(), "reads", result, (fault, words) => {
        reply(fault, pick(words));
      });
    };
  const write = (
    ask: { readonly function: 5 | 6 | 16; readonly at: number; readonly unit: number },
    words: readonly number[],
    reply: FCallback,
  ): void => {
    const { function: code, at, unit } = ask;
    const result = carryOutWrite(station, options, {
      table: code === 5 ? "co" : "hr",
      address: at,
      words,
      stamp: { function: code, unit, wallMs: Date.now() },
    });
    answer(options.answers(), "writes", result, reply);
  };
  const coil = read("co", firstBit);
  const discrete = read("di", firstBit);
  const input = read("ir", firstWord);
  const inputs = read("ir", allWords);
  const holding = read("hr", firstWord);
  const holdings = read("hr", allWords);
  return {
    getCoil: (at, unit, reply) => {
      coil({ at, quantity: 1, unit }, reply);
    },
    getDiscreteInput: (at, unit, reply) => {
      discrete({ at, quantity: 1, unit }, reply);
    },
    getInputRegister: (at, unit, reply) => {
      input({ at, quantity: 1, unit }, reply);
    },
    getHoldingRegister: (at, unit, reply) => {
      holding({ at, quantity: 1, unit }, reply);
    },
    getMultipleInputRegisters: (at, quantity, unit, reply) => {
      inputs({ at, quantity, unit }, reply);
    },
    getMultipleHoldingRegisters: (at, quantity, unit, reply) => {
      holdings({ at, quantity, unit }, reply);
    },
    setCoil: (at, value, unit, reply) => {
      write({ function: 5, at, unit }, [value ? 1 : 0], reply);
    },
    setRegister: (at, value, unit, reply) => {
      write({ function: 6, at, unit }, [value], reply);
    },
    setRegisterArray: (at, values, unit, reply) => {
      write({ function: 16, at, unit }, values, reply);
    },
  };
}

/** modbus-serial answers this code where an error carries it, else 4. */
class ModbusFault extends Error {
  readonly modbusErrorCode: number;
  constructor(code: number) {
    super(`Modbus exception ${code}`);
    this.modbusErrorCode = code;
  }
}

/** Gateway target device failed to respond: nobody of that unit is behind this PLC. */
const TARGET_SILENT = 0x0b;

function carryOutRead(
  station: LiftStation,
  options: VectorOptions,
  ask: Ask & { readonly table: Table },
): PlcReply {
  if (ask.unit !== options.unit) return { kind: "exception", code: TARGET_SILENT };
  options.beforeRequest();
  return station.read(ask.table, ask.at, ask.quantity);
}

/** A write that is refused here stands in the journal as well: it was received. */
function carryOutWrite(
  station: LiftStation,
  options: VectorOptions,
  write: PlcWrite & { readonly stamp: { readonly unit: number } },
): PlcReply {
  options.beforeRequest();
  const fault = options.answers();
  if (write.stamp.unit !== options.unit) return station.refuse(write, TARGET_SILENT);
  if (fault.kind === "exception" && fault.of !== "reads") return station.refuse(write, fault.code);
  return station.write(write);
}

/** Hands a result to modbus-serial, bent by the fault that stands. Silence: the callback is never called. */
function answer(
  fault: AnswerFault,
  kind: "reads" | "writes",
  result: PlcReply,
  reply: (fault: Error | null, words: readonly number[]) => void,
): void {
  const settle = (): void => {
    if (result.kind === "exception") reply(new ModbusFault(result.code), []);
    else reply(null, result.kind === "read" ? result.words : []);
  };
  if (fault.kind === "none" || (fault.of !== "all" && fault.of !== kind)) {
    settle();
    return;
  }
  switch (fault.kind) {
    case "delay":
      setTimeout(settle, fault.ms);
      return;
    case "exception":
      reply(new ModbusFault(fault.code), []);
      return;
    case "silence":
  }
}

function firstBit(words: readonly number[]): boolean {
  return words[0] === 1;
}

function firstWord(words: readonly number[]): number {
  return words[0] ?? 0;
}

function allWords(words: readonly number[]): number[] {
  return [...words];
}
