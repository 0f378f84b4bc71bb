import { createServer, type Socket } from "node:net";
import { once } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import { readChip } from "../../../../src/adapters/tpm/chip.js";
import { defineCounter, readCounter } from "../../../../src/adapters/tpm/counters.js";
import { signDigest } from "../../../../src/adapters/tpm/keys.js";
import { faultOf, type TpmResult } from "../../../../src/adapters/tpm/result.js";
import { openSocketChannel } from "../../../../src/adapters/tpm/socket-channel.js";
import { COMMAND } from "../../../../src/codec/tpm2/constant.js";
import { getHandles, HANDLES_OF } from "../../../../src/codec/tpm2/get-capability.js";
import { TpmReader } from "../../../../src/codec/tpm2/reader.js";
import { share } from "../../../support/share.js";
import { EVIDENCE_AUTH, faultIn, makeKeys, NO_AUTH } from "../../../support/tpm-rig.js";
import { openTestTpm, startTpmRig, valueOf } from "../../../support/tpm-rig.js";

const DIGEST = new Uint8Array(32).fill(3);

describe("a TPM that dies", () => {
  it("is used again after each restart, and every lost operation is a fault", async () => {
    const { tpm, chip } = await startTpmRig();
    const { evidence } = await makeKeys(tpm);
    const use = { key: evidence, auth: EVIDENCE_AUTH };
    for (let i = 0; i < share(20, 3); i += 1) {
      expect(valueOf(await signDigest(tpm, use, DIGEST))).toHaveLength(64);
      const midway = [signDigest(tpm, use, DIGEST), signDigest(tpm, use, DIGEST)];
      await chip.kill();
      for (const result of await Promise.all(midway)) {
        if (!result.ok) expect(["unknown", "not-done"]).toContain(result.fault.kind);
      }
      expect(faultIn(await signDigest(tpm, use, DIGEST)).kind).toBe("not-done");
      await chip.start();
      expect(valueOf(await signDigest(tpm, use, DIGEST))).toHaveLength(64);
    }
  });

  it("leaves nothing behind: broken connections do not use up its sessions", async () => {
    const { tpm, chip, root } = await startTpmRig();
    const { evidence } = await makeKeys(tpm);
    tpm.close();
    for (let i = 0; i < 6; i += 1) {
      const next = openTestTpm(openSocketChannel({ path: chip.path }, 10_000), root.name);
      const use = { key: evidence, auth: EVIDENCE_AUTH };
      expect(valueOf(await signDigest(next, use, DIGEST))).toHaveLength(64);
      next.close();
    }
  });

  it("keeps nothing loaded after its keys were made", async () => {
    const { tpm } = await startTpmRig();
    await makeKeys(tpm);
    const left = await tpm.perform(
      async (line) => await line.plain(getHandles(HANDLES_OF.transient, 8)),
    );
    expect(valueOf(left)).toEqual([]);
  });
});

describe("a TPM that hangs", () => {
  it("hits the time limit, then works again", async () => {
    const { tpm, chip } = await startTpmRig(undefined, 300);
    const { evidence } = await makeKeys(tpm);
    const use = { key: evidence, auth: EVIDENCE_AUTH };
    chip.freeze();
    expect(faultIn(await signDigest(tpm, use, DIGEST))).toMatchObject({
      kind: "unknown",
      says: "the TPM did not answer in time",
    });
    expect(["unknown", "not-done"]).toContain(faultIn(await signDigest(tpm, use, DIGEST)).kind);
    chip.thaw();
    await expect
      .poll(async () => (await signDigest(tpm, use, DIGEST)).ok, { timeout: 20_000 })
      .toBe(true);
  });
});

describe("the queue", () => {
  it("runs one at a time, refuses what is too many, and serves those it took", async () => {
    const { tpm, chip, root } = await startTpmRig();
    tpm.close();
    const channel = openSocketChannel({ path: chip.path }, 10_000);
    let busy = 0;
    let most = 0;
    const watched = {
      ...channel,
      exchange: async (command: Uint8Array): Promise<TpmResult<Uint8Array>> => {
        busy += 1;
        most = Math.max(most, busy);
        const result = await channel.exchange(command);
        busy -= 1;
        return result;
      },
    };
    const small = openTestTpm(watched, root.name, 4);
    const results = await Promise.all(Array.from({ length: 6 }, async () => await readChip(small)));
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true, true, false, false]);
    expect(results.slice(4).map((result) => faultIn(result).kind)).toEqual([
      "not-done",
      "not-done",
    ]);
    expect(most).toBe(1);
    expect((await readChip(small)).ok).toBe(true);
  });

  it("that was closed ends what runs and takes nothing more", async () => {
    const { tpm } = await startTpmRig();
    const { evidence } = await makeKeys(tpm);
    const use = { key: evidence, auth: EVIDENCE_AUTH };
    const waiting = [signDigest(tpm, use, DIGEST), signDigest(tpm, use, DIGEST)];
    tpm.close();
    for (const result of await Promise.all(waiting)) expect(faultIn(result).kind).toBe("not-done");
    expect(faultIn(await signDigest(tpm, use, DIGEST)).kind).toBe("not-done");
  });

  it("that is closed while the TPM is at work says that the outcome is unknown", async () => {
    let closeNow = (): void => undefined;
    const { tpm } = await startTpmRig((inner) => ({
      ...inner,
      exchange: async (command) => {
        const answer = inner.exchange(command);
        if (new TpmReader(command, 6).u32() === COMMAND.sign) closeNow();
        return await answer;
      },
    }));
    const { evidence } = await makeKeys(tpm);
    closeNow = tpm.close;
    const running = await signDigest(tpm, { key: evidence, auth: EVIDENCE_AUTH }, DIGEST);
    expect(faultIn(running).kind).toBe("unknown");
  });

  it("goes on after an operation that throws", async () => {
    const { tpm } = await startTpmRig();
    const use = { key: { handle: 1, name: DIGEST }, auth: NO_AUTH };
    await expect(signDigest(tpm, use, new Uint8Array(3))).rejects.toThrow(RangeError);
    expect((await readChip(tpm)).ok).toBe(true);
  });
});

