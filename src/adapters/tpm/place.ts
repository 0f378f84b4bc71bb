import { access, open } from "node:fs/promises";
import { connect } from "node:net";
import { resolve } from "node:path";
import type { TpmChannel } from "./channel.js";
import { openDeviceChannel, TPM_DEVICE } from "./device-channel.js";
import { openSocketChannel } from "./socket-channel.js";

/** Where a TPM is: a character device, or swtpm's data socket. */
export type TpmPlace =
  | { readonly kind: "device"; readonly path: string }
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** Where a Linux machine has its TPM, behind the kernel's resource manager; and where swtpm has its data socket, if it is not told. */
export const USUAL_PLACES: {
  readonly device: TpmPlace & { readonly kind: "device" };
  readonly swtpm: TpmPlace & { readonly kind: "tcp" };
} = {
  device: { kind: "device", path: TPM_DEVICE },
  swtpm: { kind: "tcp", host: "127.0.0.1", port: 2321 },
};
/** On this very machine somebody listens at once, or nobody does. */
const KNOCK_MS = 500;

/** The device where it is there, also if it may not be opened; else swtpm where somebody listens; null: neither. */
export async function findUsualPlace(): Promise<TpmPlace | null> {
  const { device, swtpm } = USUAL_PLACES;
  if (await access(device.path).then(yes, no)) return device;
  return (await listens(swtpm)) ? swtpm : null;
}

const yes = (): true => true;
const no = (): false => false;

async function listens({ host, port }: { readonly host: string; readonly port: number }) {
  return await new Promise<boolean>((resolve) => {
    const socket = connect({ host, port, timeout: KNOCK_MS });
    const end = (isThere: boolean) => (): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once("connect", end(true)).once("error", end(false)).once("timeout", end(false));
  });
}

/** Whether this user could open the usual place. It is opened and closed again, and asked nothing. */
export async function findDevice(): Promise<{
  readonly path: string;
  readonly found: "open" | "denied" | "none";
}> {
  const path = TPM_DEVICE;
  try {
    const file = await open(path, "r+");
    await file.close();
    return { path, found: "open" };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    return {
      path,
      found: code === "EACCES" || code === "EPERM" || code === "EBUSY" ? "denied" : "none",
    };
  }
}

/**
 * `device:PATH`, `swtpm:PATH` of a Unix socket (with a slash in it), or `swtpm:HOST:PORT`. Null for anything else. Paths
 * come back absolute; only printable ASCII is taken.
 */
export function parsePlace(text: string): TpmPlace | null {
  if (text.length > PLACE_CHARS_MAX || !/^[\x21-\x7e][\x20-\x7e]*$/.test(text)) return null;
  const device = /^device:(\/.+)$/.exec(text)?.[1];
  if (device !== undefined) return { kind: "device", path: resolve(device) };
  const socket = /^swtpm:(.*\/.*)$/.exec(text)?.[1];
  if (socket !== undefined) return { kind: "socket", path: resolve(socket) };
  const tcp = /^swtpm:([A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})$/.exec(text);
  const [, host, port] = tcp ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) return null;
  return { kind: "tcp", host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}

/** What {@link parsePlace} reads as the same place. */
export function placeText(place: TpmPlace): string {
  switch (place.kind) {
    case "device":
      return `device:${place.path}`;
    case "socket":
      return `swtpm:${place.path}`;
    case "tcp":
      return `swtpm:${place.host.includes(":") ? `[${place.host}]` : place.host}:${place.port}`;
  }
}

/** Not connected yet. */
export function openChannelAt(place: TpmPlace, timeoutMs: number): TpmChannel {
  switch (place.kind) {
    case "device":
      return openDeviceChannel(timeoutMs, place.path);
    case "socket":
      return openSocketChannel({ path: place.path }, timeoutMs);
    case "tcp":
      return openSocketChannel({ host: place.host, port: place.port }, timeoutMs);
  }
}

/** Longest text of a place. */
export const PLACE_CHARS_MAX = 512;
