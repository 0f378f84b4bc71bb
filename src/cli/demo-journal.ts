import type { SouthWrite } from "../kernel/command/request.js";
import { southWrite } from "../kernel/command/south-write.js";
import type { CompiledProfile } from "../kernel/profile/compiled.js";
import type { DecisionBody, Entry, SafeStepBody } from "../kernel/record/entry.js";
import type { PlcWrite } from "./demo-parts.js";

/**
 * Writes the PLC received that no record of the log accounts for. Each released command accounts for one
 * write of exactly its words; an absolute write of the gateway's own for any number with its value.
 */
export function findStrays(
  profile: CompiledProfile,
  entries: readonly Entry[],
  journal: readonly PlcWrite[],
): readonly PlcWrite[] {
  const { released, own } = collect(profile, entries);
  return journal.filter((write) => {
    const key = keyOf(write);
    const left = released.get(key) ?? 0;
    if (left > 0) {
      released.set(key, left - 1);
      return false;
    }
    return !own.some((known) => accountsFor(profile, known, write));
  });
}

type Own = Pick<SafeStepBody, "output" | "given">;

function collect(
  profile: CompiledProfile,
  entries: readonly Entry[],
): { readonly released: Map<string, number>; readonly own: readonly Own[] } {
  const unsent = new Set<string>();
  for (const { body } of entries) {
    if (body.type !== "outcome") continue;
    if (body.outcome === "withdrawn" || body.outcome === "no-change") unsent.add(body.id.join());
  }
  const released = new Map<string, number>();
  const own: Own[] = [];
  for (const { body } of entries) {
    if (body.type === "safe-step" && body.state === "sent") own.push(body);
    if (body.type !== "decision" || unsent.has(body.id.join())) continue;
    const writes = givenWrites(body);
    if (body.source.kind === "own")
      own.push(...writes.map(({ output, raw }) => ({ output, given: raw })));
    else if (writes.length > 0) {
      const key = keyOf(asReceived(southWrite(profile, writes)));
      released.set(key, (released.get(key) ?? 0) + 1);
    }
  }
  return { released, own };
}

function givenWrites(body: DecisionBody): { readonly output: number; readonly raw: number }[] {
  const isReleased = body.verdict === "permit" || body.verdict === "clamp";
  if (!isReleased || body.writes instanceof Uint8Array) return [];
  return body.writes.flatMap(({ output, given }) =>
    given === null ? [] : [{ output, raw: given }],
  );
}

function asReceived(write: SouthWrite): Pick<PlcWrite, "table" | "address" | "words"> {
  const { table, address, data } = write;
  switch (data.kind) {
    case "words":
      return { table, address, words: data.words };
    case "bits":
      return { table, address, words: data.bits.map(Number) };
    case "mask":
      return { table, address, words: [data.and, data.or] };
  }
}

function accountsFor(profile: CompiledProfile, { output, given }: Own, write: PlcWrite): boolean {
  const at = profile.model.outputs[output]?.at;
  if (at?.table !== write.table) return false;
  const word = write.words[at.register - write.address];
  if (word === undefined) return false;
  return at.bit === null ? word === given : ((word >> at.bit) & 1) === given;
}

function keyOf({ table, address, words }: Pick<PlcWrite, "table" | "address" | "words">): string {
  return `${table} ${address} ${words.join()}`;
}
