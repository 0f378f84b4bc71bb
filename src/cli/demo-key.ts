import type { TpmKeyReport } from "../guard/ports.js";
import { Refusal, showPlain } from "./output.js";

/** Which key signs the demo's evidence; `auto`: the best of those that are there. */
export const KEY_CHOICES = ["auto", "tpm", "swtpm", "file"] as const;
export type KeyChoice = (typeof KEY_CHOICES)[number];

/** What the demo needs of TPMs; the composition root brings it. */
export type DemoTpms = {
  /** What `holdpoint key provision` left in a folder, tried; `none`: nothing did. Raises and makes nothing. */
  readonly recorded: (
    directory: string,
  ) => Promise<
    | { readonly kind: "there"; readonly report: TpmKeyReport }
    | { readonly kind: "none" }
    | { readonly kind: "bad"; readonly says: string }
  >;
  /** The machine's own TPM: whether this user could open it. Asks it nothing. */
  readonly device: () => Promise<{
    readonly path: string;
    readonly found: "open" | "denied" | "none";
  }>;
  /** A software TPM of the demo's own below this folder, with its keys; `keys`: the folder of their record. */
  readonly software: (directory: string) => Promise<
    | {
        readonly ok: true;
        readonly keys: string;
        readonly certificate: string | null;
        readonly end: () => Promise<void>;
      }
    | { readonly ok: false; readonly says: string }
  >;
};

export type DemoKey = {
  /** For people, a line each: which key it is, and why no better one. */
  readonly says: readonly string[];
  /** Folder of the record of keys in a TPM; null: the file key. */
  readonly keys: string | null;
  readonly end: () => Promise<void>;
};

/**
 * A machine's TPM is used by keys that `holdpoint key provision` made, and left alone without: keys of a demo would stay
 * in it for good, and their authorisation be gone with the demo's folder. A {@link Refusal} where one key was asked for
 * and cannot be had.
 */
export async function chooseKey(
  ask: { readonly choice: KeyChoice; readonly records: string; readonly directory: string },
  tpms: DemoTpms,
): Promise<DemoKey> {
  const { choice } = ask;
  const says: string[] = [];
  if (choice === "auto" || choice === "tpm") {
    const found = await findRecorded(ask.records, tpms);
    if (found.ok) return { says: [found.says], keys: ask.records, end: nothing };
    if (choice === "tpm") throw new Refusal(`--key tpm: ${found.says ?? NO_TPM}`, 2);
    if (found.says !== null) says.push(found.says);
  }
  if (choice === "auto" || choice === "swtpm") {
    const made = await tpms.software(ask.directory);
    if (made.ok) {
      const { keys, certificate, end } = made;
      const by = certificate === null ? "" : `; certificate of its endorsement key: ${certificate}`;
      says.push(`key: in a software TPM of the demo's own, proves no hardware${by}`);
      return { says, keys, end };
    }
    const hint = made.says.includes("not installed") ? ": apt-get install swtpm swtpm-tools" : "";
    if (choice === "swtpm") throw new Refusal(`--key swtpm: ${made.says}${hint}`, 2);
    says.push(`no software TPM: ${made.says}`);
  }
  says.push("key: in a file, software, not hardware");
  return { says, keys: null, end: nothing };
}

const NO_TPM = "no TPM is there, and no keys in one: holdpoint key provision makes them";

/** `says` null: there is nothing to say. */
async function findRecorded(
  records: string,
  tpms: DemoTpms,
): Promise<
  | { readonly ok: true; readonly says: string }
  | { readonly ok: false; readonly says: string | null }
> {
  const found = await tpms.recorded(records);
  const folder = showPlain(records);
  switch (found.kind) {
    case "there": {
      const { trouble, kind, place, counters } = found.report;
      if (trouble !== null) {
        const why = `the keys of ${folder} cannot be used now: ${showPlain(trouble.says)}`;
        return { ok: false, says: why };
      }
      const { first, value } = counters.checkpoint;
      if (value !== BigInt(first)) {
        // The log would start locked out: to its TPM it is one that somebody put back to its beginning.
        const why = `the keys of ${folder} sign another log already, and a TPM's log is one: others can be made for a demo`;
        return { ok: false, says: why };
      }
      const what = kind === "tpm" ? "in a TPM" : "in a software TPM, proves no hardware";
      return { ok: true, says: `key: ${what}: ${showPlain(place)}, by the keys of ${folder}` };
    }
    case "bad":
      return { ok: false, says: `the keys of ${folder} cannot be used: ${showPlain(found.says)}` };
    case "none":
      return { ok: false, says: describeDevice(await tpms.device()) };
  }
}

function describeDevice({ path, found }: Awaited<ReturnType<DemoTpms["device"]>>): string | null {
  switch (found) {
    case "none":
      return null;
    case "denied":
      return `${path} is there, and this user may not open it`;
    case "open":
      return `${path} is there and is left alone, as keys made in it would stay: holdpoint key provision makes them, and the demo then signs by them`;
  }
}

async function nothing(): Promise<void> {
  await Promise.resolve();
}
