import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { open, readdir, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";

/**
 * Puts a listening socket into the directory and looks whether another one there listens: "in use" if so. Each
 * has a name of its own and listens before it looks, so of two that start at the same moment at least one
 * sees the other; both may step back, never neither. What a killed process left refuses connections and is
 * removed by who holds the directory next. Who can make no socket holds nothing here, and still steps back from one that listens.
 */
export async function holdLockFile(directory: string): Promise<"in use" | (() => Promise<void>)> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  // Through the descriptor: the address of a socket has room for 107 bytes, however long the directory's path is.
  const within = `/proc/self/fd/${handle.fd}`;
  const own = `lock-${randomBytes(8).toString("hex")}`;
  const server = await listenAt(join(within, own));
  const release = async (): Promise<void> => {
    if (server !== null) await closeServer(server);
    await handle.close();
  };
  try {
    const others = (await readdir(directory)).filter((name) => isLockFile(name) && name !== own);
    const left: string[] = [];
    for (const name of others) {
      if (await listens(join(within, name))) {
        await release();
        return "in use";
      }
      left.push(name);
    }
    // Without a socket of our own nothing here was found out, also not that the others are dead.
    if (server !== null) for (const name of left) await rm(join(directory, name), { force: true });
    return release;
  } catch (error) {
    await release();
    throw error;
  }
}

/** Not a file of the log. */
export function isLockFile(name: string): boolean {
  return NAME.test(name);
}

const NAME = /^lock-[0-9a-f]{16}$/;

async function listenAt(path: string): Promise<Server | null> {
  const server = createServer((socket) => {
    socket.destroy();
  });
  return await new Promise((resolve) => {
    server.once("error", () => {
      resolve(null);
    });
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** Whatever is not surely dead counts as alive. */
async function listens(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: Error & { readonly code?: string }) => {
      resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT");
    });
  });
}

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}
