import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { ProfileModel } from "../kernel/profile/model.js";
import type { Us } from "../kernel/units.js";
import { loadProfile } from "../profile/load.js";
import type { Site, SiteTpm } from "../profile/site-model.js";
import { loadSite } from "../profile/site.js";
import { Refusal } from "./output.js";

export type LoadedSite = {
  readonly site: Site;
  readonly model: ProfileModel;
  readonly profileBytes: Uint8Array;
  /** SHA-256 of the site file's exact bytes. */
  readonly siteDigest: Uint8Array;
  /** Absolute. */
  readonly evidenceDir: string;
  readonly keyFile: string;
  /** Folder that checkpoints are left in for a witness, absolute; null: none. */
  readonly witness: { readonly directory: string; readonly everyUs: Us } | null;
  /** Folder of the keys in a TPM, absolute, and whether the gateway may run without; null: none are named. */
  readonly tpm: (Omit<SiteTpm, "keysPath"> & { readonly directory: string }) | null;
  /** What both files are warned about, as people read it. */
  readonly warnings: readonly string[];
};

/** The same between threads, where an error would lose its class. */
export type SiteMessage =
  | { readonly ok: true; readonly loaded: LoadedSite }
  | { readonly ok: false; readonly message: string; readonly exitCode: 1 | 2 };

/** Reads a site file and its profile; a {@link Refusal} with every complaint, each with its place, if either is wrong. */
export function readSiteFiles(siteFile: string): LoadedSite {
  const siteBytes = readBytes(siteFile, "site file");
  const alone = loadSite(textOf(siteBytes, siteFile), siteFile);
  if (!alone.ok) throw new Refusal(alone.rendered.join("\n"), 1);
  const folder = dirname(resolve(siteFile));
  const profileFile = resolve(folder, alone.site.profilePath);
  const profileBytes = readBytes(profileFile, "profile");
  const profile = loadProfile(textOf(profileBytes, profileFile), profileFile, digest(profileBytes));
  if (!profile.ok) throw new Refusal(profile.rendered.join("\n"), 1);
  // Once more, with the names of both files compared.
  const load = loadSite(textOf(siteBytes, siteFile), siteFile, profile.model);
  if (!load.ok) throw new Refusal(load.rendered.join("\n"), 1);
  const evidenceDir = resolve(folder, load.site.evidence.dir);
  const { keyPath, witness } = load.site.evidence;
  const { tpm } = load.site;
  return {
    site: load.site,
    model: profile.model,
    profileBytes,
    siteDigest: digest(siteBytes),
    evidenceDir,
    keyFile: keyPath === null ? `${evidenceDir}.key` : resolve(folder, keyPath),
    witness:
      witness === null
        ? null
        : { directory: resolve(folder, witness.dir), everyUs: witness.everyUs },
    tpm: tpm === null ? null : { ...tpm, directory: resolve(folder, tpm.keysPath) },
    warnings: [...load.rendered, ...profile.rendered],
  };
}

function readBytes(path: string, what: string): Uint8Array {
  try {
    return Uint8Array.from(readFileSync(path));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown fault";
    const hint = code === "ENOENT" ? "it does not exist" : code;
    throw new Refusal(`${what} ${path} cannot be read (${hint})`, 2);
  }
}

function textOf(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Refusal(`${path} is not UTF-8 text`, 1);
  }
}

function digest(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash("sha256").update(bytes).digest());
}
