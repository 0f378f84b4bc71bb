import { close, constants, fdatasync, ftruncate, open as openFd, write } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type {
  DiskRoom,
  EvidenceDisk,
  EvidenceFile,
  EvidenceSpace,
  FileMeasure,
} from "../../guard/ports.js";
import { lockDirectory } from "./directory-lock.js";
import { isLockFile } from "./lock-file.js";

/**
 * A directory of the file system as the log's disk; made when it is not there (0700), its files 0600. Only
 * asynchronous calls: a disk that takes seconds never holds the loop. Rejects with one line for people when
 * another process holds the directory.
 */
export async function openEvidenceDisk(directory: string): Promise<EvidenceDisk & EvidenceSpace> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const release = await lockDirectory(directory);
  const path = (name: string): string => join(directory, name);
  return {
    list: async () => (await readdir(directory)).filter((name) => !isLockFile(name)),
    read: async (name, bytesMax) => await readWhole(path(name), bytesMax),
    append: async (name) => await openAppend(path(name)),
    rename: async (from, to) => {
      await rename(path(from), path(to));
    },
    remove: async (name) => {
      await rm(path(name));
    },
    syncNames: async () => {
      await syncDirectory(directory);
    },
    release,
    room: async () => await readRoom(directory),
    measure: async (name) => await measure(path(name)),
    readStart: async (name, bytesMax) => await readStart(path(name), bytesMax),
  };
}

async function readRoom(directory: string): Promise<DiskRoom> {
  const { bsize, blocks, bfree, bavail } = await statfs(directory);
  return { usedBytes: (blocks - bfree) * bsize, freeBytes: bavail * bsize };
}

async function measure(path: string): Promise<FileMeasure | null> {
  try {
    const { size, mtimeMs } = await stat(path);
    return { bytes: size, changedUtcUs: Math.round(mtimeMs * 1_000) };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

async function readStart(path: string, bytesMax: number): Promise<Uint8Array> {
  const file = await open(path, "r");
  try {
    const bytes = new Uint8Array(bytesMax);
    let at = 0;
    while (at < bytesMax) {
      const { bytesRead } = await file.read(bytes, at, bytesMax - at, at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return bytes.slice(0, at);
  } finally {
    await file.close();
  }
}

async function readWhole(path: string, bytesMax: number): Promise<Uint8Array> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    if (size > bytesMax)
      throw new Error(`${path} has ${size} bytes, more than the ${bytesMax} allowed`);
    const bytes = new Uint8Array(size);
    let at = 0;
    while (at < size) {
      const { bytesRead } = await file.read(bytes, at, size - at, at);
      if (bytesRead === 0) return bytes.slice(0, at);
      at += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function openAppend(path: string): Promise<EvidenceFile> {
  const fd = await new Promise<number>((resolve, reject) => {
    openFd(
      path,
      constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND,
      0o600,
      (error, opened) => {
        if (error === null) resolve(opened);
        else reject(error);
      },
    );
  });
  return {
    write: async (bytes) =>
      await new Promise<number>((resolve, reject) => {
        write(fd, bytes, 0, bytes.length, null, (error, written) => {
          if (error === null) resolve(written);
          else reject(error);
        });
      }),
    sync: async () => {
      await settle((done) => {
        fdatasync(fd, done);
      });
    },
    truncate: async (length) => {
      await settle((done) => {
        ftruncate(fd, length, done);
      });
    },
    close: async () => {
      await settle((done) => {
        close(fd, done);
      });
    },
  };
}

async function settle(call: (done: (error: Error | null) => void) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    call((error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}
