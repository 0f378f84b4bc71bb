import * as z from "zod";
import type { ProfileModel } from "../kernel/profile/model.js";
import type { Us } from "../kernel/units.js";
import { orderDiagnostics, renderDiagnostic } from "./diagnostic.js";
import type { Diagnostic } from "./diagnostic.js";
import { readTree } from "./document/read.js";
import { findNode } from "./document/tree.js";
import type { Path } from "./document/tree.js";
import { readDuration } from "./notation.js";
import {
  ANCHOR_EVERY_LEAST_US,
  ANCHOR_EVERY_MOST_US,
  ANCHOR_EVERY_US,
  FLASH_WRITES,
  WEAR_YEARS_LEAST,
  yearsOfFlash,
} from "./flash-wear.js";
import { duration, name, shaped } from "./schema-parts.js";
import { lintSite } from "./site-lint.js";
import { percent, readSpace, size } from "./site-space.js";
import type { Endpoint, Site, SiteDevice, SiteListener, SiteTpm } from "./site-model.js";
import { complain, settle, takeElement, warn } from "./source.js";
import type { Source } from "./source.js";
import { checkStructure } from "./structure.js";

export type SiteLoad =
  | {
      readonly ok: true;
      readonly site: Site;
      readonly warnings: readonly Diagnostic[];
      readonly rendered: readonly string[];
    }
  | {
      readonly ok: false;
      readonly diagnostics: readonly Diagnostic[];
      readonly rendered: readonly string[];
    };

const OCTET = String.raw`(?:25[0-5]|2[0-4]\d|1?\d?\d)`;
const HOST = String.raw`(?:${OCTET}(?:\.${OCTET}){3}|\[[0-9a-fA-F:.]{2,45}\])`;
const ENDPOINT = new RegExp(String.raw`^${HOST}:\d{1,5}$`);
const address = shaped(
  ENDPOINT,
  "a numeric address with a port",
  "192.168.10.5:502 (names would need a name server)",
);
const source = shaped(
  new RegExp(String.raw`^(?:\*|${OCTET}(?:\.${OCTET}){3}|[0-9a-fA-F:.]{2,45})$`),
  "a numeric source address",
  '10.0.0.7, or "*" on a loopback listener',
);
const unit = shaped(/^\d{1,3}$/, "a unit id", "{1: plc}");
const file = z.string().min(1, "a path is missing").max(1024, "this path is too long");

const tcpDevice = z.strictObject({ tcp: address, unit: z.int().min(0).max(255) });
const serialDevice = z.strictObject({
  serial: z.string(),
  baud: z.int(),
  parity: z.enum(["none", "even", "odd"]),
  unit: z.int(),
});
const device = z.union([tcpDevice, serialDevice]);
const modbus = z.strictObject({
  listen: z
    .record(address, z.record(unit, name))
    .describe("Which unit on which listener is which device."),
  clients: z
    .record(address, z.record(source, name))
    .optional()
    .describe("Which source address on which listener speaks for which controller."),
  own_unit: z.int().min(1).max(255).optional().describe("Default 247."),
});
const evidence = z.strictObject({
  dir: file,
  commit_every: duration
    .optional()
    .describe("How long entries may wait for company before a sync; default 0 ms."),
  key: file.optional(),
  reserve: size
    .optional()
    .describe("Kept on the disk for safe acts, denials and the shutdown; default 64 MB."),
  high_water: percent.optional().describe("No new permits from here on; default 90 %."),
  retention: z
    .strictObject({
      keep: duration.optional().describe("Older segments are deleted, on record; default: none."),
      when_full: z
        .enum(["stop", "drop-oldest"])
        .optional()
        .describe("Default stop: no permits. drop-oldest deletes the oldest segments before."),
    })
    .optional(),
  witness: z
    .strictObject({
      dir: file.describe("Checkpoints are left there as files, for somebody to carry away."),
      every: duration.optional().describe("How often, while there is something new; default 1 h."),
    })
    .optional(),
  storage: z
    .strictObject({
      tbw: size.describe("What the flash may be written with in its life, from its data sheet."),
    })
    .optional(),
});
const tpm = z.strictObject({
  keys: file.optional().describe("The folder that holdpoint key provision wrote to."),
  need: z.enum(["required", "preferred"]).optional().describe("Default required."),
  anchor_every: duration
    .optional()
    .describe("How often the TPM's flash counter anchors the log; default 1 h."),
  flash_writes: z
    .int()
    .min(1_000)
    .max(100_000_000)
    .optional()
    .describe("Writes that the chip's maker promises for its flash; default 100000."),
  device: file.optional(),
});
const parts = {
  site: name,
  gateway: name,
  profile: file,
  devices: z.record(name, device),
  doors: z.strictObject({ modbus }),
  evidence,
};

