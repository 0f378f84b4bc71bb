import { createPublicKey } from "node:crypto";
import { parsePublic } from "../codec/tpm2/public-area.js";
import { spkiOf } from "../codec/tpm2/spki.js";
import { decodeKeyBundle, type KeyBundle } from "../evidence/bundle.js";
import { equalBytes } from "../evidence/merkle-proof.js";
import { derSignature } from "./der-signature.js";
import { readNamed } from "./evidence-keys.js";
import { Refusal } from "./output.js";

/** Name, and what is in it. */
export type KeyFile = { readonly path: string; readonly content: string | Uint8Array };

/** What an export shows, with the key bundle that its gateway keeps in this file; null: with none. */
export async function addKeyBundle<
  Of extends { readonly spki: Uint8Array; readonly software: boolean | null },
>(bare: Of, path: string | null): Promise<Of & { readonly keyBundle: KeyBundle | null }> {
  const keyBundle = path === null ? null : await readKeyBundle(path, bare.spki);
  if (keyBundle === null) return { ...bare, keyBundle };
  const isAttested = keyBundle.attestation !== null;
  const byBundle = keyBundle.software ? true : isAttested ? false : null;
  const software =
    bare.software === true || keyBundle.software ? true : (bare.software ?? byBundle);
  return { ...bare, software, keyBundle };
}

/** Whether a key of this kind (evidence.cddl, boot) is software; null: nothing says. */
export function isSoftware(kind: string | undefined): boolean | null {
  return kind === undefined ? null : kind !== "tpm";
}

/** For people; empty: a TPM's. */
export function kindLines(software: boolean | null): readonly string[] {
  if (software === null) return [KIND_UNKNOWN];
  return software ? ["key: software, not hardware"] : [];
}

/** The same in a README. */
export function describeKind(software: boolean | null): string {
  if (software === null) return `**${KIND_UNKNOWN}**`;
  return software ? "**key: software, not hardware.** Whoever had the key file could sign." : "";
}

const KIND_UNKNOWN =
  "key: kind not known here: the log no longer holds the beginning of the run that signed (--key-bundle tells); the bundle claims no hardware";

async function readKeyBundle(path: string, spki: Uint8Array): Promise<KeyBundle> {
  const key = decodeKeyBundle(new Uint8Array(await readNamed(path)));
  if (key === null) throw new Refusal(`${path}: no key bundle of this version`, 2);
  if (equalBytes(key.spki, spki)) return key;
  throw new Refusal(`${path}: a key bundle of another key than the one that signed`, 1);
}

/** What of a key bundle `openssl` and `tpm2-tools` can work on, in the folder of an export's parts. */
export function keyFiles(key: KeyBundle, folder: string): readonly KeyFile[] {
  if (key.attestation === null) return [];
  const { attester, certifyInfo, signature, certified } = key.attestation;
  const area = parsePublic(attester);
  if (!area.ok) return [];
  const spki = Buffer.from(spkiOf(area.value));
  const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });
  return [
    { path: `${folder}/attest.bin`, content: certifyInfo },
    { path: `${folder}/attest-signature.der`, content: derSignature(signature) },
    { path: `${folder}/attester.pem`, content: publicKey.export({ type: "spki", format: "pem" }) },
    { path: `${folder}/attester.tpmt`, content: attester },
    { path: `${folder}/key.tpmt`, content: certified },
    ...pemFiles(`${folder}/attester-certificates.pem`, key.certificates),
    ...pemFiles(`${folder}/endorsement-certificates.pem`, key.endorsement),
  ];
}

/** The steps for these files: bash, where `$parts` is their folder and `no` ends with an error. */
export function keySteps({ attestation, certificates }: KeyBundle): readonly string[] {
  if (attestation === null) return [];
  const attest = `The TPM's attest: signed by the attestation key, about the key that signs here, whose attributes are
\`00040472\`; those of the attestation key are \`00050472\`, with restricted. \`tpm2_print\` (tpm2-tools)
shows both in words.

\`\`\`bash
openssl dgst -sha256 -verify "$parts/attester.pem" -signature "$parts/attest-signature.der" "$parts/attest.bin"
attest=$(hex < "$parts/attest.bin"); area=$(hex < "$parts/key.tpmt"); attester=$(hex < "$parts/attester.tpmt")
point=$(openssl pkey -pubin -in "$parts/key.pem" -outform DER | tail -c 64 | hex)
attesterPoint=$(openssl pkey -pubin -in "$parts/attester.pem" -outform DER | tail -c 64 | hex)
[[ $attest == ff5443478017* ]] || no 'that is no attest of a TPM about a key'
[[ $attest == *"0022000b$(sha < "$parts/key.tpmt")0022000b"* ]] || no 'the attest is about another key'
[[ $area == "0023000b0004047200000010"*"0020\${point:0:64}0020\${point:64}" ]] || no 'the attested key is another'
[[ $attester == "0023000b0005047200000010"*"0020\${attesterPoint:0:64}0020\${attesterPoint:64}" ]] || no 'the attestation key is another'
[[ $point != "$attesterPoint" ]] || no 'the attestation key signed the checkpoint'
if command -v tpm2_print > /dev/null; then
  tpm2_print -t TPMT_PUBLIC "$parts/key.tpmt"
  tpm2_print -t TPMT_PUBLIC "$parts/attester.tpmt"
fi
echo 'the key that signs here is attested'
\`\`\``;
  const trust = `Who vouches for the attestation key. Set \`ROOTS\` to a file with the root certificates that you trust, in PEM.

\`\`\`bash
certificate=$(openssl x509 -in "$parts/attester-certificates.pem" -noout -pubkey | openssl pkey -pubin -outform DER | hex)
[[ $certificate == "$(openssl pkey -pubin -in "$parts/attester.pem" -outform DER | hex)" ]] || no 'the certificate is over another key'
openssl x509 -in "$parts/attester-certificates.pem" -noout -subject
if [[ -n \${ROOTS:-} ]]; then
  openssl verify -no_check_time -CAfile "$ROOTS" -untrusted "$parts/attester-certificates.pem" "$parts/attester-certificates.pem"
else
  echo 'ROOTS is not set: nobody is asked who vouches for it'
fi
\`\`\``;
  return certificates.length === 0 ? [attest] : [attest, trust];
}

function pemFiles(path: string, chain: readonly Uint8Array[]): readonly KeyFile[] {
  if (chain.length === 0) return [];
  const blocks = chain.map((der) => {
    const lines =
      Buffer.from(der)
        .toString("base64")
        .match(/.{1,64}/g) ?? [];
    return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
  });
  return [{ path, content: blocks.join("") }];
}
