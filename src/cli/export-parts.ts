import { createPublicKey } from "node:crypto";
import { CborWriter } from "../codec/cbor/writer.js";
import { sigStructure } from "../codec/cose/sign1.js";
import type { BundleItem, KeyBundle } from "../evidence/bundle.js";
import type { Checkpoint } from "../evidence/checkpoint.js";
import { hex } from "../evidence/hex.js";
import type { Outside } from "../evidence/outside.js";
import { derSignature } from "./der-signature.js";
import { describeKind, keyFiles, keySteps } from "./export-key.js";
import { outsideFiles, outsideSteps } from "./export-outside.js";
import { describePage } from "./verifier-page.js";

export type NewFile = { readonly path: string; readonly content: string | Uint8Array };

/** What an export shows: all that the steps for people are written from. */
export type Shown = {
  /** File name of the bundle, and what the names of the files beside it begin with. */
  readonly bundle: string;
  readonly stem: string;
  readonly checkpoint: Checkpoint;
  readonly items: readonly BundleItem[];
  readonly spki: Uint8Array;
  /** Null: not known, as the boot entry of the run that signed is gone. */
  readonly software: boolean | null;
  readonly profile: Uint8Array | null;
  readonly receipt: boolean;
  /** What says that the key is in a TPM. */
  readonly keyBundle?: KeyBundle | null;
  /** A line for each entry. */
  readonly lines: readonly string[];
  readonly notes: readonly string[];
  /** The verifier page that goes with it. */
  readonly page?: string | undefined;
  /** Evidence over the checkpoint that goes along. */
  readonly outside: Outside;
};

/** The parts of a bundle that `openssl` can work on; paths are relative to the bundle's folder. */
export function partFiles(shown: Shown): readonly NewFile[] {
  const { checkpoint, items, spki, profile, keyBundle = null } = shown;
  const folder = `${shown.stem}.parts`;
  const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  return [
    { path: `${folder}/key.pem`, content: key.export({ type: "spki", format: "pem" }) },
    { path: `${folder}/signature.der`, content: derSignature(checkpoint.sign1.signature) },
    {
      path: `${folder}/signed.bin`,
      content: sigStructure(checkpoint.sign1.protectedBytes, checkpoint.root),
    },
    ...items.flatMap(({ entry, proof }) => [
      { path: `${folder}/entry-${proof.index}.cbor`, content: entry },
      {
        path: `${folder}/path-${proof.index}.txt`,
        content: proof.path.map((hash) => `${hex(hash)}\n`).join(""),
      },
    ]),
    ...(profile === null ? [] : [{ path: `${folder}/profile.yaml`, content: profile }]),
    ...(keyBundle === null ? [] : keyFiles(keyBundle, folder)),
    ...outsideFiles(shown, folder),
  ];
}

/** README of an export: what is here, and how to check it without Holdpoint. */
export function describeExport(shown: Shown): string {
  const { bundle, stem, software, receipt, lines, notes } = shown;
  const kind = describeKind(software);
  return `# ${stem}

${lines.map((line) => `    ${line}`).join("\n")}

${[...notes, kind].filter((text) => text !== "").join("\n\n")}

| file | holds |
| --- | --- |
| \`${bundle}\` | the proof: one signed checkpoint, and for each entry its exact bytes with the path to the signed root |
| \`${stem}.verify.py\` | a verifier of its own, for Python with Debian's \`python3-cbor2\` and \`python3-cryptography\` |${describePage(stem, shown.page)}
| \`${stem}.parts/\` | the same bytes, taken apart for \`openssl\` |${receipt ? `\n| \`${stem}.receipt.cbor\` | a receipt of RFC 9942 for the entry, for other tools |` : ""}

It proves that these entries stand with these numbers in a log that the holder of this key signed. It does not prove
whose key that is: compare it with one you have from elsewhere (\`--trust KEY.pem\`)${attested(shown)}. It does not prove that the log
holds nothing else, nor the time of day. What checks it here came together with it: use one from elsewhere, or two of them.

## With Holdpoint, or with Python

    holdpoint evidence verify ${bundle}
    /usr/bin/python3 ${stem}.verify.py ${bundle}

Each prints a line for every check: PASS, FAIL or NOT PRESENT. Exit code 0 only without a FAIL.

## With openssl

In this folder, in bash. Each block prints what it found, and ends with an error where something is wrong.

${opensslSteps(shown)}
`;
}

