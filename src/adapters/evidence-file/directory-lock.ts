import { stat } from "node:fs/promises";
import { createServer } from "node:net";

/**
 * Holds a directory for this process: rejects when another one, or another holder in this one, has it.
 * The kernel's abstract sockets are used as locks: bound to the directory's device and inode, gone with the
 * process however it dies, so there is no stale lock to judge. Processes in different network namespaces
 * do not see each other's.
 */
export async function lockDirectory(path: string): Promise<() => Promise<void>> {
  const { dev, ino } = await stat(path);
  const server = createServer((socket) => {
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: Error & { readonly code?: string }) => {
      reject(
        error.code === "EADDRINUSE"
          ? new Error(`${path} is in use by another running gateway: stop that one first`)
          : error,
      );
    });
    server.listen(`\0holdpoint-evidence-${dev}-${ino}`, resolve);
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
