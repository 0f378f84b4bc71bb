/** One thing a Modbus client can ask for, before it has a unit. Addresses are zero-based. */
export type Frame =
  | { readonly kind: "coil"; readonly address: number; readonly value: boolean }
  | { readonly kind: "register"; readonly address: number; readonly value: number }
  | { readonly kind: "mask"; readonly address: number; readonly and: number; readonly or: number }
  /** A whole PDU as bytes, function code first: for what no client library sends. */
  | { readonly kind: "raw"; readonly pdu: readonly number[] };

/** What came back. `failed`: no answer, or none that can be trusted. */
export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "exception"; readonly code: number }
  | { readonly kind: "failed"; readonly why: string };

/** As a person at a protocol analyser would name it. */
export function describeFrame(frame: Frame): string {
  switch (frame.kind) {
    case "coil":
      return `FC5 co ${frame.address} = ${frame.value ? "ON" : "OFF"}`;
    case "register":
      return `FC6 hr ${frame.address} = ${frame.value}`;
    case "mask":
      return `FC22 hr ${frame.address} and ${hex(frame.and)} or ${hex(frame.or)}`;
    case "raw":
      return `FC${frame.pdu[0] ?? 0} raw ${frame.pdu.map((byte) => byte.toString(16).padStart(2, "0")).join(" ")}`;
  }
}

function hex(word: number): string {
  return word.toString(16).padStart(4, "0");
}
