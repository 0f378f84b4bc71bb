import type { AnchorBody, Entry } from "../../kernel/record/entry.js";
import { addHash, nameLog } from "./recover.js";
import { sha256 } from "./sha256.js";

/** What was in a log when it was opened; null and empty: nothing was. */
export type Remembered = {
  readonly log: string | null;
  readonly profiles: readonly Uint8Array[];
  readonly anchor: AnchorBody | null;
  readonly token: Uint8Array | null;
};

/** What later checkpoints and the links of segments are to say of the entries so far. */
export class LogMemory {
  private now: Remembered;

  constructor({ log, profiles, anchor, token }: Remembered) {
    this.now = { log, profiles, anchor, token };
  }

  /** Name of the log; empty before its first entry. */
  get log(): string {
    return this.now.log ?? "";
  }

  /** Digests of the profiles whose bytes are in the log. */
  get profiles(): readonly Uint8Array[] {
    return this.now.profiles;
  }

  get anchor(): AnchorBody | null {
    return this.now.anchor;
  }

  /** SHA-256 of the newest time stamp. */
  get token(): Uint8Array | null {
    return this.now.token;
  }

  /** `leaf`: hash of this entry. */
  add({ body }: Entry, leaf: Uint8Array): void {
    const log = this.now.log ?? nameLog(leaf);
    if (this.now.log === null) this.now = { ...this.now, log };
    if (body.type === "anchor" && body.kind === "nv-certify") {
      this.now = { ...this.now, anchor: body };
    } else if (body.type === "anchor" && body.kind === "rfc3161") {
      this.now = { ...this.now, token: sha256(body.token) };
    } else if (body.type === "profile" && body.bytes !== null) {
      this.now = { ...this.now, profiles: addHash(this.now.profiles, body.digest) };
    }
  }
}
