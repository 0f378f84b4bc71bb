import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { SoftwareTpm } from "./swtpm.js";

/** Attributes as the TCG EK Credential Profile has them, and as owners can define them in a software TPM. */
const ATTRIBUTES = "ownerread|authread|ownerwrite|authwrite|no_da";
const run = promisify(execFile);

/** Puts bytes into an NV index of the chip; nobody else may be connected. `password`: what its readers need. */
export async function writeNvIndex(
  chip: SoftwareTpm,
  index: number,
  bytes: Uint8Array,
  password = "",
): Promise<void> {
  const place = `0x${index.toString(16).padStart(8, "0")}`;
  const file = join(dirname(chip.path), "nv-bytes");
  writeFileSync(file, bytes);
  await defineNvIndex(chip, index, bytes.length, password);
  await run("tpm2_nvwrite", ["-Q", "-T", chip.tcti, "-C", "o", "-i", file, place]);
}

/** Defined and never written. */
export async function defineNvIndex(
  chip: SoftwareTpm,
  index: number,
  size: number,
  password = "",
): Promise<void> {
  const place = `0x${index.toString(16).padStart(8, "0")}`;
  const how = ["-C", "o", "-s", `${size}`, "-a", ATTRIBUTES, "-p", password];
  await run("tpm2_nvdefine", ["-Q", "-T", chip.tcti, ...how, place]);
}
