import { createPublicKey } from "node:crypto";
import { sigStructure } from "../codec/cose/sign1.js";
import { carryConsistency, type Checkpoint } from "../evidence/checkpoint.js";
import { hex } from "../evidence/hex.js";
import type { ConsistencyProof } from "../evidence/merkle-proof.js";
import type { Period } from "../evidence/verify-growth.js";
import { derSignature } from "./der-signature.js";
import { describeKind, keyFiles, keySteps } from "./export-key.js";
import { outsideFiles, outsideSteps } from "./export-outside.js";
import { cborUint, quote, type NewFile, type Shown } from "./export-parts.js";
import { describePage } from "./verifier-page.js";

/** What an export of a period shows. */
export type ShownPeriod = Shown & {
  readonly period: Period;
  /** Goes with the export: by the same key, and `consistency` leads from it. */
  readonly earlier: Checkpoint | null;
  readonly consistency: ConsistencyProof | null;
};

/**
 * The parts of a period's bundle that `openssl` can work on. Each entry names the one before it by hash: with all
 * of them one path is enough, that of the last.
 */
export function periodFiles(shown: ShownPeriod): readonly NewFile[] {
  const { checkpoint, items, spki, profile, earlier, consistency, stem, keyBundle = null } = shown;
  const folder = `${stem}.parts`;
  const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  const last = items.at(-1)?.proof.path ?? [];
  return [
    { path: `${folder}/key.pem`, content: key.export({ type: "spki", format: "pem" }) },
    ...signedFiles(`${folder}/`, checkpoint),
    { path: `${folder}/path.txt`, content: hexLines(last) },
    ...items.map(({ entry, proof }) => ({
      path: `${folder}/leaf-${proof.index}.bin`,
      content: Uint8Array.from([0, ...entry]),
    })),
    ...(earlier === null || consistency === null
      ? []
      : [
          { path: `${stem}.earlier.cbor`, content: carryConsistency(earlier, null) },
          ...signedFiles(`${folder}/earlier-`, earlier),
          { path: `${folder}/consistency.txt`, content: hexLines(consistency.path) },
        ]),
    ...(profile === null ? [] : [{ path: `${folder}/profile.yaml`, content: profile }]),
    ...(keyBundle === null ? [] : keyFiles(keyBundle, folder)),
    ...outsideFiles(shown, folder),
  ];
}

function signedFiles(prefix: string, { sign1, root }: Checkpoint): readonly NewFile[] {
  return [
    { path: `${prefix}signature.der`, content: derSignature(sign1.signature) },
    { path: `${prefix}signed.bin`, content: sigStructure(sign1.protectedBytes, root) },
  ];
}

function hexLines(hashes: readonly Uint8Array[]): string {
  return hashes.map((hash) => `${hex(hash)}\n`).join("");
}

