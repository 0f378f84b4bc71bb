import type { FrameReader } from "../evidence/frame.js";
import { FRAME_BYTES_MAX } from "../evidence/frame.js";

/** Readings of one segment at most; a gateway under load adds to it hundreds of times a second. */
const READINGS_MAX = 20;

/**
 * The bytes of a segment that somebody may be writing to: a reading that ends inside a frame is made again while the file
 * still grows. What then still ends there is torn, and whoever checks it says so.
 */
export async function readSettled(
  frames: Pick<FrameReader, "glance">,
  read: () => Promise<Uint8Array>,
  pause: () => Promise<void>,
): Promise<Uint8Array> {
  let bytes = await read();
  for (let readings = 1; readings < READINGS_MAX && endsInside(frames, bytes); readings += 1) {
    await pause();
    const again = await read();
    if (again.length === bytes.length) break;
    bytes = again;
  }
  return bytes;
}

/** By the frames' form alone; bytes that are no frame further in are no sign of a write under way. */
function endsInside(frames: Pick<FrameReader, "glance">, bytes: Uint8Array): boolean {
  let at = 0;
  while (at < bytes.length) {
    const frame = frames.glance(bytes, at, bytes.length);
    if (frame === null) return bytes.length - at < FRAME_BYTES_MAX;
    at = frame.end;
  }
  return false;
}
