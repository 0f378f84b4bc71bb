import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { decodeRequest, encodeAnswer, ENROLMENT_BYTES_MAX } from "../evidence/enrolment.js";
import { AUTHORITY_FILES, makeAuthority } from "./certificate-authority.js";
import { enrol } from "./enrolment.js";
import { readNamed, readTrust } from "./evidence-keys.js";
import { Refusal, showPlain, type CliStreams } from "./output.js";

/** `holdpoint ca init | issue`: a small certificate authority for attestation keys. Refusals are thrown to the caller. */
export function addCaCommands(program: Command, streams: CliStreams): void {
  const ca = program.command("ca").description("certificates for the attestation keys of gateways");
  ca.command("init")
    .description("make an authority: a key that only its owner may read, and its root certificate")
    .argument("<dir>", "folder to keep it in, on a machine of its own")
    .requiredOption("--name <text>", "whose authority it is")
    .action(async (folder: string, { name }: { readonly name: string }) => {
      await makeAuthority(folder, name);
      streams.out.write(`${folder}/${AUTHORITY_FILES.root}: give it to whoever checks evidence\n`);
    });
  ca.command("issue")
    .description("answer a gateway's request; only the TPM that made it can open the answer")
    .argument("<dir>", "folder of the authority")
    .argument("<request>", "file from the gateway")
    .requiredOption("--out <file>", "answer to write")
    .option("--makers <file>", "root certificates (PEM) of makers of TPMs; else: software-tpm")
    .action(async (folder: string, request: string, options: IssueFlags) => {
      const makers = options.makers ?? null;
      streams.out.write(await issue({ folder, request, out: options.out, makers }));
    });
}

type IssueFlags = { readonly out: string; readonly makers?: string };
type IssueCommand = {
  readonly folder: string;
  readonly request: string;
  readonly out: string;
  readonly makers: string | null;
};

async function issue(command: IssueCommand): Promise<string> {
  const bytes = await readNamed(command.request);
  if (bytes.length > ENROLMENT_BYTES_MAX) throw new Refusal(`${command.request}: too long`, 2);
  const request = decodeRequest(new Uint8Array(bytes));
  if (request === null) throw new Refusal(`${command.request}: no request of this version`, 2);
  const makers = command.makers === null ? null : await readRoots(command.makers);
  const { answer, key, isHardware } = await enrol(command.folder, request, makers);
  try {
    await writeFile(command.out, encodeAnswer(answer), { flag: "wx" });
  } catch {
    throw new Refusal(`${command.out}: is there already, or cannot be written`, 2);
  }
  const kind = isHardware
    ? "a maker's certificate vouches for its TPM"
    : `software-tpm: ${request.software ? "its TPM is software, as it says itself" : "no maker's certificate vouches for its TPM"}, it proves no hardware`;
  return `${command.out}: for ${showPlain(request.gateway)}, attestation key ${key}\n${kind}\n`;
}

async function readRoots(path: string): Promise<readonly Uint8Array[]> {
  const trust = await readTrust(path);
  if (trust.kind === "roots") return trust.certificates;
  throw new Refusal(`${path}: root certificates in PEM are wanted, this is a key`, 2);
}
