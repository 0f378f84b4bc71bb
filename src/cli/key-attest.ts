import { X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import type { Credential } from "../codec/tpm2/activate-credential.js";
import { parsePublic } from "../codec/tpm2/public-area.js";
import { spkiOf } from "../codec/tpm2/spki.js";
import { encodeKeyBundle, type KeyAttestation } from "../evidence/bundle.js";
import { decodeAnswer, encodeChain, encodeRequest } from "../evidence/enrolment.js";
import type { EnrolmentRequest } from "../evidence/enrolment.js";
import { SOFTWARE_UNIT } from "../evidence/key-bundle.js";
import { equalBytes } from "../evidence/merkle-proof.js";
import { CERTIFICATES } from "./certificates.js";
import { chooseCertificate, type HeldCertificate } from "./endorsement-choice.js";
import { openAnswer } from "./enrolment.js";
import { readNamed, readTrust } from "./evidence-keys.js";
import { KEY_FILES, readChain } from "./key-files.js";
import { Refusal, type TextSink } from "./output.js";

type Asked<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly says: string };

/** `handle` 0: the endorsement key of the TCG template. */
export type AttestDeps = {
  readonly out: TextSink;
  readonly read: (
    directory: string,
    handle: number,
  ) => Promise<Asked<Omit<EnrolmentRequest, "gateway" | "endorsement">>>;
  /** What the TPM itself holds; empty: nothing. */
  readonly certificates: (directory: string) => Promise<Asked<readonly HeldCertificate[]>>;
  readonly open: (
    directory: string,
    handle: number,
    credential: Credential,
  ) => Promise<Asked<Uint8Array>>;
  readonly attest: (directory: string) => Promise<
    Asked<{
      readonly spki: Uint8Array;
      readonly software: boolean;
      readonly attestation: KeyAttestation;
    }>
  >;
};

/** `holdpoint key enrol | attest`, beside the `key` commands that are there. Refusals are thrown to the caller. */
export function addAttestCommands(program: Command, deps: AttestDeps): void {
  const key = program.commands.find((command) => command.name() === "key");
  if (key === undefined) throw new Error("there is no command named key");
  key
    .command("enrol")
    .description("ask an authority for the attestation key's certificate, or take its answer")
    .argument("[dir]", "folder that provision wrote to", FOLDER)
    .option("--gateway <name>", "who asks, as the site file names the gateway")
    .option("--request <file>", "request to write, for holdpoint ca issue")
    .option("--answer <file>", "answer that came back")
    .option(
      "--endorsement <file>",
      "certificates (PEM) of the endorsement key, that one first; else: the TPM's own",
    )
    .option("--endorsement-handle <n>", "where the endorsement key is kept", parseHandle, 0)
    .action(async (directory: string, flags: EnrolFlags) => {
      await enrolKey(directory, flags, deps);
    });
  key
    .command("attest")
    .description("write the key bundle that goes with exports: what says where the key is")
    .argument("[dir]", "folder that provision wrote to", FOLDER)
    .option(
      "--out <file>",
      `bundle to write, for evidence export --key-bundle (default: ${KEY_FILES.bundle} in the folder)`,
    )
    .action(async (directory: string, { out }: { readonly out?: string }) => {
      await attestKey(directory, out ?? null, deps);
    });
}

type EnrolFlags = {
  readonly gateway?: string;
  readonly request?: string;
  readonly answer?: string;
  readonly endorsement?: string;
  readonly endorsementHandle: number;
};

const FOLDER = "holdpoint-key";

