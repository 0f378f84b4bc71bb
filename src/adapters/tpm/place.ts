import { open } from "node:fs/promises";
import { resolve } from "node:path";
import type { TpmChannel } from "./channel.js";
import { openDeviceChannel, TPM_DEVICE } from "./device-channel.js";
import { openSocketChannel } from "./socket-channel.js";

/** Where a TPM is: a character device, or swtpm's data socket. */
export type TpmPlace =
  | { readonly kind: "device"; readonly path: string }
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** Where a Linux machine has its TPM, behind the kernel's resource manager. */
export const USUAL_PLACE: TpmPlace = { kind: "device", path: TPM_DEVICE };

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