const siteSchema: z.ZodType = z.strictObject({
  ...parts,
  binding: z.string().optional(),
  tpm: tpm.optional(),
  console: z.unknown().optional(),
  time: z.unknown().optional(),
});

/** What the file may say and this release does not act on. None of it gives or takes authority here. */
const UNUSED: readonly (readonly [key: string, hint: string])[] = [
  ["binding", "credentials are not checked yet: the gateway runs UNSIGNED"],
  ["console", "use the command line"],
  ["time", "the machine's clock is taken and called free-running"],
];

/**
 * Text of a site file to its content, or everything that is wrong with it. Pure and total. With `model`,
 * the names in both files are compared as well.
 */
export function loadSite(
  text: string,
  fileName: string,
  model: ProfileModel | null = null,
): SiteLoad {
  const { root, found } = readTree(text);
  const from: Source = { root, found: [...found] };
  if (root !== null) checkStructure(from, siteSchema);
  const site = root === null ? null : readSite(from);
  if (site !== null) lintSite(from, site, model);
  const diagnostics = orderDiagnostics(from.found);
  const rendered = diagnostics.map((diagnostic) => renderDiagnostic(text, fileName, diagnostic));
  const failed = diagnostics.some((diagnostic) => diagnostic.severity === "error");
  if (site === null || failed) return { ok: false, diagnostics, rendered };
  return { ok: true, site, warnings: diagnostics, rendered };
}

function readSite(from: Source): Site | null {
  const site = takeElement(from, ["site"], parts.site);
  const gateway = takeElement(from, ["gateway"], parts.gateway);
  const profilePath = takeElement(from, ["profile"], parts.profile);
  const devices = readDevices(from);
  const door = takeElement(from, ["doors", "modbus"], modbus);
  const log = takeElement(from, ["evidence"], evidence);
  warnUnused(from);
  const space = log === null ? null : readSpace(from, log);
  const commitEveryUs =
    log?.commit_every === undefined
      ? 0
      : settle(from, ["evidence", "commit_every"], readCommitEvery(log.commit_every));
  const witness = log === null ? null : readWitness(from, log);
  if (site === null || gateway === null || profilePath === null || devices === null) return null;
  if (door === null || log === null || commitEveryUs === null || space === null) return null;
  return {
    name: site,
    gateway,
    profilePath,
    devices,
    listeners: readListeners(from, door),
    ownUnit: door.own_unit ?? 247,
    evidence: { dir: log.dir, commitEveryUs, keyPath: log.key ?? null, space, witness },
    tpm: readTpm(from),
  };
}

/** Where the TPM is stands in the folder of its keys. One that is asked for and cannot be used is never passed over. */
function readTpm(from: Source): SiteTpm | null {
  if (findNode(from.root, ["tpm"]) === null) return null;
  const read = takeElement(from, ["tpm"], tpm);
  if (read === null) return null;
  if (read.device !== undefined) {
    warn(from, ["tpm", "device"], {
      message: "'device' is not used here",
      hint: "the folder of the keys says where their TPM is: holdpoint key provision --tpm device:PATH",
    });
  }
  const wear = readWear(from, read);
  if (wear === null) return null;
  if (read.keys !== undefined) {
    return { keysPath: read.keys, need: read.need ?? "required", ...wear };
  }
  if (read.need === "required") {
    complain(from, ["tpm", "need"], {
      message: "a TPM is required, and no keys in one are named",
      hint: "keys: FOLDER, as holdpoint key provision wrote it",
    });
    return null;
  }
  warn(from, ["tpm"], {
    message: "no keys in a TPM are named: checkpoints are signed with a file key and say so",
    hint: "keys: FOLDER, as holdpoint key provision wrote it",
  });
  return null;
}

/** Each anchor writes to the TPM's flash, which nobody replaces. */
function readWear(
  from: Source,
  read: z.infer<typeof tpm>,
): Pick<SiteTpm, "anchorEveryUs" | "flashWrites"> | null {
  const flashWrites = read.flash_writes ?? FLASH_WRITES;
  const everyUs =
    read.anchor_every === undefined
      ? ANCHOR_EVERY_US
      : settle(from, ["tpm", "anchor_every"], readAnchorEvery(read.anchor_every));
  if (everyUs === null) return null;
  const years = yearsOfFlash({ everyUs, writes: flashWrites, used: 0 });
  if (years >= WEAR_YEARS_LEAST) return { anchorEveryUs: everyUs, flashWrites };
  const key = read.anchor_every === undefined ? "flash_writes" : "anchor_every";
  complain(from, ["tpm", key], {
    message: `the TPM's flash would be worn out in ${years.toFixed(1)} years: ${flashWrites} writes`,
    hint: `at least ${WEAR_YEARS_LEAST} years: anchor less often, or say what its maker promises in flash_writes:`,
  });
  return null;
}

