import { sha256 } from "./key-derivation.js";
import type { Signer } from "../../guard/ports.js";

/**
 * Stands in where the site wants a TPM to sign and nothing says which of its keys do: it never signs, as a TPM that is
 * not there, and `says` in a line why. Its kind claims no hardware and owes a counter with every checkpoint.
 */
export function makeMissingSigner(says: string): Required<Signer> {
  const spki = new Uint8Array(0);
  const refuse = async (): Promise<never> => await Promise.reject(new Error(says));
  return {
    kind: "tpm-software",
    spki,
    kid: sha256(spki),
    open: async () => await Promise.resolve({ ok: false, foreign: false, says }),
    raise: refuse,
    sign: refuse,
    before: null,
    handover: null,
  };
}
