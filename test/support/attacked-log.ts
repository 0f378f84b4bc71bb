import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import { readCommit } from "../../src/evidence/commit.js";
import { FRAME_KIND, FrameReader, FrameWriter } from "../../src/evidence/frame.js";
import type { HeldCheckpoint } from "../../src/evidence/verify-held.js";
import type { Attester } from "../../src/evidence/verify-anchors.js";
import { LogVerifier, type VerifyReport } from "../../src/evidence/verify.js";
import type { Signer } from "../../src/guard/ports.js";
import type { Segments } from "./corpus-reading.js";
import { verifyTestCommit } from "./commit-keys.js";
import type { ForgetfulDisk } from "./evidence-disk.js";
import { appendAll, openNext, openOn, sampleLog, settle, type Opened } from "./evidence-rig.js";
import { sha256 } from "./evidence-samples.js";

/** A key that whoever holds it signs with; the attacker has one of its own, and never the gateway's. */
export type SigningKey = {
  readonly spki: Uint8Array;
  readonly sign: (bytes: Uint8Array) => Uint8Array;
};

export function makeSigningKey(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    spki: publicKey.export({ type: "spki", format: "der" }),
    sign: (bytes) => sign("sha256", bytes, { key: privateKey, dsaEncoding: "ieee-p1363" }),
  };
}

/**
 * A gateway whose key cannot leave its TPM and whose counter cannot go back; its disk is anybody's. `at` is how the
 * disk looked after each round of writing.
 */
export class Victim {
  readonly key: SigningKey = makeSigningKey();
  #counter = 40;

  /** The disk after `rounds` more rounds of a run on it: some entries, and a checkpoint over them each. */
  async run(disk: ForgetfulDisk, boot: number, rounds: number): Promise<void> {
    const opened = await openOn(disk, {
      segmentBytesMax: 6_000,
      signer: this.#signer(),
      rotate: (store, link) => {
        openNext(store, link, 100);
      },
    });
    for (let round = 0; round < rounds; round += 1) await this.#round(opened, boot, round);
    await opened.store.close();
  }

  async #round({ store, clock }: Opened, boot: number, round: number): Promise<void> {
    const from = store.head().nextSeq;
    const entries = sampleLog(0, 14, boot).slice(round === 0 ? 0 : 2);
    appendAll(
      store,
      entries.map((entry, place) => ({
        ...entry,
        seq: from + place,
        body: entry.body.type === "key" ? { ...entry.body, spki: this.key.spki } : entry.body,
      })),
    );
    await settle();
    clock.advance(1_000_000);
    await settle();
  }

  #signer(): Signer {
    const { spki, sign: signNow } = this.key;
    return {
      kind: "tpm",
      spki,
      kid: createHash("sha256").update(spki).digest(),
      raise: async () => {
        this.#counter += 1;
        return await Promise.resolve(this.#counter);
      },
      sign: async (bytes) => await Promise.resolve(signNow(bytes)),
    };
  }
}

export function verifyLog(
  segments: Segments,
  by: {
    readonly trusted?: readonly Uint8Array[];
    readonly held?: readonly HeldCheckpoint[];
    readonly attester?: Attester;
  } = {},
): VerifyReport {
  const verifier = new LogVerifier({
    sha256,
    verifyCommit: verifyTestCommit,
    verifySignature: (spki, bytes, signature) => {
      const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
      return verify("sha256", bytes, { key, dsaEncoding: "ieee-p1363" }, signature);
    },
    trusted: by.trusted ?? null,
    held: by.held ?? [],
    attester: by.attester ?? null,
  });
  for (const name of [...segments.keys()].sort()) {
    verifier.segment(name, segments.get(name) ?? new Uint8Array(0));
  }
  return verifier.finish();
}

/** The newest checkpoint of these files, as somebody outside would keep it. */
export function keepCheckpoint(segments: Segments): HeldCheckpoint {
  const bodies: Uint8Array[] = [];
  for (const name of [...segments.keys()].sort()) {
    eachFrame(segments.get(name) ?? new Uint8Array(0), (kind, body) => {
      if (kind === FRAME_KIND.checkpoint) bodies.push(body);
    });
  }
  const body = bodies.at(-1);
  if (body === undefined) throw new Error("no checkpoint");
  return { name: "kept.checkpoint", body };
}

/** The files without their checkpoints and signed commits: frames can be taken out by anybody. */
export function withoutCheckpoints(segments: Segments): Segments {
  return new Map(
    [...segments].map(([name, bytes]) => {
      const frames = new FrameWriter();
      eachFrame(bytes, (kind, body) => {
        const isSigned = kind === FRAME_KIND.commit && readCommit(body)?.kind === "signed";
        if (kind !== FRAME_KIND.checkpoint && !isSigned)
          frames.put(kind, body, sha256(Uint8Array.of(kind, ...body)));
      });
      return [name, frames.bytes().slice()];
    }),
  );
}

function eachFrame(
  bytes: Uint8Array,
  visit: (kind: (typeof FRAME_KIND)[keyof typeof FRAME_KIND], body: Uint8Array) => void,
): void {
  const reader = new FrameReader(sha256);
  for (let at = 0; at < bytes.length;) {
    const read = reader.read(bytes, at, bytes.length);
    if (read.kind !== "frame") throw new Error(`no frame at ${at}`);
    const { kind, bodyStart, bodyEnd, end } = read.frame;
    visit(kind, bytes.slice(bodyStart, bodyEnd));
    at = end;
  }
}
