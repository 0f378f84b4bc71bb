import { hex } from "../evidence/hex.js";
import { PartJoiner } from "../evidence/parts.js";
import { readLink } from "../evidence/segment.js";
import { CLAMPS } from "../kernel/decide/decide.js";
import type { ProfileModel } from "../kernel/profile/model.js";
import type { EntryBody } from "../kernel/record/entry.js";
import { loadProfile } from "../profile/load.js";
import { readSegment, sha256, visitEntries } from "./evidence-files.js";
import { Refusal } from "./output.js";
import { refuseName, type QueryFilter } from "./query-filter.js";

/** Numbers in evidence that `--output` means, by the profile (hex of its digest) in force. */
export type OutputNumbers = (profile: string | null) => ReadonlySet<number>;

/**
 * Looks up the names of a filter in the profiles whose bytes the log holds. Throws a Refusal for a name that none
 * of them has; where a profile is not in the log any more, only for an output, which then nothing can be found by.
 */
export async function resolveNames(
  filter: QueryFilter,
  directory: string,
  segments: readonly string[],
): Promise<OutputNumbers> {
  const { controllers, rules, outputs } = filter;
  const numbers = [...(outputs ?? [])].filter(isNumber);
  const names = [...(outputs ?? [])].filter((name) => !isNumber(name));
  if (controllers === null && rules === null && names.length === 0) {
    const same = new Set(numbers.map(Number));
    return () => same;
  }
  const { models, all } = await findProfiles(directory, segments);
  const known = [...models.values()];
  if (all) {
    const named = new Set([...(controllers ?? [])].filter((name) => !NOBODY.test(name)));
    refuseStrangers("--controller", named, known.flatMap(controllerNames));
    refuseStrangers("--rule", rules, known.flatMap(ruleNames));
  }
  if (known.length === 0 && names.length > 0) {
    throw new Refusal(
      `--output ${names.join(", ")}: the log holds no profile that could say which that is; give its number`,
      2,
    );
  }
  refuseStrangers("--output", new Set(names), known.flatMap(outputNames));
  const byProfile = new Map(
    [...models].map(([digest, model]) => [digest, numbersIn(model, names, numbers)]),
  );
  const elsewhere = new Set(numbers.map(Number));
  return (profile) => byProfile.get(profile ?? "") ?? elsewhere;
}

type FoundProfiles = {
  /** By the hex of the digest. */
  readonly models: ReadonlyMap<string, ProfileModel>;
  /** Every one that the log says it holds was found and could be read. */
  readonly all: boolean;
};

/** The newest segment tells which profiles there are; the bytes usually stand at the very beginning. */
async function findProfiles(
  directory: string,
  segments: readonly string[],
): Promise<FoundProfiles> {
  const wanted = new Set<string>();
  const models = new Map<string, ProfileModel>();
  const joiner = new PartJoiner(sha256);
  const take = (body: EntryBody): void => {
    if (body.type === "boot") wanted.add(hex(body.profile));
    for (const digest of readLink(body)?.profiles ?? []) wanted.add(hex(digest));
    if (body.type !== "profile" || body.bytes === null) return;
    const joined = joiner.add(body.bytes);
    if (joined.kind !== "whole") return;
    const digest = sha256(joined.bytes);
    const loaded = loadProfile(new TextDecoder().decode(joined.bytes), "the log's", digest);
    if (loaded.ok) models.set(hex(digest), loaded.model);
  };
  const newest = segments.slice(-1);
  for (const name of [...newest, ...segments.slice(0, -1)]) {
    visitEntries(name, await readSegment(directory, name), {
      entry: ({ entry }) => {
        take(entry.body);
      },
    });
    if ([...wanted].every((digest) => models.has(digest))) return { models, all: true };
  }
  return { models, all: false };
}

function refuseStrangers(
  option: string,
  names: ReadonlySet<string> | null,
  known: readonly string[],
): void {
  for (const name of names ?? []) {
    if (!known.includes(name)) throw refuseName(option, name, [...new Set(known)]);
  }
}

function numbersIn(
  model: ProfileModel,
  names: readonly string[],
  numbers: readonly string[],
): ReadonlySet<number> {
  const found = outputNames(model).flatMap((name, number) =>
    names.includes(name) ? [number] : [],
  );
  return new Set([...found, ...numbers.map(Number)]);
}

/** How evidence names a client that no profile knows. */
const NOBODY = /^#-?\d{1,10}$/;

const isNumber = (name: string): boolean => /^\d{1,4}$/.test(name);
const outputNames = (model: ProfileModel): readonly string[] =>
  model.outputs.map(({ name }) => name);
const controllerNames = (model: ProfileModel): readonly string[] =>
  model.controllers.map(({ name }) => name);

function ruleNames(model: ProfileModel): readonly string[] {
  const { permissives, always, exclusive, trips, approvals } = model;
  const rules = [permissives, always, exclusive, trips, approvals].flat();
  return [...rules.map(({ id }) => id), CLAMPS];
}
