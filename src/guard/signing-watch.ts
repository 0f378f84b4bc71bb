import type { SigningInput } from "../kernel/step/input.js";
import type { EvidenceStore } from "./ports.js";

/** The key that signs checkpoints. */
export type SigningKey = {
  readonly spki: Uint8Array;
  /** Whether a run may go on without a checkpoint of its own; `none`: that is not asked. */
  readonly need: "required" | "preferred" | "none";
};

/** Tells the kernel what becomes of checkpoints; of those that follow each other without a fault it need not hear. */
export class SigningWatch {
  readonly #key: SigningKey;
  readonly #tell: (input: SigningInput) => void;
  #isSound = true;

  constructor(
    key: SigningKey,
    store: Pick<EvidenceStore, "onSigning">,
    tell: (input: SigningInput) => void,
  ) {
    this.#key = key;
    this.#tell = tell;
    store.onSigning((event) => {
      const { spki } = key;
      if (event.kind === "failed") {
        this.#isSound = false;
        const { says: why, foreign, behind = false } = event;
        tell({ kind: "signing-failed", spki, why, foreign, behind });
      } else if (!this.#isSound) {
        this.#isSound = true;
        tell({ kind: "signing-done", spki });
      }
    });
  }

  /** Before the first input of a run. */
  begin(): void {
    const { need } = this.#key;
    if (need === "none") return;
    this.#isSound = false;
    const why = "no checkpoint of this run is signed yet";
    this.#tell({ kind: "signing-awaited", required: need === "required", why });
  }
}