function opensslSteps(shown: Shown): string {
  const { checkpoint, items, stem, bundle, profile, keyBundle = null } = shown;
  const { size } = checkpoint.claim;
  const blocks = [
    `1. One signature, over \`signed.bin\`: headers, then the root as its last 32 bytes.

\`\`\`bash
set -euo pipefail
parts=${quote(`${stem}.parts`)} bundle=${quote(bundle)} size=${size}
openssl dgst -sha256 -verify "$parts/key.pem" -signature "$parts/signature.der" "$parts/signed.bin"
\`\`\``,
    `2. The signed headers name this key and the number of entries (${size}), and the bundle holds them.

\`\`\`bash
hex() { od -An -v -tx1 | tr -d ' \\n'; }
sha() { openssl dgst -sha256 -binary | hex; }
no() { echo "WRONG: $1"; exit 1; }
signed=$(hex < "$parts/signed.bin"); root=\${signed: -64}; whole=$(hex < "$bundle")
kid=$(openssl pkey -pubin -in "$parts/key.pem" -outform DER | sha)
[[ $signed == *"045820$kid"* ]] || no 'another key is named'
[[ $signed == *'3a00011170${cborUint(size)}3a00011171'* ]] || no 'another number of entries is signed'
[[ $whole == *"\${signed:28:$((\${#signed} - 28 - 70))}"*"5820$root"* ]] || no 'the bundle holds another checkpoint'
echo 'the key and the number of entries are the signed ones'
\`\`\``,
    `3. Each entry bears its number, and its path (RFC 9162, 2.1.3.2) leads to the signed root.

\`\`\`bash
bin() { printf '%b' "$(sed 's/../\\\\x&/g')"; }
entry() { # number, the same in CBOR
  local at=$1 last=$((size - 1)) own hash beside
  own=$(hex < "$parts/entry-$1.cbor")
  [[ $own == a[67]010102"$2"035820* ]] || no "entry $1 bears another number"
  [[ $whole == *"$own"* ]] || no "entry $1 is not that of the bundle"
  hash=$( (printf '\\0'; cat "$parts/entry-$1.cbor") | sha)
  while read -r beside; do
    [[ $last != 0 ]] || no "the path of entry $1 is too long"
    if ((at % 2 == 1 || at == last)); then
      hash=$(printf '01%s%s' "$beside" "$hash" | bin | sha)
      while ((at % 2 == 0 && at != 0)); do at=$((at / 2)) last=$((last / 2)); done
    else
      hash=$(printf '01%s%s' "$hash" "$beside" | bin | sha)
    fi
    at=$((at / 2)) last=$((last / 2))
  done < "$parts/path-$1.txt"
  [[ $last == 0 && $hash == "$root" ]] || no "entry $1 is not under the signed root"
  echo "entry $1 is under the signed root"
}
${items.map(({ proof: { index } }) => `entry ${index} ${cborUint(index)}`).join("\n")}
\`\`\``,
  ];
  if (profile !== null) {
    blocks.push(`4. The decision names this profile by its SHA-256.

\`\`\`bash
digest=$(sha < "$parts/profile.yaml")
cat "$parts"/entry-*.cbor | hex | grep -q "5820$digest" || no 'no entry names this profile'
echo 'the profile is the one that is named'
\`\`\``);
  }
  const steps = [...(keyBundle === null ? [] : keySteps(keyBundle)), ...outsideSteps(shown)];
  blocks.push(...steps.map((step, at) => `${blocks.length + 1 + at}. ${step}`));
  return blocks.join("\n\n");
}

function attested({ keyBundle = null }: Shown): string {
  if (keyBundle?.attestation == null) return "";
  return ", or name the roots that you trust to say\nso (`--trust ROOTS.pem`)";
}

/** One word of a shell, whatever is in it. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

export function cborUint(value: number): string {
  const writer = new CborWriter(16);
  writer.uint(value);
  return hex(writer.copy());
}
