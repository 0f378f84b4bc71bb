import type { RawFormat, Scaling, Span } from "../../kernel/profile/model.js";
import type { TagShape } from "../draft.js";
import type { Path } from "../document/tree.js";
import { readAddress, readSpan } from "../notation.js";
import { complain, settle } from "../source.js";
import type { Source } from "../source.js";
import { suggestName } from "../suggestion.js";
import { PLAIN } from "../unit.js";

/** The settings that inputs and outputs share. */
export type TagFile = {
  readonly at: string;
  readonly raw?: string | undefined;
  readonly eu?: string | undefined;
  readonly scale?: string | undefined;
  readonly states?: readonly string[] | Readonly<Record<string, string>> | undefined;
};

/** Place, kind, scale and unit of a tag; null: something of it was complained about. */
export function readTagShape(
  source: Source,
  path: Path,
  file: TagFile,
  deviceNames: readonly string[],
): TagShape | null {
  const before = source.found.length;
  const at = readTagAddress(source, [...path, "at"], file.at, deviceNames);
  if (file.scale !== undefined) {
    const hint = "scale by raw: and eu:, or leave the tag out";
    complain(source, [...path, "scale"], {
      message: "a live scale is not part of this release",
      hint,
    });
  }
  if (at === null) return null;
  const kind = file.states !== undefined ? "state" : at.format === "bit" ? "bool" : "number";
  if (kind !== "number") refuseScale(source, path, file, kind);
  if (kind === "state" && at.format !== "u16" && at.format !== "i16") {
    complain(source, [...path, "states"], {
      message: "states need a 16-bit register",
      hint: "u16",
    });
  }
  const states = readStates(source, [...path, "states"], file.states);
  const { scaling, eu, unit } = readScale(source, path, file, at.format);
  if (source.found.slice(before).some((d) => d.severity === "error")) return null;
  return { at, kind, states, scaling, eu, unit };
}

function readTagAddress(
  source: Source,
  path: Path,
  text: string,
  deviceNames: readonly string[],
): TagShape["at"] | null {
  const space = text.indexOf(" ");
  const name = text.slice(0, space);
  const device = deviceNames.indexOf(name);
  if (device < 0) {
    const message = `no device is called '${name}'`;
    const hint = suggestName(name, deviceNames);
    complain(source, path, { message, hint, from: 0, to: name.length });
    return null;
  }
  return settle(source, path, readAddress(text.slice(space + 1), device));
}

function refuseScale(source: Source, path: Path, file: TagFile, kind: string): void {
  for (const key of ["raw", "eu"] as const) {
    if (file[key] === undefined) continue;
    const what = kind === "bool" ? "one bit" : "a tag with states";
    complain(source, [...path, key], { message: `${what} has no scale`, hint: "leave it out" });
  }
}

function readStates(
  source: Source,
  path: Path,
  file: TagFile["states"],
): ReadonlyMap<number, string> {
  if (file === undefined) return new Map();
  const pairs: [number, string][] = Array.isArray(file)
    ? file.map((name: string, raw) => [raw, name])
    : Object.entries(file).map(([raw, name]) => [Number(raw), name]);
  const seen = new Set<string>();
  for (const [raw, name] of pairs) {
    if (raw > 65_535)
      complain(source, path, { message: `${raw} does not fit a register`, hint: null });
    if (seen.has(name)) {
      complain(source, path, {
        message: `two states are called ${name}`,
        hint: "each needs a name of its own",
      });
    }
    seen.add(name);
  }
  return new Map(pairs);
}

const LARGEST: Readonly<Record<RawFormat, readonly [number, number]>> = {
  bit: [0, 1],
  u16: [0, 0xffff],
  i16: [-0x8000, 0x7fff],
  u32: [0, 0xffff_ffff],
  i32: [-0x8000_0000, 0x7fff_ffff],
  f32: [-3.4e38, 3.4e38],
};

type Scale = { scaling: Scaling | null; eu: Span | null; unit: TagShape["unit"] };

function readScale(source: Source, path: Path, file: TagFile, format: RawFormat): Scale {
  const none = { scaling: null, eu: null, unit: PLAIN };
  if (file.eu === undefined) {
    if (file.raw !== undefined) {
      const hint = "write the engineering span as well: eu: 0..6 m";
      complain(source, [...path, "raw"], { message: "a raw span without eu:", hint });
    }
    return none;
  }
  const eu = settle(source, [...path, "eu"], readSpan(file.eu));
  if (eu === null) return none;
  const span = { low: eu.low, high: eu.high };
  if (file.raw === undefined) return { scaling: null, eu: span, unit: eu.unit };
  const raw = settle(source, [...path, "raw"], readSpan(file.raw));
  if (raw === null) return none;
  const [least, most] = LARGEST[format];
  if (raw.unit !== PLAIN || raw.low < least || raw.high > most) {
    const message =
      raw.unit === PLAIN ? `a ${format} holds ${least} to ${most}` : "a raw span has no unit";
    complain(source, [...path, "raw"], { message, hint: null });
    return none;
  }
  const scaling = { rawLow: raw.low, rawHigh: raw.high, euLow: eu.low, euHigh: eu.high };
  return { scaling, eu: span, unit: eu.unit };
}
