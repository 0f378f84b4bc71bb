import type { Command } from "commander";
import { hex } from "../evidence/hex.js";
import type { TpmKeyReport } from "../guard/ports.js";
import { ANCHOR_EVERY_US, describeFlash, FLASH_WRITES } from "../profile/flash-wear.js";
import { describeFiles, jsonOfFiles } from "./key-files-words.js";
import { readKeyFiles } from "./key-files.js";
import { alignTable, Refusal, showPlain, type CliStreams } from "./output.js";

export type KeyDeps = {
  readonly streams: CliStreams;
  /** What the process is to exit with. */
  readonly exit: (code: number) => void;
  /** `tpm` is a place as people write it, null for the usual one; `there`: what is in the way is in the TPM. */
  readonly provision: (
    directory: string,
    tpm: string | null,
  ) => Promise<
    | { readonly ok: true; readonly made: boolean; readonly report: TpmKeyReport }
    | { readonly ok: false; readonly says: string; readonly there: boolean }
  >;
  /** `giveUp`: the key that signs now is lost, by the word of a person. */
  readonly rotate: (
    directory: string,
    giveUp: boolean,
  ) => Promise<
    | { readonly ok: true; readonly made: boolean; readonly report: TpmKeyReport }
    | { readonly ok: false; readonly says: string }
  >;
  readonly report: (
    directory: string,
  ) => Promise<
    | { readonly ok: true; readonly report: TpmKeyReport }
    | { readonly ok: false; readonly says: string }
  >;
  /** Whether a text names a place where a TPM may be. */
  readonly isPlace: (text: string) => boolean;
};

/** `holdpoint key provision | rotate | status`. Refusals are thrown to the caller, which prints them. */
export function addKeyCommands(program: Command, deps: KeyDeps): void {
  const key = program.command("key").description("the keys that sign evidence, in a TPM");
  key
    .command("provision")
    .description("make the keys and counters in the TPM, or find those that are there")
    .option(
      "--tpm <place>",
      "device:FILE, swtpm:HOST:PORT or swtpm:SOCKET (default: device:/dev/tpmrm0, else swtpm:127.0.0.1:2321)",
    )
    .option("--out <dir>", "folder for the record of them, which is secret", FOLDER)
    .option("--json", "report as JSON", false)
    .action(async (options: ProvisionFlags) => {
      await provision(options, deps);
    });
  key
    .command("rotate")
    .description("make the key that takes over when the gateway starts next")
    .argument("[dir]", "folder that provision wrote to", FOLDER)
    .option("--lost", "the key that signs now is lost: nobody vouches for the new one", false)
    .option("--json", "report as JSON", false)
    .action(async (directory: string, options: RotateFlags) => {
      await rotate(directory, options, deps);
    });
  key
    .command("status")
    .description("which keys there are, whether the TPM answers now, and who vouches for them")
    .argument("[dir]", "folder that provision wrote to", FOLDER)
    .option("--json", "report as JSON", false)
    .action(async (directory: string, { json }: { readonly json: boolean }) => {
      const found = await deps.report(directory);
      if (!found.ok) throw new Refusal(found.says);
      const { report } = found;
      const { spki: evidence, attester: attestation } = report;
      const files = await readKeyFiles(directory, { evidence, attestation });
      const text = json
        ? `${JSON.stringify({ ...jsonOf(report), ...jsonOfFiles(files) })}\n`
        : `${alignTable([...describeKeys(report), ...describeFiles(files, report.trouble)])}\n`;
      deps.streams.out.write(text);
      deps.exit(report.trouble === null ? 0 : 1);
    });
}

type ProvisionFlags = { readonly tpm?: string; readonly out: string; readonly json: boolean };

type RotateFlags = { readonly lost: boolean; readonly json: boolean };

const FOLDER = "holdpoint-key";

async function provision(options: ProvisionFlags, deps: KeyDeps): Promise<void> {
  const { tpm, out, json } = options;
  if (tpm !== undefined && !deps.isPlace(tpm)) {
    throw new Refusal(
      `${showPlain(tpm)}: no place of a TPM. Write device:/dev/tpmrm0, swtpm:HOST:PORT or swtpm:/path/of/socket`,
      2,
    );
  }
  const done = await deps.provision(out, tpm ?? null);
  if (!done.ok)
    throw new Refusal(done.there ? `${done.says}\n${BEGIN_ANEW}` : adviseNone(done.says));
  const { made, report } = done;
  const head = made
    ? `made in the TPM, and each one tried; keep ${report.file} secret and with this machine`
    : "all of it was there already, and each one tried; nothing was made";
  const text = json
    ? JSON.stringify({ made, ...jsonOf(report) })
    : `${head}\n\n${alignTable(describeKeys(report))}`;
  deps.streams.out.write(`${text}\n`);
}

async function rotate(directory: string, flags: RotateFlags, deps: KeyDeps): Promise<void> {
  const done = await deps.rotate(directory, flags.lost);
  if (!done.ok) throw new Refusal(done.says);
  const { made, report } = done;
  const head = made
    ? "a new key was made in the TPM, and tried"
    : "a new key waits already, and was tried; none was made";
  const vouched = report.rotation?.givenUp === true ? GIVEN_UP : VOUCHED;
  const text = flags.json
    ? JSON.stringify({ made, ...jsonOf(report) })
    : `${head}\n${vouched}\n\n${alignTable(describeKeys(report))}`;
  deps.streams.out.write(`${text}\n`);
}