/** README of an export of a period: what is here, and how to check it without Holdpoint. */
export function describePeriod(shown: ShownPeriod, bytes: number): string {
  const { bundle, stem, software, lines, notes, period, earlier, consistency, items } = shown;
  const named = `--period ${period.from}-${period.to}`;
  const with_ = earlier === null ? named : `${named} --earlier ${stem}.earlier.cbor`;
  const kind = describeKind(software);
  const grown =
    consistency === null
      ? "There is no consistency proof: nothing here speaks of the log before the period."
      : `The checkpoint carries a proof (RFC 9162, 2.1.4) that it continues the log as it was at ${consistency.size1} entries:
nothing before was changed since. It is worth most against a checkpoint that you kept yourself, from an earlier export
or from a witness: name that one with \`--earlier\`, when checking and when exporting.`;
  return `# ${stem}

Entries ${period.from} to ${period.to}, all ${items.length} of them, both ends included.

${lines.map((line) => `    ${line}`).join("\n")}

${[...notes, kind].filter((text) => text !== "").join("\n\n")}

| file | holds |
| --- | --- |
| \`${bundle}\` | the proof, ${bytes} bytes: one signed checkpoint, and for each entry its exact bytes with the path to the signed root |
| \`${stem}.verify.py\` | a verifier of its own, for Python with Debian's \`python3-cbor2\` and \`python3-cryptography\` |${describePage(stem, shown.page)}${earlier === null ? "" : `\n| \`${stem}.earlier.cbor\` | the checkpoint that the consistency proof leads from |`}
| \`${stem}.parts/\` | the same bytes, taken apart for \`openssl\` |

It proves that these entries stand with these numbers in a log that the holder of this key signed, and that none
between the first and the last is left out. ${grown}

It does not prove whose key that is: compare it with one you have from elsewhere (\`--trust KEY.pem\`). Nor does it prove
the time of day: order is proved by number. Of a command whose permit or outcome lies beyond either end, only that part is here.

## With Holdpoint, or with Python

    holdpoint evidence verify ${bundle} ${with_}
    /usr/bin/python3 ${stem}.verify.py ${bundle} ${with_}

Each prints a line for every check: PASS, FAIL or NOT PRESENT. Exit code 0 only without a FAIL.

## With openssl

In this folder, in bash. Each block prints what it found, and ends with an error where something is wrong.

${opensslSteps(shown)}
`;
}

function opensslSteps(shown: ShownPeriod): string {
  const { profile, earlier, consistency, keyBundle = null } = shown;
  const blocks = [signatureStep(shown), sizeStep(shown), entriesStep(shown)];
  if (earlier !== null && consistency !== null) blocks.push(growthStep(consistency));
  if (profile !== null) blocks.push(PROFILE_STEP);
  if (keyBundle !== null) blocks.push(...keySteps(keyBundle));
  blocks.push(...outsideSteps(shown));
  return blocks.map((block, i) => `${i + 1}. ${block}`).join("\n\n");
}

function signatureStep({ stem, bundle, checkpoint }: ShownPeriod): string {
  const { size } = checkpoint.claim;
  return `One signature, over \`signed.bin\`: headers, then the root as its last 32 bytes.

\`\`\`bash
set -euo pipefail
export LC_ALL=C
parts=${quote(`${stem}.parts`)} bundle=${quote(bundle)} size=${size}
openssl dgst -sha256 -verify "$parts/key.pem" -signature "$parts/signature.der" "$parts/signed.bin"
\`\`\``;
}

function sizeStep({ checkpoint }: ShownPeriod): string {
  const { size } = checkpoint.claim;
  return `The signed headers name this key and the number of entries (${size}), and the bundle holds them.

\`\`\`bash
hex() { od -An -v -tx1 | tr -d ' \\n'; }
sha() { openssl dgst -sha256 -binary | hex; }
bin() { printf '%b' "$(sed 's/../\\\\x&/g')"; }
node() { printf '01%s%s' "$1" "$2" | bin | sha; }
no() { echo "WRONG: $1"; exit 1; }
signed=$(hex < "$parts/signed.bin"); root=\${signed: -64}
kid=$(openssl pkey -pubin -in "$parts/key.pem" -outform DER | sha)
[[ $signed == *"045820$kid"* ]] || no 'another key is named'
[[ $signed == *'3a00011170${cborUint(size)}3a00011171'* ]] || no 'another number of entries is signed'
headers=\${signed:28:$((\${#signed} - 28 - 70))}
hex < "$bundle" | grep -cF "$headers" > /dev/null || no 'the bundle holds another checkpoint'
hex < "$bundle" | grep -cF "5820$root" > /dev/null || no 'the bundle holds another checkpoint'
echo 'the key and the number of entries are the signed ones'
\`\`\``;
}

