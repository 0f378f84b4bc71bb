import { describe, expect, it } from "vitest";
import type { TpmChannel } from "../../../../src/adapters/tpm/channel.js";
import { defineCounter, raiseCounter, readCounter } from "../../../../src/adapters/tpm/counters.js";
import { faultOf } from "../../../../src/adapters/tpm/result.js";
import { COMMAND } from "../../../../src/codec/tpm2/constant.js";
import { nvDefineSpace } from "../../../../src/codec/tpm2/nv.js";
import { nvCounter } from "../../../../src/codec/tpm2/nv-public.js";
import { TpmReader } from "../../../../src/codec/tpm2/reader.js";
import { seeded } from "../../../support/seeded.js";
import { share } from "../../../support/share.js";
import { faultIn, NO_AUTH, startTpmRig, valueOf } from "../../../support/tpm-rig.js";

const AUTH = new Uint8Array(32).fill(0xc0);
const flash = { index: 0x01500010, kind: "flash" as const, auth: AUTH };
const orderly = { index: 0x01500011, kind: "orderly" as const, auth: AUTH };

const NOT_RAISED = "the counter was not raised: the cable was pulled";

const codeOf = (command: Uint8Array): number => new TpmReader(command, 6).u32();

describe("TPM counters", () => {
  it("count, one for each raise, flash and orderly", async () => {
    const { tpm } = await startTpmRig();
    for (const counter of [flash, orderly]) {
      let value = valueOf(await defineCounter(tpm, counter, NO_AUTH));
      for (let i = 0; i < 5; i += 1) {
        const raised = valueOf(await raiseCounter(tpm, counter, value));
        expect(raised).toBe(value + 1n);
        expect(valueOf(await readCounter(tpm, counter))).toBe(raised);
        value = raised;
      }
    }
  });

  it("are refused when not there, made twice, of another kind, or at no more than was seen", async () => {
    const { tpm } = await startTpmRig();
    expect(faultIn(await readCounter(tpm, flash)).kind).toBe("refused");
    const value = valueOf(await defineCounter(tpm, flash, NO_AUTH));
    expect(faultIn(await defineCounter(tpm, flash, NO_AUTH))).toMatchObject({
      kind: "refused",
      code: 0x14c,
    });
    const other = { ...flash, kind: "orderly" as const };
    expect(faultIn(await readCounter(tpm, other)).kind).toBe("mismatch");
    expect(faultIn(await raiseCounter(tpm, flash, value + 100n)).kind).toBe("mismatch");
    expect(faultIn(await readCounter(tpm, { ...flash, auth: NO_AUTH })).kind).toBe("refused");
  });

  it("that were made and never raised can be raised", async () => {
    const { tpm } = await startTpmRig();
    const area = nvCounter(flash.index, "flash");
    const made = await tpm.perform(
      async (line) => await line.authorised(nvDefineSpace(area, AUTH), [NO_AUTH]),
    );
    expect(made.ok).toBe(true);
    expect(faultIn(await readCounter(tpm, flash))).toMatchObject({ kind: "refused", code: 0x14a });
    expect(valueOf(await raiseCounter(tpm, flash, 0n))).toBeGreaterThan(0n);
  });

  it("whose value is lost after they were raised are read again", async () => {
    let armed = false;
    const { tpm } = await startTpmRig((inner) => ({
      ...inner,
      exchange: async (command) => {
        if (!armed || codeOf(command) !== COMMAND.nvRead) return await inner.exchange(command);
        armed = false;
        inner.drop();
        return faultOf("unknown", "the cable was pulled");
      },
    }));
    const value = valueOf(await defineCounter(tpm, flash, NO_AUTH));
    armed = true;
    expect(valueOf(await raiseCounter(tpm, flash, value))).toBe(value + 1n);
    expect(armed).toBe(false);
  });

  it("go on upwards after the TPM was killed", async () => {
    const { tpm, chip } = await startTpmRig();
    for (const counter of [flash, orderly]) valueOf(await defineCounter(tpm, counter, NO_AUTH));
    const seen = [];
    for (const counter of [flash, orderly]) {
      seen.push(valueOf(await raiseCounter(tpm, counter, 0n)));
    }
    await chip.kill();
    await chip.start();
    // The first operation may find the broken connection; the next has a new one.
    await readCounter(tpm, flash);
    expect(valueOf(await readCounter(tpm, flash))).toBe(seen[0]);
    expect(valueOf(await raiseCounter(tpm, orderly, seen[1] ?? 0n))).toBeGreaterThan(seen[1] ?? 0n);
  });

  it.each(["before", "after"] as const)(
    "whose connection died %s the increment was done are read again, and it is sent once",
    async (when) => {
      let sent = 0;
      let armed = false;
      const cut = (inner: TpmChannel): TpmChannel => ({
        ...inner,
        exchange: async (command) => {
          if (codeOf(command) !== COMMAND.nvIncrement) return await inner.exchange(command);
          sent += 1;
          if (!armed) return await inner.exchange(command);
          armed = false;
          if (when === "after") await inner.exchange(command);
          inner.drop();
          return faultOf("unknown", "the cable was pulled");
        },
      });
      const { tpm } = await startTpmRig(cut);
      const value = valueOf(await defineCounter(tpm, flash, NO_AUTH));
      sent = 0;
      armed = true;
      const raised = await raiseCounter(tpm, flash, value);
      if (when === "after") expect(raised).toEqual({ ok: true, value: value + 1n });
      else expect(faultIn(raised)).toMatchObject({ kind: "not-done", says: NOT_RAISED });
      expect(sent).toBe(1);
      expect(valueOf(await readCounter(tpm, flash))).toBe(when === "after" ? value + 1n : value);
    },
  );

  it("that cannot be read again are unknown", async () => {
    let dead = false;
    const { tpm } = await startTpmRig((inner) => ({
      ...inner,
      connect: async () => (dead ? faultOf("not-done", "no TPM") : await inner.connect()),
      exchange: async (command) => {
        if (codeOf(command) !== COMMAND.nvIncrement || !dead) return await inner.exchange(command);
        inner.drop();
        return faultOf("unknown", "the cable was pulled");
      },
    }));
    const value = valueOf(await defineCounter(tpm, flash, NO_AUTH));
    dead = true;
    const fault = faultIn(await raiseCounter(tpm, flash, value));
    expect(fault.kind).toBe("unknown");
    expect(fault.says).toContain("whether the counter was raised is not known");
  });
});

