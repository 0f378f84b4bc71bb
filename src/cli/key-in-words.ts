import type { Signer } from "../guard/ports.js";

/** How the key that signs a run is spoken of to people. */
export function keyInWords({ spki, kind }: Pick<Signer, "spki" | "kind">): string {
  return spki.length === 0 ? NO_KEY : KEY_WORDS[kind];
}

const KEY_WORDS: Readonly<Record<Signer["kind"], string>> = {
  file: "software, not hardware",
  "tpm-software": "in a software TPM, proves no hardware",
  tpm: "in a TPM",
};
const NO_KEY = "NONE: no record of the TPM's keys can be used, so nothing is signed";
