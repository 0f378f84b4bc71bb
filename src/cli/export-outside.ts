import type { KeyBundle } from "../evidence/bundle.js";
import type { Checkpoint } from "../evidence/checkpoint.js";
import { bytesInLog, type Outside } from "../evidence/outside.js";
import { derSignature } from "./der-signature.js";
import type { KeyFile } from "./export-key.js";

/** What of an export this speaks of. */
type Over = {
  readonly checkpoint: Checkpoint;
  readonly outside: Outside;
  readonly keyBundle?: KeyBundle | null;
};

/** Outside evidence as `openssl` and `tpm2-tools` take it, in the folder of an export's parts. */
export function outsideFiles({ checkpoint, outside }: Over, folder: string): readonly KeyFile[] {
  if (outside.anchors.length === 0) return [];
  const frame = { path: `${folder}/checkpoint.cbor`, content: bytesInLog(checkpoint, outside) };
  const files = outside.anchors.flatMap(({ kind, token, signature }, at): readonly KeyFile[] => {
    if (kind === "rfc3161") return [{ path: `${folder}/stamp-${at + 1}.tsr`, content: token }];
    const path = `${folder}/anchor-${at + 1}`;
    const own = { path: `${path}.bin`, content: token };
    return signature === null
      ? [own]
      : [own, { path: `${path}-signature.der`, content: derSignature(signature) }];
  });
  return [frame, ...files];
}

/** The steps for these files: bash, where `$parts` is their folder, `$signed` and `$root` are known and `no` ends. */
export function outsideSteps(over: Over): readonly string[] {
  const { anchors } = over.outside;
  if (anchors.length === 0) return [];
  const numbers = (kind: "nv-certify" | "rfc3161"): readonly number[] =>
    anchors.flatMap((anchor, at) => (anchor.kind === kind ? [at + 1] : []));
  const [certified, stamped] = [numbers("nv-certify"), numbers("rfc3161")];
  return [
    FRAME_STEP,
    ...(certified.length === 0 ? [] : [anchorStep(certified, over.keyBundle?.attestation != null)]),
    ...(stamped.length === 0 ? [] : [stampStep(stamped)]),
  ];
}

const FRAME_STEP = `Outside evidence is over the checkpoint as the log has it, with the proof that it carries there: \`checkpoint.cbor\`.

\`\`\`bash
frame=$(hex < "$parts/checkpoint.cbor"); digest=$(sha < "$parts/checkpoint.cbor")
[[ $frame == d284*"\${signed:28:$((\${#signed} - 28 - 70))}"*"5820$root"* ]] || no 'that is another checkpoint'
echo 'the checkpoint of the log holds the signed headers and the root'
\`\`\``;

function anchorStep(numbers: readonly number[], isKeyHere: boolean): string {
  const signer = isKeyHere
    ? `  openssl dgst -sha256 -verify "$parts/attester.pem" -signature "$parts/anchor-$1-signature.der" "$parts/anchor-$1.bin"
  signer=$(printf '4000000b000b%s' "$(sha < "$parts/attester.tpmt")" | bin | sha)
  [[ $attest == ff54434780140022000b"$signer"* ]] || no "anchor $1 names another signer"
`
    : `  [[ $attest == ff54434780140022000b* ]] || no "anchor $1 is no attest of a TPM about a counter"
`;
  const without = isKeyHere
    ? ""
    : " The attestation key is not here: who signed it is not checked.";
  return `The TPM's anchor: its word (TPM2_NV_Certify), over this checkpoint, on the counter of anchors, whose public area is that of
index 0x01500011.${without} \`tpm2_print\` (tpm2-tools) shows in words what it knows of it.

\`\`\`bash
bin() { printf '%b' "$(sed 's/../\\\\x&/g')"; }
anchor() { # number
  local attest counter signer
  attest=$(hex < "$parts/anchor-$1.bin")
${signer}  [[ \${attest:84:68} == "0020$digest" ]] || no "anchor $1 is over another checkpoint"
  counter=$(printf '01500011000b2206001400000008' | bin | sha)
  [[ \${#attest} == 298 && \${attest:202:80} == "0022000b\${counter}00000008" ]] || no "anchor $1 is about another counter"
  if command -v tpm2_print > /dev/null; then tpm2_print -t TPMS_ATTEST "$parts/anchor-$1.bin" 2> /dev/null || true; fi
  echo "anchor $1 is over this checkpoint, at $((16#\${attest: -16}))"
}
${numbers.map((number) => `anchor ${number}`).join("\n")}
\`\`\``;
}

function stampStep(numbers: readonly number[]): string {
  return `A time authority's word (RFC 3161) that this checkpoint was there. Set \`TIME_ROOTS\` to a file with the root certificates that you
trust for time, in PEM; where they have ended meanwhile, add \`-attime\` with the time that the stamp names, in seconds since 1970.

\`\`\`bash
stamp() { # number
  openssl ts -reply -in "$parts/stamp-$1.tsr" -text | grep -E '^(Status|Time stamp|Hash Algorithm):'
  if [[ -n \${TIME_ROOTS:-} ]]; then
    openssl ts -verify -digest "$digest" -in "$parts/stamp-$1.tsr" -CAfile "$TIME_ROOTS"
  else
    openssl ts -reply -in "$parts/stamp-$1.tsr" -token_out | hex | grep -cF "0420$digest" > /dev/null || no "stamp $1 is over another checkpoint"
    echo 'TIME_ROOTS is not set: nobody is asked who signed the time stamp'
  fi
}
${numbers.map((number) => `stamp ${number}`).join("\n")}
\`\`\``;
}