describe("a tampered answer", () => {
  it("to a counter read is detected each time: no wrong value and no right one comes out of it", async () => {
    const trials = share(300, 40);
    const random = seeded(20_261_123);
    let tamper = false;
    let tampered = 0;
    const { tpm } = await startTpmRig((inner) => ({
      ...inner,
      exchange: async (command) => {
        const answer = await inner.exchange(command);
        if (!tamper || !answer.ok || codeOf(command) !== COMMAND.nvRead) return answer;
        const bytes = answer.value.slice();
        const at = 10 + random.below(bytes.length - 10);
        bytes[at] = (bytes[at] ?? 0) ^ (1 + random.below(255));
        tampered += 1;
        return { ok: true, value: bytes };
      },
    }));
    const value = valueOf(await defineCounter(tpm, flash, NO_AUTH));
    const kinds = new Set<string>();
    for (let i = 0; i < trials; i += 1) {
      tamper = true;
      const fault = faultIn(await readCounter(tpm, flash));
      kinds.add(fault.kind);
      tamper = false;
      expect(["forged", "malformed"]).toContain(fault.kind);
      expect(valueOf(await readCounter(tpm, flash))).toBe(value);
    }
    expect(tampered).toBe(trials);
    expect(kinds).toContain("forged");
  });

  it("to an increment is detected, and the increment still counts once", async () => {
    let tamper = false;
    const { tpm } = await startTpmRig((inner) => ({
      ...inner,
      exchange: async (command) => {
        const answer = await inner.exchange(command);
        if (!tamper || !answer.ok || codeOf(command) !== COMMAND.nvIncrement) return answer;
        const bytes = answer.value.slice();
        bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
        return { ok: true, value: bytes };
      },
    }));
    let value = valueOf(await defineCounter(tpm, flash, NO_AUTH));
    tamper = true;
    for (let i = 0; i < 5; i += 1) {
      const raised = valueOf(await raiseCounter(tpm, flash, value));
      expect(raised).toBe(value + 1n);
      value = raised;
    }
  });

  it("that repeats an older answer is detected", async () => {
    let old: Uint8Array | null = null;
    let replay = false;
    const { tpm } = await startTpmRig((inner) => ({
      ...inner,
      exchange: async (command) => {
        const answer = await inner.exchange(command);
        if (!answer.ok || codeOf(command) !== COMMAND.nvRead) return answer;
        if (replay && old !== null) return { ok: true, value: old };
        old = answer.value;
        return answer;
      },
    }));
    const value = valueOf(await defineCounter(tpm, flash, NO_AUTH));
    expect(valueOf(await readCounter(tpm, flash))).toBe(value);
    replay = true;
    expect(faultIn(await readCounter(tpm, flash)).kind).toBe("forged");
    replay = false;
    expect(valueOf(await readCounter(tpm, flash))).toBe(value);
  });
});
