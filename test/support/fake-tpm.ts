import { HIERARCHY, TAG } from "../../src/codec/tpm2/constant.js";
import { nameOf, qualifiedNameOf } from "../../src/codec/tpm2/name.js";
import {
  COUNTER_INDEX,
  encodeNvPublic,
  NV_WRITTEN,
  nvCounter,
} from "../../src/codec/tpm2/nv-public.js";
import { TpmWriter } from "../../src/codec/tpm2/writer.js";
import type { Attester } from "../../src/evidence/verify-anchors.js";
import type { AnchorKey, Signer } from "../../src/guard/ports.js";
import { claimAttester, claimKey, type ClaimedKey } from "./attested-key.js";
import { sha256 } from "./evidence-samples.js";

/** How far this one's orderly counter jumps. */
export const JUMP = 255;

export type CounterWord = {
  readonly value: number;
  readonly qualifying: Uint8Array;
  readonly resets?: number;
  readonly magic?: number;
  readonly type?: number;
  readonly index?: number;
  readonly offset?: number;
  readonly hierarchy?: number;
};

/** TPMS_ATTEST of TPM2_NV_Certify as a TPM would make it. */
export function counterAttestOf(attester: Uint8Array, of: CounterWord): Uint8Array {
  const hierarchy = of.hierarchy ?? HIERARCHY.endorsement;
  const signer = qualifiedNameOf(nameOf(attester, sha256), hierarchy, sha256);
  const counter = nvCounter(of.index ?? COUNTER_INDEX.anchor, "flash");
  const area = { ...counter, attributes: (counter.attributes | NV_WRITTEN) >>> 0 };
  const contents = new TpmWriter().u32(Math.floor(of.value / 2 ** 32)).u32(of.value % 2 ** 32);
  const head = new TpmWriter().u32(of.magic ?? 0xff544347).u16(of.type ?? TAG.attestNv);
  head.sized(signer).sized(of.qualifying);
  head
    .raw(new Uint8Array(8))
    .u32(of.resets ?? 3)
    .u32(0)
    .u8(1)
    .raw(new Uint8Array(8));
  head.sized(nameOf(encodeNvPublic(area), sha256)).u16(of.offset ?? 0);
  return head.sized(contents.done()).done();
}

/** A TPM in memory with both keys and both counters, which nobody can set back. */
export class FakeTpm {
  readonly evidence: ClaimedKey = claimKey();
  readonly key: ClaimedKey = claimAttester();
  readonly firsts: AnchorKey["found"]["firsts"];
  flash: number;
  orderly: number;
  resets = 3;
  /** While set, every call for an anchor is refused with it. */
  trouble: string | null = null;
  /** How often the flash was written. */
  writes = 0;

  constructor(flash = 7, orderly = 40) {
    this.flash = flash;
    this.orderly = orderly;
    this.firsts = { anchor: flash, checkpoint: orderly };
  }

  get attester(): Attester {
    return { area: this.key.area, spki: this.key.spki };
  }

  /** As the specification lets it: the counter in RAM jumps, the one in flash does not. */
  losePower(): void {
    this.orderly |= JUMP;
    this.resets += 1;
  }

  signer(): Signer & { readonly anchors: AnchorKey } {
    const { spki, sign } = this.evidence;
    return {
      kind: "tpm-software",
      spki,
      kid: sha256(spki),
      raise: async () => {
        this.orderly += 1;
        return await Promise.resolve(this.orderly);
      },
      sign: async (bytes) => await Promise.resolve(sign(bytes)),
      anchors: this.anchors(),
    };
  }

  anchors(): AnchorKey {
    const { flash: anchor, orderly: checkpoint, resets, firsts } = this;
    return {
      spki: this.key.spki,
      found: { anchor, checkpoint, resets, firsts, jump: JUMP },
      raise: async (above) => {
        await this.#answer();
        if (this.flash <= above) {
          this.flash += 1;
          this.writes += 1;
        }
        return this.flash;
      },
      certify: async (qualifying) => {
        await this.#answer();
        return this.certify({ value: this.flash, qualifying });
      },
    };
  }

  certify(
    of: CounterWord,
    by: ClaimedKey = this.key,
  ): { readonly attest: Uint8Array; readonly signature: Uint8Array } {
    const attest = counterAttestOf(this.key.area, { resets: this.resets, ...of });
    return { attest, signature: new Uint8Array(by.sign(attest)) };
  }

  async #answer(): Promise<void> {
    await Promise.resolve();
    if (this.trouble !== null) throw new Error(this.trouble);
  }
}