function readAnchorEvery(text: string): ReturnType<typeof readDuration> {
  const read = readDuration(text);
  if ("message" in read) return read;
  const fits = read.value >= ANCHOR_EVERY_LEAST_US && read.value <= ANCHOR_EVERY_MOST_US;
  return fits ? read : { message: "anchors come every 15 min to 7 d", hint: "1 h is the default" };
}

function warnUnused(from: Source): void {
  for (const [key, hint] of UNUSED) {
    if (findNode(from.root, [key]) === null) continue;
    warn(from, [key], { message: `'${key}' is not used by this release`, hint });
  }
}

const WITNESS_EVERY_US: Us = 3_600_000_000;
const WITNESS_EVERY_LEAST_US: Us = 60_000_000;
const WITNESS_EVERY_MOST_US: Us = 7 * 86_400_000_000;

/** Null: none is named, or something is wrong with it, which was said. */
function readWitness(
  from: Source,
  { dir, witness }: z.infer<typeof evidence>,
): Site["evidence"]["witness"] {
  if (witness === undefined) return null;
  if (isSamePath(witness.dir, dir)) {
    complain(from, ["evidence", "witness", "dir"], {
      message: "the witness would have the run of the evidence itself",
      hint: "a folder of its own:  witness: {dir: ./for-the-witness}",
    });
  }
  const everyUs =
    witness.every === undefined
      ? WITNESS_EVERY_US
      : settle(from, ["evidence", "witness", "every"], readWitnessEvery(witness.every));
  return everyUs === null ? null : { dir: witness.dir, everyUs };
}

function readWitnessEvery(text: string): ReturnType<typeof readDuration> {
  const read = readDuration(text);
  if ("message" in read) return read;
  const fits = read.value >= WITNESS_EVERY_LEAST_US && read.value <= WITNESS_EVERY_MOST_US;
  return fits
    ? read
    : { message: "checkpoints are left every 1 min to 7 d", hint: "1 h is the default" };
}

/** As far as it can be told without a file system. */
function isSamePath(a: string, b: string): boolean {
  const plain = (path: string): string => path.replace(/^(\.\/)+/, "").replace(/\/+$/, "");
  return plain(a) === plain(b);
}

/** Longer, and every permit would wait past the age at which it is refused. */
const LONGEST_COMMIT_US: Us = 20_000;

function readCommitEvery(text: string): ReturnType<typeof readDuration> {
  const read = readDuration(text);
  if ("message" in read || read.value <= LONGEST_COMMIT_US) return read;
  return { message: "permits would grow stale while they wait", hint: "20 ms is the longest" };
}

function readDevices(from: Source): SiteDevice[] | null {
  const files = takeElement(from, ["devices"], parts.devices);
  if (files === null) return null;
  return Object.entries(files).flatMap(([deviceName, entry]) => {
    const path: Path = ["devices", deviceName];
    if ("serial" in entry) {
      const hint = "reach it over TCP:  {tcp: 192.168.10.5:502, unit: 1}";
      complain(from, [...path, "serial"], {
        message: "serial lines are not part of this release",
        hint,
      });
      return [];
    }
    const endpoint = readEndpoint(from, [...path, "tcp"], entry.tcp);
    return endpoint === null ? [] : [{ name: deviceName, ...endpoint, unit: entry.unit }];
  });
}

function readListeners(from: Source, door: z.infer<typeof modbus>): SiteListener[] {
  return Object.entries(door.listen).flatMap(([written, units]) => {
    const endpoint = readEndpoint(from, ["doors", "modbus", "listen", written], written);
    if (endpoint === null) return [];
    const clients = new Map(Object.entries(door.clients?.[written] ?? {}));
    const byUnit = new Map(
      Object.entries(units).map(([id, deviceName]) => [Number(id), deviceName]),
    );
    return [{ ...endpoint, units: byUnit, clients }];
  });
}

function readEndpoint(from: Source, path: Path, written: string): Endpoint | null {
  const colon = written.lastIndexOf(":");
  const port = Number(written.slice(colon + 1));
  if (port >= 1 && port <= 65_535)
    return { host: written.slice(0, colon).replace(/^\[|\]$/g, ""), port };
  complain(from, path, { message: "ports are numbered 1 to 65535", hint: "502 is Modbus" });
  return null;
}
