import type {
  Controller,
  Device,
  Input,
  Output,
  ProfileModel,
  Trip,
} from "../kernel/profile/model.js";
import { orderDiagnostics, renderDiagnostic } from "./diagnostic.js";
import type { Diagnostic } from "./diagnostic.js";
import { readTree } from "./document/read.js";
import type { Draft } from "./draft.js";
import { typeOfTag } from "./draft.js";
import { readControllers } from "./element/controller.js";
import { readDevice } from "./element/device.js";
import { readGroups, readReadable } from "./element/groups.js";
import { readHeader } from "./element/header.js";
import { readInput, readInputShape } from "./element/input.js";
import { readModes } from "./element/modes.js";
import type { Modes } from "./element/modes.js";
import { readOutput, readOutputShape } from "./element/output.js";
import { checkBypass, readApprovals, readHazards } from "./element/people.js";
import { readAlways, readExclusive, readPermissives } from "./element/rules.js";
import { addBuiltInTrips, readConfirms, readSafeState } from "./element/safe-state.js";
import type { DraftConfirm } from "./element/safe-state.js";
import { readSignals } from "./element/signals.js";
import { readTrips } from "./element/trips.js";
import { lintDraft } from "./lint/lint.js";
import { lintModel } from "./lint/model.js";
import { profileSchema } from "./schema.js";
import { keysAt, membersAt, textAt } from "./source.js";
import type { Source } from "./source.js";
import { checkStructure } from "./structure.js";

/** `rendered`: the same complaints as people read them, each with its line and a caret, in the same order. */
export type ProfileLoad =
  | {
      readonly ok: true;
      readonly model: ProfileModel;
      readonly warnings: readonly Diagnostic[];
      readonly rendered: readonly string[];
    }
  | {
      readonly ok: false;
      readonly diagnostics: readonly Diagnostic[];
      readonly rendered: readonly string[];
    };

/**
 * Text to a profile that can be put in force, or everything that is wrong with it. Pure and total: any
 * text gives one or the other. `file` is its name, for people; `digest` is the SHA-256 of its exact bytes.
 * Where `ok`, nothing that the file demands is left unenforced without a warning that says so.
 */
export function loadProfile(text: string, file: string, digest: Uint8Array): ProfileLoad {
  const { root, found } = readTree(text);
  const source: Source = { root, found: [...found] };
  if (root !== null) checkStructure(source, profileSchema);
  const model = root === null ? null : readModel(source, digest);
  const diagnostics = orderDiagnostics(source.found);
  const rendered = diagnostics.map((diagnostic) => renderDiagnostic(text, file, diagnostic));
  const failed = diagnostics.some((diagnostic) => diagnostic.severity === "error");
  if (model === null || failed) return { ok: false, diagnostics, rendered };
  return { ok: true, model, warnings: diagnostics, rendered };
}

function readModel(source: Source, digest: Uint8Array): ProfileModel | null {
  const header = readHeader(source);
  const deviceNames = keysAt(source, ["devices"]);
  const devices = deviceNames.map((name, position) =>
    readDevice(source, ["devices", name], name, position),
  );
  const { draft, modes } = openDraft(source, deviceNames, devices);
  const signals = readSignals(draft);
  const inputs = readTags(draft, "inputs", draft.inputTags, readInput);
  const outputs = readTags(draft, "outputs", draft.outputTags, readOutput);
  const permissives = readPermissives(draft);
  const always = readAlways(draft);
  const exclusive = readExclusive(draft);
  const trips = readTrips(draft, outputs);
  const tripIds = membersAt(source, ["trips"]).flatMap(
    (path) => textAt(source, [...path, "id"]) ?? [],
  );
  const confirms = readConfirms(draft, tripIds);
  const groups = readGroups(draft, outputs);
  const readable = readReadable(draft);
  const safeState = readSafeState(draft, outputs);
  const controllers = readControllers(draft, outputs);
  const approvals = readApprovals(draft);
  checkBypass(draft, { permissives, tripIds });
  const hazards = readHazards(draft, inputs, tripIds);
  lintDraft(draft, { devices, inputs, outputs });
  const hasErrors = source.found.some((diagnostic) => diagnostic.severity === "error");
  if (hasErrors || header === null || safeState === null) return null;
  const parts = { inputs: whole(inputs), outputs: whole(outputs), devices: whole(devices) };
  const allTrips = addBuiltInTrips(
    whole(trips),
    parts.outputs,
    parts.devices,
    builtInConfirms(confirms),
  );
  const model: ProfileModel = {
    ...header,
    ...parts,
    digest,
    plantModes: modes?.model ?? null,
    groups: whole(groups),
    signals,
    permissives: whole(permissives),
    always: whole(always),
    exclusive: whole(exclusive),
    trips: allTrips,
    confirms: placeConfirms(whole(confirms), allTrips),
    safeState,
    controllers: whole<Controller>(controllers),
    approvals: whole(approvals),
    readable,
    hazards: whole(hazards),
  };
  lintModel(draft, model);
  return model;
}

/** Names and types of everything, before anything that may name it is read. */
function openDraft(
  source: Source,
  deviceNames: readonly string[],
  devices: readonly (Device | null)[],
): { draft: Draft; modes: Modes | null } {
  const inputNames = keysAt(source, ["inputs"]);
  const outputNames = keysAt(source, ["outputs"]);
  const inputTags = inputNames.map((name) => readInputShape(source, ["inputs", name], deviceNames));
  const outputTags = outputNames.map((name) =>
    readOutputShape(source, ["outputs", name], deviceNames),
  );
  const names = new Map(
    [...inputTags, ...outputTags].map((tag, slot) => [
      inputNames[slot] ?? outputNames[slot - inputNames.length] ?? "",
      typeOfTag(tag, slot),
    ]),
  );
  const modes = readModes(source, ["modes"], { names: inputNames, tags: inputTags });
  const used = new Set<string>();
  const modeInput = modes === null ? undefined : inputNames[modes.model.input];
  if (modeInput !== undefined) used.add(modeInput);
  const modeStates = modes?.states ?? null;
  const known = { source, deviceNames, devices, inputNames, outputNames, inputTags, outputTags };
  return { draft: { ...known, names, used, modeStates }, modes };
}

function readTags<T extends Input | Output>(
  draft: Draft,
  section: "inputs" | "outputs",
  tags: Draft["inputTags"],
  read: (
    draft: Draft,
    path: readonly string[],
    name: string,
    shape: NonNullable<Draft["inputTags"][number]>,
  ) => T | null,
): (T | null)[] {
  const names = section === "inputs" ? draft.inputNames : draft.outputNames;
  return names.map((name, position) => {
    const shape = tags[position] ?? null;
    return shape === null ? null : read(draft, [section, name], name, shape);
  });
}

/** Once nothing was complained about, nothing is missing. */
function whole<T>(parts: readonly (T | null)[]): T[] {
  return parts.flatMap((part) => (part === null ? [] : [part]));
}

function builtInConfirms(confirms: readonly (DraftConfirm | null)[]): number[] {
  return confirms.flatMap((confirm, n) => (confirm?.trip === `confirm.${n}` ? [n] : []));
}

function placeConfirms(
  confirms: readonly DraftConfirm[],
  trips: readonly Trip[],
): ProfileModel["confirms"] {
  const places = new Map(trips.map((trip, position) => [trip.id, position]));
  return confirms.map((confirm) => ({ ...confirm, trip: places.get(confirm.trip) ?? -1 }));
}
