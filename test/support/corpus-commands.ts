import { encodeRequest } from "../../src/codec/modbus/encode-request.js";
import type { ModbusRequest } from "../../src/codec/modbus/pdu-request.js";
import { readCommand } from "../../src/guard/command.js";
import type { CommandArrived } from "../../src/kernel/step/input.js";
import { LEFT, RIGHT, type CorpusPlant } from "./corpus-plant.js";
import type { Random } from "./seeded.js";

/** Positions in the corpus profile. */
export const CONTROLLER = {
  ai: 0,
  planner: 1,
  visitor: 2,
  pilot: 3,
  operator: 4,
  stranger: 99,
} as const;
/** Register of the output `load`, whose range a test changes. */
export const LOAD_AT = 10;

/** One request as a door would pass it on. */
export type Asked = Pick<CommandArrived, "controller" | "bytes" | "request" | "refusal">;

type Template = (asking: Asking) => Asked;
type Asking = { readonly random: Random; readonly plant: CorpusPlant };

/** A request that the seed chooses: most make sense for their controller, and some make none. */
export function askSomething(asking: Asking): Asked {
  const { random } = asking;
  let ticket = random.below(TOTAL);
  for (const [weight, template] of TEMPLATES) {
    ticket -= weight;
    if (ticket < 0) return template(asking);
  }
  throw new Error("weights do not add up");
}

/** The same denial again and again. */
export function askUnmapped(): Asked {
  return asked(CONTROLLER.ai, LEFT, { kind: "write-words", function: 6, address: 77, words: [1] });
}

/** Small writes that a budget counts. */
export function askBudgeted({ random }: Asking): Asked {
  return random.below(2) === 0
    ? bit(CONTROLLER.ai, LEFT, 2, random.below(2) === 1)
    : word(CONTROLLER.ai, RIGHT, LOAD_AT, 2_500 + random.below(2_501));
}

export function askAsPilot({ random }: Asking): Asked {
  return bit(CONTROLLER.pilot, LEFT, 2, random.below(2) === 1);
}

function asked(controller: number, device: number | null, request: ModbusRequest): Asked {
  const pdu = encodeRequest(request);
  if (pdu === null) throw new Error("no such request");
  return raw(controller, device, pdu);
}

function raw(controller: number, device: number | null, pdu: Uint8Array): Asked {
  const request = {
    kind: "request",
    ticket: 0,
    connection: 0,
    unit: 1,
    pdu,
    receivedHostUs: 0,
  } as const;
  const command = readCommand(request, { device, mayRead: () => true });
  return { controller, bytes: pdu, request: command.write, refusal: command.refusal };
}

function word(controller: number, device: number, address: number, value: number): Asked {
  return asked(controller, device, { kind: "write-words", function: 6, address, words: [value] });
}

function words(
  controller: number,
  device: number,
  address: number,
  values: readonly number[],
): Asked {
  return asked(controller, device, { kind: "write-words", function: 16, address, words: values });
}

function bit(controller: number, device: number, address: number, value: boolean): Asked {
  return asked(controller, device, { kind: "write-bits", function: 5, address, bits: [value] });
}

function bits(
  controller: number,
  device: number,
  address: number,
  values: readonly boolean[],
): Asked {
  return asked(controller, device, { kind: "write-bits", function: 15, address, bits: values });
}

function mask(
  controller: number,
  device: number,
  address: number,
  bits: { readonly and: number; readonly or: number },
): Asked {
  return asked(controller, device, { kind: "mask-word", function: 22, address, ...bits });
}

function near(asking: Asking, device: number, address: number, by: number): number {
  const now = asking.plant.words(device)[address] ?? 0;
  return Math.max(0, now - by + asking.random.below(2 * by + 1));
}

function coin({ random }: Asking): boolean {
  return random.below(2) === 1;
}

/** CDAB: the low word goes first on the wire. */
function float(value: number): readonly number[] {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return [view.getUint16(2), view.getUint16(0)];
}

const { ai, planner, visitor, operator, stranger } = CONTROLLER;

