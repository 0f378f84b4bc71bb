import type { TpmCommand } from "../../codec/tpm2/command.js";
import { flushContext } from "../../codec/tpm2/flush-context.js";
import { getHandles, HANDLES_OF } from "../../codec/tpm2/get-capability.js";
import { entityOf, nameOf, type TpmEntity } from "../../codec/tpm2/name.js";
import { parsePublic, TPM_OBJECTS, type EccPublic } from "../../codec/tpm2/public-area.js";
import { readPublic, type ObjectPublic } from "../../codec/tpm2/read-public.js";
import { responseCodeOf } from "../../codec/tpm2/response-code.js";
import { startAuthSession, type SessionKind } from "../../codec/tpm2/start-auth-session.js";
import { ALREADY_STARTED, startup } from "../../codec/tpm2/startup.js";
import type { TpmChannel } from "./channel.js";
import { runCommand } from "./exchange.js";
import { sha256 } from "./key-derivation.js";
import { faultOf, type TpmFault, type TpmResult } from "./result.js";
import { offerSession, type SessionUse, type TpmSession } from "./session.js";

/**
 * What an operation has of the TPM while it is its turn. Sessions are made when first needed, salted to the storage
 * root whose Name is pinned, and kept until something goes wrong: then all of the connection is made anew.
 */
export class TpmLine {
  readonly #channel: TpmChannel;
  readonly #rootName: Uint8Array | null;
  #closed = false;
  #root: EccPublic | null = null;
  #first: TpmSession | null = null;
  #second: TpmSession | null = null;

  constructor(channel: TpmChannel, rootName: Uint8Array | null) {
    this.#channel = channel;
    this.#rootName = rootName;
  }

