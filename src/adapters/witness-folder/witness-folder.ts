import { constants } from "node:fs";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { WitnessFolder } from "../../guard/ports.js";

/** Some 6 MB; at one an hour more than a year. */
const FILES_MOST = 10_000;

/**
 * A folder that somebody carries files away from; made, readable for all, when it is not there. A file is whole or not there
 * (written beside its place, synced, renamed). Of more than `filesMost` those whose names sort first are removed: whoever
 * carries none away for that long keeps the newest.
 */
export function openWitnessFolder(
  directory: string,
  filesMost: number = FILES_MOST,
): WitnessFolder {
  return {
    put: async (name, bytes) => {
      await mkdir(directory, { recursive: true, mode: 0o755 });
      const left = (await readdir(directory)).filter((each) => PART.test(each));
      for (const part of left) await rm(join(directory, part), { force: true });
      await writeWhole(directory, name, bytes);
      const names = (await readdir(directory)).filter((each) => NAME.test(each)).sort();
      for (const old of names.slice(0, Math.max(0, names.length - filesMost))) {
        await rm(join(directory, old), { force: true });
      }
    },
  };
}

/** Nothing of anybody else's is removed. */
const NAME = /^checkpoint-\d{16}-[0-9a-f]{8}\.cose$/;
/** What a crash has left. */
const PART = /^checkpoint-\d{16}-[0-9a-f]{8}\.cose\.part$/;

async function writeWhole(directory: string, name: string, bytes: Uint8Array): Promise<void> {
  const place = join(directory, name);
  const beside = `${place}.part`;
  // Others may have a say in this folder: a link that waits there is not followed.
  const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;
  const file = await open(beside, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o644);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, place);
  const folder = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