/** How often, out of the sum of all, and what. */
const TEMPLATES: readonly (readonly [number, Template])[] = [
  // speed: every limit a number can have
  [60, (of) => word(ai, LEFT, 41, near(of, LEFT, 41, 150))],
  [20, (of) => word(ai, LEFT, 41, near(of, LEFT, 41, 700))],
  [20, ({ random }) => word(ai, LEFT, 41, random.below(6_001))],
  [
    8,
    (of) =>
      asked(ai, LEFT, {
        kind: "read-write-words",
        function: 23,
        readAddress: 40,
        readQuantity: 2,
        address: 41,
        words: [near(of, LEFT, 41, 100)],
      }),
  ],
  [20, (of) => mask(ai, LEFT, 41, { and: 0xfff0, or: of.random.below(16) })],
  [20, (of) => mask(planner, LEFT, 50, { and: 0xff00, or: of.random.below(256) })],
  // bits of one word, together and alone
  [30, ({ random }) => word(ai, LEFT, 40, random.below(4))],
  [8, ({ random }) => word(ai, LEFT, 40, 4 + random.below(9))],
  [20, (of) => mask(ai, LEFT, 40, { and: 0xfffe, or: coin(of) ? 1 : 0 })],
  [20, (of) => words(ai, LEFT, 40, [of.random.below(4), near(of, LEFT, 41, 150)])],
  [8, (of) => words(ai, LEFT, 40, [1, 3_000, of.random.below(9)])],
  // coils of the left device
  [30, (of) => bit(ai, LEFT, 1, of.random.below(4) > 0)],
  [30, (of) => bit(ai, LEFT, 2, coin(of))],
  [20, () => bit(ai, LEFT, 3, true)],
  // what clamps
  [50, ({ random }) => word(ai, LEFT, 50, random.below(601))],
  [80, ({ random }) => word(ai, LEFT, 50, 601 + random.below(400))],
  [30, ({ random }) => word(planner, LEFT, 50, random.below(601))],
  [80, ({ random }) => word(planner, LEFT, 50, 601 + random.below(400))],
  // the range that a test will change
  [40, ({ random }) => word(ai, RIGHT, LOAD_AT, 2_500 + random.below(2_501))],
  [16, ({ random }) => word(ai, RIGHT, LOAD_AT, random.below(6_001))],
  [30, ({ random }) => word(planner, RIGHT, LOAD_AT, 2_500 + random.below(2_501))],
  // two registers, floats, states, masks, sets
  [25, ({ random }) => words(ai, RIGHT, 70, [random.below(62), random.below(0x10000)])],
  [10, () => words(ai, RIGHT, 70, [0, 100])],
  [6, ({ random }) => word(ai, RIGHT, 70, random.below(9))],
  [40, ({ random }) => words(planner, RIGHT, 0, float(random.below(101)))],
  [12, () => words(planner, RIGHT, 0, float(NaN))],
  [20, (of) => mask(planner, RIGHT, 20, { and: 0xfff7, or: coin(of) ? 8 : 0 })],
  [20, (of) => mask(planner, RIGHT, 20, { and: 0xffef, or: coin(of) ? 16 : 0 })],
  [6, () => mask(planner, RIGHT, 20, { and: 0xfffe, or: 1 })],
  [20, ({ random }) => word(planner, RIGHT, 30, random.below(4))],
  [
    25,
    ({ random }) =>
      bits(
        planner,
        RIGHT,
        0,
        Array.from({ length: 4 }, () => random.below(2) === 1),
      ),
  ],
  [8, (of) => bit(planner, RIGHT, 1, coin(of))],
  [20, (of) => bit(planner, RIGHT, 4 + of.random.below(13), coin(of))],
  [12, () => bits(planner, RIGHT, 0, new Array<boolean>(17).fill(true))],
  // what people must approve
  [60, () => bit(planner, RIGHT, 40, true)],
  [60, (of) => bit(planner, RIGHT, 42, coin(of))],
  [30, (of) => bit(planner, RIGHT, 44, coin(of))],
  [40, (of) => bit(visitor, RIGHT, 40, of.random.below(4) > 0)],
  // others, and what no controller may
  [30, (of) => bit(visitor, LEFT, 2, coin(of))],
  [10, ({ random }) => word(visitor, RIGHT, 30, random.below(3))],
  [10, () => words(visitor, RIGHT, 70, [0, 7])],
  [10, ({ random }) => word(ai, RIGHT, 30, random.below(3))],
  [12, (of) => bit(operator, LEFT, 2, coin(of))],
  [10, (of) => bit(stranger, LEFT, 2, coin(of))],
  [8, ({ random }) => word(ai, LEFT, 60 + random.below(20), 1)],
  // what cannot be judged
  [8, ({ random }) => raw(ai, LEFT, Uint8Array.of(8, 0, 0, random.below(256), 0))],
  [6, () => raw(planner, LEFT, Uint8Array.of(90, 1, 2))],
  [10, ({ random }) => raw(ai, LEFT, Uint8Array.of(6, 0, random.below(99)))],
  [10, ({ random }) => raw(ai, null, Uint8Array.of(6, 0, 50, 0, random.below(99)))],
  [
    6,
    ({ random }) => ({
      ...word(planner, LEFT, 50, random.below(99)),
      request: null,
      refusal: "busy",
    }),
  ],
];

const TOTAL = TEMPLATES.reduce((sum, [weight]) => sum + weight, 0);