describe("a busy TPM", () => {
  it("is asked again, but not for ever", async () => {
    let refusals = 2;
    let asked = 0;
    const { tpm } = await startTpmRig((inner) => ({
      ...inner,
      exchange: async (command) => {
        if (new TpmReader(command, 6).u32() !== COMMAND.nvRead)
          return await inner.exchange(command);
        asked += 1;
        if (asked > refusals) return await inner.exchange(command);
        return { ok: true, value: Uint8Array.of(0x80, 1, 0, 0, 0, 10, 0, 0, 9, 0x22) };
      },
    }));
    const counter = { index: 0x01500010, kind: "flash" as const, auth: EVIDENCE_AUTH };
    const value = valueOf(await defineCounter(tpm, counter, NO_AUTH));
    expect(asked).toBe(3);
    asked = 0;
    refusals = 1000;
    expect(faultIn(await readCounter(tpm, counter))).toMatchObject({
      kind: "refused",
      code: 0x922,
    });
    expect(asked).toBe(7);
    refusals = 0;
    expect(valueOf(await readCounter(tpm, counter))).toBe(value);
  });
});

describe("what goes over the wire", () => {
  it("holds no authorisation value, when keys and counters are made nor when they are used", async () => {
    const sent: string[] = [];
    const { tpm } = await startTpmRig((inner) => ({
      ...inner,
      exchange: async (command) => {
        sent.push(Buffer.from(command).toString("hex"));
        return await inner.exchange(command);
      },
    }));
    const { evidence } = await makeKeys(tpm);
    const auth = new Uint8Array(32).fill(0xc0);
    valueOf(await defineCounter(tpm, { index: 0x01500010, kind: "orderly", auth }, NO_AUTH));
    valueOf(await signDigest(tpm, { key: evidence, auth: EVIDENCE_AUTH }, DIGEST));
    const wire = sent.join(" ");
    for (const secret of ["e1e1e1e1e1e1", "a1a1a1a1a1a1", "c0c0c0c0c0c0"]) {
      expect(wire).not.toContain(secret);
    }
  });
});

describe("a server that is no TPM", () => {
  it.each([
    ["says nothing and ends", (socket: Socket) => socket.end(), "unknown"],
    [
      "answers with text",
      (socket: Socket) => socket.write("HTTP/1.1 400 Bad\r\n\r\n"),
      "malformed",
    ],
    [
      "answers longer than any TPM",
      (socket: Socket) => socket.write(Uint8Array.of(0x80, 1, 0, 1, 0, 0, 0, 0, 0, 0)),
      "malformed",
    ],
    [
      "sends more than its answer",
      (socket: Socket) =>
        socket.write(Uint8Array.of(0x80, 1, 0, 0, 0, 10, 0, 0, 1, 0, 0x80, 1, 0, 0)),
      "malformed",
    ],
    ["cuts its answer", (socket: Socket) => socket.end(Uint8Array.of(0x80, 1, 0)), "unknown"],
  ] as const)("and %s is a fault", async (_what, answer, kind) => {
    const server = createServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.once("data", () => answer(socket));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      server.close();
    });
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const channel = openSocketChannel({ host: "127.0.0.1", port }, 5_000);
    const tpm = openTestTpm(channel, null);
    expect(faultIn(await readChip(tpm)).kind).toBe(kind);
    expect(channel.connected()).toBe(false);
    expect(await channel.exchange(DIGEST)).toEqual(faultOf("not-done", "the TPM is not connected"));
  });

  it("that is not there at all is a fault that names the place", async () => {
    const tpm = openTestTpm(openSocketChannel({ path: "/nowhere/sock" }, 1_000), null);
    const fault = faultIn(await readChip(tpm));
    expect(fault.kind).toBe("not-done");
    expect(fault.says).toContain("/nowhere/sock");
  });
});