const AFTER = "Then run holdpoint key attest again.";
const VOUCHED = `The gateway goes on with the key it has. When it is started next that key signs an entry that names the new one, which signs
from then on. ${AFTER}`;
const GIVEN_UP = `The old key is given up. When the gateway is started next the new one signs, and nobody vouches for it: whoever checks the
log has to be given it. ${AFTER}`;

/** Where there is no chip one line says what else there is. */
function adviseNone(says: string): string {
  if (!says.startsWith("no TPM found")) return says;
  return `${says}. Name one with --tpm, or go on with the file key, which is said to be software`;
}

const BEGIN_ANEW = `Nothing was replaced. What stands there may be another gateway's, or of an earlier folder: name that folder with --out.
A TPM whose owner hierarchy has an authorisation value is not provisioned by this version.
To begin anew, when nobody needs these objects any more (what they signed stays valid, they never sign again):
  tpm2_evictcontrol -C o -c 0x81010010; tpm2_evictcontrol -C o -c 0x81010011
  tpm2_nvundefine -C o 0x01500010; tpm2_nvundefine -C o 0x01500011
then move the old folder away and run holdpoint key provision again.`;

/** In plain words, a line each. */
function describeKeys(report: TpmKeyReport): readonly (readonly string[])[] {
  const { handles, counters, trouble } = report;
  const counter = ({ index, value }: TpmKeyReport["counters"]["anchor"]): string =>
    `${wordOf(index)} ${value === null ? "(not read)" : `at ${value}`}`;
  return [
    ["key", KINDS[report.kind]],
    ["kid", hex(report.kid)],
    ["TPM", `${showPlain(report.place)}, ${showPlain(report.chip)}`],
    ["storage root", `${wordOf(handles.root)}, pinned as ${hex(report.root)}`],
    ["keys", `evidence ${wordOf(handles.evidence)}, attestation ${wordOf(handles.attestation)}`],
    [
      "counters",
      `checkpoints ${counter(counters.checkpoint)}, anchors ${counter(counters.anchor)}`,
    ],
    ["TPM's flash", describeWear(counters.anchor.value)],
    ...describeRotation(report.rotation),
    ["record", showPlain(report.file)],
    ["answers", describeTrouble(trouble)],
  ];
}

function describeRotation(rotation: TpmKeyReport["rotation"]): readonly (readonly string[])[] {
  if (rotation === null) return [];
  const { step, kid, handle, givenUp } = rotation;
  const key = `${hex(kid)} at ${wordOf(handle)}`;
  if (step === "done") return [["key before", `${key}; it cannot be used any more`]];
  const how = givenUp ? "nobody vouches for it" : "the key above vouches for it";
  return [["next key", `${key}, when the gateway is started next; ${how}`]];
}

/** At the usual interval; the status of a site tells it for the site's own. The counter may have begun above zero. */
function describeWear(value: bigint | null): string {
  if (value === null) return "(not read)";
  return describeFlash({ everyUs: ANCHOR_EVERY_US, writes: FLASH_WRITES, used: Number(value) });
}

function describeTrouble(trouble: TpmKeyReport["trouble"]): string {
  if (trouble === null) return "yes: every key signs, every counter is read";
  const says = showPlain(trouble.says);
  return trouble.answers ? `yes, but NOT as it was provisioned: ${says}` : `NO: ${says}`;
}

const KINDS: Readonly<Record<TpmKeyReport["kind"], string>> = {
  tpm: "in a TPM chip, by the chip's own word (its certificate is not checked yet)",
  "tpm-software": "in a software TPM, proves no hardware",
};

function wordOf(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}

/** A counter has 64 bits: as text, since readers of JSON round numbers. */
function jsonOf(report: TpmKeyReport): Readonly<Record<string, unknown>> {
  const { kind, place, chip, file, handles, counters, rotation, trouble } = report;
  const counter = ({ index, value }: TpmKeyReport["counters"]["anchor"]): unknown => ({
    index: wordOf(index),
    value: value === null ? null : String(value),
  });
  return {
    kind,
    kid: hex(report.kid),
    spki: hex(report.spki),
    place,
    chip,
    record: file,
    root: { handle: wordOf(handles.root), name: hex(report.root) },
    evidence: { handle: wordOf(handles.evidence) },
    attestation: { handle: wordOf(handles.attestation) },
    counters: {
      checkpoint: counter(counters.checkpoint),
      anchor: counter(counters.anchor),
    },
    rotation:
      rotation === null
        ? null
        : {
            step: rotation.step,
            kid: hex(rotation.kid),
            spki: hex(rotation.spki),
            handle: wordOf(rotation.handle),
            givenUp: rotation.givenUp,
          },
    answers: trouble?.answers ?? true,
    usable: trouble === null,
    trouble: trouble?.says ?? null,
  };
}
