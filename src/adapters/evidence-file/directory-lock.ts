import { stat } from "node:fs/promises";
import { createServer } from "node:net";
import { holdLockFile } from "./lock-file.js";

/**
 * Holds a directory for this process: rejects when another one, or another holder in this one, has it.
 * Held twice over. An abstract socket, bound to the directory's device and inode, is gone with the process
 * however it dies, but only processes in the same network namespace see it. A socket in the directory
 * itself is seen from every container that shares it. A file system that has no sockets, or no room for one, leaves
 * the first alone: a gateway on a full disk has to come up.
 */
export async function lockDirectory(path: string): Promise<() => Promise<void>> {
  const { dev, ino } = await stat(path);
  const releaseName = await holdName(`\0holdpoint-evidence-${dev}-${ino}`, path);
  try {
    const releaseFile = await holdLockFile(path);
    if (releaseFile === "in use") throw inUse(path);
    return async () => {
      await releaseFile();
      await releaseName();
    };
  } catch (error) {
    await releaseName();
    throw error;
  }
}

async function holdName(name: string, path: string): Promise<() => Promise<void>> {
  const server = createServer((socket) => {
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: Error & { readonly code?: string }) => {
      reject(error.code === "EADDRINUSE" ? inUse(path) : error);
    });
    server.listen(name, resolve);
  });
  server.unref();
  return async () => {
    await new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
  };
}

function inUse(path: string): Error {
  return new Error(`${path} is in use by another running gateway: stop that one first`);
}