  /** Connected and started, with nothing left over of an earlier connection, and the pinned root is there. */
  async ready(): Promise<TpmResult<null>> {
    if (this.closed()) return CLOSED;
    if (this.#channel.connected()) return DONE;
    this.#forget();
    const connected = await this.#channel.connect();
    if (!connected.ok) return connected;
    const begun = await this.#begin();
    const ready = this.closed() ? CLOSED : begun;
    if (!ready.ok) this.#channel.drop();
    return ready;
  }

  closed(): boolean {
    return this.#closed;
  }

  /** For good: what is on its way ends as `unknown`. */
  close(): void {
    this.#closed = true;
    this.drop();
  }

  /** After a fault: gives up the connection where it can no longer be relied on. */
  settle(fault: TpmFault): void {
    const { then } = responseCodeOf(fault.code);
    const refused = fault.kind === "refused" && then !== "session" && then !== "start";
    if (refused || fault.kind === "mismatch" || fault.kind === "not-done") return;
    this.drop();
  }

  drop(): void {
    this.#channel.drop();
    this.#forget();
  }

  /** Without a session: the answer is whatever came. */
  async plain<T>(command: TpmCommand<T>): Promise<TpmResult<T>> {
    return await runCommand(this.#channel, command, []);
  }

  /** Before there is a storage root to salt a session to. */
  async withPassword<T>(command: TpmCommand<T>, auth: Uint8Array): Promise<TpmResult<T>> {
    return await runCommand(this.#channel, command, [{ session: null, auth }]);
  }

  /** For a command that authorises nothing: the answer is the TPM's. */
  async guarded<T>(command: TpmCommand<T>): Promise<TpmResult<T>> {
    return await this.#run(command, [null]);
  }

  /** The public area at a handle, as the TPM itself says. */
  async readObject(handle: number): Promise<TpmResult<ObjectPublic>> {
    const root = await this.#pinnedRoot();
    if (!root.ok) return root;
    const claimed = await this.plain(readPublic(entityOf(handle)));
    if (!claimed.ok) return claimed;
    // A session is bound to the Name, which has to be known first; a false claim is refused.
    const name = nameOf(claimed.value.publicArea, sha256);
    return await this.guarded(readPublic({ handle, name }));
  }

  /** One authorisation value for each entity that needs one; two are two sessions. */
  async authorised<T>(
    command: TpmCommand<T>,
    auths: readonly [Uint8Array] | readonly [Uint8Array, Uint8Array],
  ): Promise<TpmResult<T>> {
    return await this.#run(command, auths);
  }

  /** The first entity by its value, the second by a policy session. */
  async withPolicy<T>(
    command: TpmCommand<T>,
    auth: Uint8Array,
    policy: TpmSession,
  ): Promise<TpmResult<T>> {
    const first = await this.#session("first");
    if (!first.ok) return first;
    const uses = [
      { session: first.value, auth },
      { session: policy, auth: NOTHING },
    ];
    return await runCommand(this.#channel, command, uses);
  }

  /** The caller flushes it. */
  async startSession(kind: SessionKind): Promise<TpmResult<TpmSession>> {
    const root = await this.#pinnedRoot();
    if (!root.ok) return root;
    const offer = offerSession(kind, TPM_OBJECTS.storageRoot.handle, root.value);
    if (offer === null) return faultOf("mismatch", "the storage root's point is not on its curve");
    const started = await this.plain(startAuthSession(offer.start));
    if (!started.ok) return started;
    return { ok: true, value: offer.accept(started.value.handle, started.value.nonce) };
  }

  /** The storage root, when what is there is what was pinned. */
  async root(): Promise<TpmResult<TpmEntity>> {
    const root = await this.#pinnedRoot();
    if (!root.ok) return root;
    const { handle } = TPM_OBJECTS.storageRoot;
    return { ok: true, value: { handle, name: this.#rootName ?? entityOf(handle).name } };
  }

  /** Gives back what sessions are kept; the next operation makes new ones. */
  async release(): Promise<TpmResult<null>> {
    const kept = [this.#first, this.#second];
    this.#first = null;
    this.#second = null;
    for (const session of kept) {
      const flushed = session === null ? DONE : await this.flush(session.handle);
      if (!flushed.ok) return flushed;
    }
    return DONE;
  }

  async flush(handle: number): Promise<TpmResult<null>> {
    return await this.plain(flushContext(handle));
  }

  async #run<T>(
    command: TpmCommand<T>,
    auths: readonly (Uint8Array | null)[],
  ): Promise<TpmResult<T>> {
    const uses: SessionUse[] = [];
    for (const [at, auth] of auths.entries()) {
      const session = await this.#session(at === 0 ? "first" : "second");
      if (!session.ok) return session;
      uses.push({ session: session.value, auth });
    }
    return await runCommand(this.#channel, command, uses);
  }

  async #session(which: "first" | "second"): Promise<TpmResult<TpmSession>> {
    const kept = which === "first" ? this.#first : this.#second;
    if (kept !== null) return { ok: true, value: kept };
    const made = await this.startSession("hmac");
    if (!made.ok) return made;
    if (which === "first") this.#first = made.value;
    else this.#second = made.value;
    return made;
  }

  async #pinnedRoot(): Promise<TpmResult<EccPublic>> {
    if (this.#root !== null) return { ok: true, value: this.#root };
    if (this.#rootName === null) {
      return faultOf("mismatch", "no storage root is pinned: provision the keys first");
    }
    const { handle, use, attributes } = TPM_OBJECTS.storageRoot;
    const read = await this.plain(readPublic(entityOf(handle)));
    if (!read.ok) return read;
    if (!isSame(nameOf(read.value.publicArea, sha256), this.#rootName)) {
      return faultOf("mismatch", "this TPM has another storage root than the one pinned");
    }
    const area = parsePublic(read.value.publicArea);
    if (!area.ok || area.value.use !== use || area.value.attributes !== attributes) {
      return faultOf("mismatch", "the pinned storage root does not have the attributes it must");
    }
    this.#root = area.value;
    return area;
  }

  async #begin(): Promise<TpmResult<null>> {
    const clean = this.#channel.managed ? DONE : await this.#clean();
    if (!clean.ok || this.#rootName === null) return clean;
    const root = await this.#pinnedRoot();
    return root.ok ? DONE : root;
  }

  /** Nothing else uses a TPM that has no resource manager: what is loaded was left by a connection that broke. */
  async #clean(): Promise<TpmResult<null>> {
    const started = await this.plain(startup());
    if (!started.ok && started.fault.code !== ALREADY_STARTED) return started;
    for (const first of [HANDLES_OF.loadedSession, HANDLES_OF.transient]) {
      const left = await this.plain(getHandles(first, LEFT_MAX));
      if (!left.ok) return left;
      for (const handle of left.value) {
        const flushed = await this.flush(handle);
        if (!flushed.ok) return flushed;
      }
    }
    return DONE;
  }

  #forget(): void {
    this.#root = null;
    this.#first = null;
    this.#second = null;
  }
}

const DONE: TpmResult<null> = { ok: true, value: null };
const CLOSED: TpmResult<never> = faultOf("not-done", "the TPM was closed");
const NOTHING = new Uint8Array(0);
/** A TPM holds three sessions and three objects; others more, but never this many. */
const LEFT_MAX = 64;

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