async function enrolKey(directory: string, flags: EnrolFlags, deps: AttestDeps): Promise<void> {
  const { request, answer, gateway, endorsementHandle } = flags;
  if (request !== undefined && answer === undefined && gateway !== undefined) {
    const keys = valueOf(await deps.read(directory, endorsementHandle));
    const { chain: endorsement, says } =
      flags.endorsement === undefined
        ? chooseCertificate(keys.endorsementKey, valueOf(await deps.certificates(directory)))
        : { chain: await readRoots(flags.endorsement), says: [] };
    // What the authority sees is what every bundle has to hold.
    await writeTo(join(directory, KEY_FILES.endorsement), encodeChain(endorsement), "w");
    const bytes = encodeRequest({ ...keys, gateway, endorsement });
    await writeTo(request, bytes, "wx");
    const lines = [...says, `${request}: carry it to the authority (holdpoint ca issue)`];
    deps.out.write(`${lines.join("\n")}\n`);
  } else if (answer !== undefined && request === undefined) {
    const read = decodeAnswer(new Uint8Array(await readNamed(answer)));
    if (read === null) throw new Refusal(`${answer}: no answer of this version`, 2);
    const value = valueOf(await deps.open(directory, endorsementHandle, read));
    const chain = openAnswer(read, value);
    await writeTo(join(directory, KEY_FILES.certificates), encodeChain(chain), "w");
    deps.out.write(`${subjectOf(chain)}: holdpoint key attest puts it into the key bundle\n`);
  } else {
    throw new Refusal("name --gateway and --request to ask, or --answer to take the answer", 2);
  }
}

async function attestKey(directory: string, out: string | null, deps: AttestDeps): Promise<void> {
  const { spki, software, attestation } = valueOf(await deps.attest(directory));
  const certificates = (await readChain(directory, "certificates")) ?? [];
  const [first] = certificates;
  const certificate = first === undefined ? null : CERTIFICATES.read(first);
  const area = parsePublic(attestation.attester);
  if (certificate !== null && !(area.ok && equalBytes(certificate.spki, spkiOf(area.value)))) {
    throw new Refusal(`${directory}: its certificate is of another key; enrol this one anew`, 1);
  }
  const isSoftware = software || certificate?.subject.unit === SOFTWARE_UNIT;
  const endorsement =
    certificate === null ? [] : ((await readChain(directory, "endorsement")) ?? []);
  const key = { spki, certificates, endorsement, attestation, validSeq: null };
  const bytes = encodeKeyBundle({ ...key, software: isSoftware });
  if (out !== null) await writeTo(out, bytes, "wx");
  // For key status, and for whoever has lost the other.
  const copy = join(directory, KEY_FILES.bundle);
  await writeTo(copy, bytes, "w");
  const lines = [
    `${out ?? copy}: the attest of a TPM${certificate === null ? "" : ", and who vouches for it"}`,
    ...(certificate === null ? ["nobody vouches for it yet: holdpoint key enrol"] : []),
    ...(isSoftware ? ["key: software, not hardware"] : []),
  ];
  deps.out.write(`${lines.join("\n")}\n`);
}

function valueOf<T>(asked: Asked<T>): T {
  if (asked.ok) return asked.value;
  throw new Refusal(asked.says, 1);
}

async function readRoots(path: string): Promise<readonly Uint8Array[]> {
  const trust = await readTrust(path);
  if (trust.kind === "roots") return trust.certificates;
  throw new Refusal(`${path}: certificates in PEM are wanted, this is a key`, 2);
}

async function writeTo(path: string, bytes: Uint8Array, flag: "w" | "wx"): Promise<void> {
  try {
    await writeFile(path, bytes, { flag });
  } catch {
    throw new Refusal(`${path}: is there already, or cannot be written`, 2);
  }
}

function subjectOf([first]: readonly Uint8Array[]): string {
  const subject = first === undefined ? "" : new X509Certificate(first).subject;
  return `certificate for ${subject.replaceAll("\n", ", ")}`;
}

function parseHandle(text: string): number {
  const value = /^0x81[0-9a-fA-F]{6}$/.test(text) ? Number(text) : 0;
  if (value === 0) throw new InvalidArgumentError("not a handle such as 0x81010001");
  return value;
}
