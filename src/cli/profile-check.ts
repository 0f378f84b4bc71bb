import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { ProfileModel } from "../kernel/profile/model.js";
import type { Diagnostic } from "../profile/diagnostic.js";
import { positionOf } from "../profile/diagnostic.js";
import { loadProfile } from "../profile/load.js";
import { profileJsonSchema } from "../profile/schema.js";
import { alignTable, Refusal } from "./output.js";

/** `holdpoint profile ...`: what is done with profile files. Nothing here is put in force. */
export function addProfileCommands(program: Command): void {
  const profile = program.command("profile").description("look at safety profiles");
  profile
    .command("check")
    .description("read a profile and say everything that is wrong with it; exit 1 if anything is")
    .argument("[file]", "profile (YAML)")
    .option("--json", "for programs: one JSON object")
    .option("--schema", "print the JSON Schema for editors instead")
    .action((file: string | undefined, options: { json?: true; schema?: true }) => {
      if (options.schema === true) {
        process.stdout.write(`${JSON.stringify(profileJsonSchema(), null, 2)}\n`);
        return;
      }
      if (file === undefined)
        throw new Refusal("holdpoint profile check: name the profile file", 2);
      const checked = checkProfile(file);
      process.stdout.write(options.json === true ? `${checked.json}\n` : `${checked.text}\n`);
      process.exitCode = checked.ok ? 0 : 1;
    });
}

export type Checked = { readonly ok: boolean; readonly text: string; readonly json: string };

/** Throws a {@link Refusal} when the file cannot be read. */
export function checkProfile(file: string): Checked {
  const bytes = readProfileFile(file);
  const text = decodeUtf8(bytes, file);
  const digest = createHash("sha256").update(bytes).digest();
  const load = loadProfile(text, file, digest);
  const found = load.ok ? load.warnings : load.diagnostics;
  const json = JSON.stringify({
    file,
    ok: load.ok,
    signed: false,
    digest: digest.toString("hex"),
    diagnostics: found.map((diagnostic) => placeDiagnostic(text, diagnostic)),
    ...(load.ok ? { counts: countParts(load.model) } : {}),
  });
  const said = load.ok
    ? [...load.rendered, summarise(file, load.model, load.warnings.length)]
    : [...load.rendered, refuse(file, found)];
  return { ok: load.ok, text: said.join("\n\n"), json };
}

function readProfileFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const why =
      code === "ENOENT"
        ? "there is no such file"
        : code === "EISDIR"
          ? "this is a folder"
          : code === "EACCES"
            ? "it may not be read"
            : "it cannot be read";
    throw new Refusal(`${file}: ${why}`, 2);
  }
}

function decodeUtf8(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refusal(`${file}: this is not UTF-8 text`, 1);
  }
}

function placeDiagnostic(text: string, diagnostic: Diagnostic): unknown {
  const { severity, message, hint, path, from, to } = diagnostic;
  return { severity, ...positionOf(text, from), length: to - from, path, message, hint };
}

function countParts(model: ProfileModel): Readonly<Record<string, number>> {
  return {
    devices: model.devices.length,
    inputs: model.inputs.length,
    outputs: model.outputs.length,
    groups: model.groups.length,
    permissives: model.permissives.length,
    always: model.always.length,
    exclusive: model.exclusive.length,
    trips: model.trips.filter((trip) => trip.when !== null).length,
    "built-in trips": model.trips.filter((trip) => trip.when === null).length,
    confirms: model.confirms.length,
    controllers: model.controllers.length,
    hazards: model.hazards.length,
  };
}

function summarise(file: string, model: ProfileModel, warnings: number): string {
  const rows = Object.entries(countParts(model)).map(([what, count]) => [
    `  ${what}`,
    String(count),
  ]);
  const holdless = model.safeState.order
    .flatMap((position) => model.outputs[position] ?? [])
    .map((output) => [`  ${output.name}`, `layer below: ${output.below ?? "none"}`]);
  return [
    `${file}: profile ${model.name}, revision ${model.revision}, UNSIGNED`,
    alignTable(rows),
    ...(holdless.length > 0 ? ["safe state, in this order:", alignTable(holdless)] : []),
    `no errors, ${count(warnings, "warning")}`,
  ].join("\n");
}

function refuse(file: string, found: readonly Diagnostic[]): string {
  const errors = found.filter((diagnostic) => diagnostic.severity === "error").length;
  return `${file}: ${count(errors, "error")}, ${count(found.length - errors, "warning")}; nothing is loaded`;
}

const count = (number: number, what: string): string =>
  `${number} ${what}${number === 1 ? "" : "s"}`;