function entriesStep({ period }: ShownPeriod): string {
  return `Each file \`leaf-N.bin\` is a zero byte and the entry N. Each entry bears its number and the hash of the one before it;
the path of the last (RFC 9162, 2.1.3.2) leads to the signed root, so all of them are under it, and none is missing.

\`\`\`bash
first=${period.from} last=${period.to}
number() { # in CBOR
  if (($1 < 24)); then printf -v cbor '%02x' "$1"
  elif (($1 < 256)); then printf -v cbor '18%02x' "$1"
  elif (($1 < 65536)); then printf -v cbor '19%04x' "$1"
  elif (($1 < 4294967296)); then printf -v cbor '1a%08x' "$1"
  else printf -v cbor '1b%016x' "$1"; fi
}
hashes=$(cd "$parts"
  for ((n = first; n <= last; n++)); do printf 'leaf-%d.bin\\0' "$n"; done |
    xargs -0 openssl dgst -sha256 -r | cut -c1-64)
n=$first hash=
while read -r next; do
  own=$(od -An -v -tx1 -w64 -N64 "$parts/leaf-$n.bin"); own=\${own// }
  number "$n"
  [[ $own == 00a[67]010102"$cbor"035820* ]] || no "entry $n bears another number"
  [[ -z $hash || \${own:16+\${#cbor}:64} == "$hash" ]] || no "entry $n does not name the one before it"
  hash=$next n=$((n + 1))
done <<< "$hashes"
[[ $n == $((last + 1)) ]] || no "entry $n is not here"
at=$last end=$((size - 1))
while read -r beside; do
  [[ $end != 0 ]] || no 'the path is too long'
  if ((at % 2 == 1 || at == end)); then
    hash=$(node "$beside" "$hash")
    while ((at % 2 == 0 && at != 0)); do at=$((at / 2)) end=$((end / 2)); done
  else
    hash=$(node "$hash" "$beside")
  fi
  at=$((at / 2)) end=$((end / 2))
done < "$parts/path.txt"
[[ $end == 0 && $hash == "$root" ]] || no 'the entries are not under the signed root'
echo "entries $first to $last are under the signed root, none is left out"
\`\`\``;
}

function growthStep({ size1 }: ConsistencyProof): string {
  return `The checkpoint over the first ${size1} entries is signed by the same key, and the consistency proof (RFC 9162, 2.1.4.2)
leads from its root to the signed one. Put in its place one that you kept, if it is over as many entries.

\`\`\`bash
openssl dgst -sha256 -verify "$parts/key.pem" -signature "$parts/earlier-signature.der" "$parts/earlier-signed.bin"
before=$(hex < "$parts/earlier-signed.bin"); older=\${before: -64} size1=${size1}
[[ $before == *'3a00011170${cborUint(size1)}3a00011171'* ]] || no 'the earlier checkpoint is over another number of entries'
at=$((size1 - 1)) end=$((size - 1)) from= to=
while ((at % 2 == 1)); do at=$((at / 2)) end=$((end / 2)); done
((size1 & (size1 - 1))) || from=$older to=$older
while read -r beside; do
  if [[ -z $from ]]; then from=$beside to=$beside; continue; fi
  [[ $end != 0 ]] || no 'the consistency proof is too long'
  if ((at % 2 == 1 || at == end)); then
    from=$(node "$beside" "$from") to=$(node "$beside" "$to")
    while ((at % 2 == 0 && at != 0)); do at=$((at / 2)) end=$((end / 2)); done
  else
    to=$(node "$to" "$beside")
  fi
  at=$((at / 2)) end=$((end / 2))
done < "$parts/consistency.txt"
[[ $end == 0 && $from == "$older" && $to == "$root" ]] || no 'the log is not a continuation of the earlier one'
echo "the log continues the one of $size1 entries"
\`\`\``;
}

const PROFILE_STEP = `The decisions name this profile by its SHA-256.

\`\`\`bash
digest=$(sha < "$parts/profile.yaml")
cat "$parts"/leaf-*.bin | hex | grep -cF "5820$digest" > /dev/null || no 'no entry names this profile'
echo 'the profile is the one that is named'
\`\`\``;
