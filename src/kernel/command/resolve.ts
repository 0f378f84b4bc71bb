import { OUTPUTS_PER_REQUEST } from "../bounds.js";
import { rawFromWords, wordCount } from "../image/scaling.js";
import type { CompiledProfile, Place } from "../profile/compiled.js";
import type { Group } from "../profile/model.js";
import { because, inCatalogueOrder } from "../record/because.js";
import type { Reason, ReasonCode } from "../record/reason.js";
import type { Raw } from "../units.js";
import type { Ask, Write, WriteRequest } from "./request.js";

export { southWrite } from "./south-write.js";

/**
 * The raw word planned for a register: what it holds once everything released is done. Null where that
 * is not known for sure (unproven, or never read).
 */
export type WordNow = (device: number, register: number) => Raw | null;

/**
 * What a request means in outputs and raw values. Closed world: one address that is not an output of this
 * controller refuses the whole request, and so does one bit that is not declared. Several outputs pass
 * only as exactly one group, or as the bits of one `bits: whole` word. Writes come in order of address.
 */
export function resolveWrite(
  profile: CompiledProfile,
  controller: number,
  request: WriteRequest,
  wordNow: WordNow,
): Ask {
  const resolving: Resolving = { profile, request, wordNow, writes: [], reasons: [] };
  const rules = profile.model.controllers[controller];
  if (rules === undefined) refuse(resolving, "identity", null);
  if (rules?.functions?.has(request.function) === false) refuse(resolving, "function", null);
  if (isWellFormed(request)) mapRequest(resolving);
  else refuse(resolving, "malformed", null);
  if (resolving.writes.length > OUTPUTS_PER_REQUEST) {
    refuse(resolving, "size", null);
    return { controller, writes: [], reasons: inCatalogueOrder(resolving.reasons) };
  }
  for (const { output } of resolving.writes) {
    if (rules?.outputs.has(output) === false) refuse(resolving, "not-writable", output);
  }
  checkTogether(resolving);
  return resolving.reasons.length > 0
    ? { controller, writes: [], reasons: inCatalogueOrder(resolving.reasons) }
    : { controller, writes: resolving.writes, reasons: [] };
}

type Resolving = {
  readonly profile: CompiledProfile;
  readonly request: WriteRequest;
  readonly wordNow: WordNow;
  readonly writes: Write[];
  readonly reasons: Reason[];
};

/** Every reason once, with the first output it is about. */
function refuse(resolving: Resolving, code: ReasonCode, output: number | null): void {
  if (resolving.reasons.some((reason) => reason.code === code)) return;
  resolving.reasons.push(because(code, { output }));
}

function isWellFormed(request: WriteRequest): boolean {
  const { address, data, table } = request;
  const count =
    data.kind === "mask" ? 1 : data.kind === "bits" ? data.bits.length : data.words.length;
  if (!Number.isInteger(address) || address < 0 || count < 1 || address + count > 0x10000)
    return false;
  switch (data.kind) {
    case "bits":
      return table === "co";
    case "words":
      return table === "hr" && data.words.every(isWord);
    case "mask":
      return table === "hr" && isWord(data.and) && isWord(data.or);
  }
}

function isWord(word: number): boolean {
  return Number.isInteger(word) && word >= 0 && word <= 0xffff;
}

function mapRequest(resolving: Resolving): void {
  const { address, data } = resolving.request;
  switch (data.kind) {
    case "bits":
      data.bits.forEach((bit, offset) => {
        mapCoil(resolving, placeAt(resolving, address + offset), bit);
      });
      return;
    case "words":
      data.words.forEach((_word, offset) => {
        mapWord(resolving, placeAt(resolving, address + offset), { words: data.words, offset });
      });
      return;
    case "mask":
      mapMask(resolving, placeAt(resolving, address), data);
  }
}

function placeAt(resolving: Resolving, register: number): Place | null {
  const { device, table } = resolving.request;
  return resolving.profile.writableAt(device, table, register);
}

function mapCoil(resolving: Resolving, place: Place | null, bit: boolean): void {
  if (place?.kind === "coil") resolving.writes.push({ output: place.output, raw: bit ? 1 : 0 });
  else refuse(resolving, place === null ? "tag-unknown" : "not-writable", null);
}

/** One register of FC6, FC16 or FC23. A value of two registers must be covered whole. */
function mapWord(
  resolving: Resolving,
  place: Place | null,
  at: { readonly words: readonly number[]; readonly offset: number },
): void {
  if (place === null) {
    refuse(resolving, "tag-unknown", null);
    return;
  }
  switch (place.kind) {
    case "input":
    case "coil":
      refuse(resolving, "not-writable", null);
      return;
    case "bits":
      mapBits(resolving, place, at.words[at.offset] ?? 0, 0xffff);
      return;
    case "value": {
      const format = resolving.profile.model.outputs[place.output]?.at.format ?? "u16";
      const raw = rawFromWords(at.words, at.offset - place.word, format);
      if (raw === null) refuse(resolving, "partial-write", place.output);
      else if (place.word === 0) resolving.writes.push({ output: place.output, raw });
    }
  }
}

/** FC22. Bits it leaves alone are not touched; anything but declared bits takes the word as planned. */
function mapMask(
  resolving: Resolving,
  place: Place | null,
  mask: { readonly and: number; readonly or: number },
): void {
  if (place === null) {
    refuse(resolving, "tag-unknown", null);
    return;
  }
  switch (place.kind) {
    case "input":
    case "coil":
      refuse(resolving, "not-writable", null);
      return;
    case "bits":
      mapBits(resolving, place, mask.or, ~mask.and & 0xffff);
      return;
    case "value":
      mapMaskedValue(resolving, place, mask);
  }
}

function mapMaskedValue(
  resolving: Resolving,
  place: Extract<Place, { readonly kind: "value" }>,
  mask: { readonly and: number; readonly or: number },
): void {
  const { wordNow, request } = resolving;
  const format = resolving.profile.model.outputs[place.output]?.at.format ?? "u16";
  if (wordCount(format) !== 1) {
    refuse(resolving, "partial-write", place.output);
    return;
  }
  const now = wordNow(request.device, request.address);
  if (now === null) refuse(resolving, "conflict", place.output);
  else {
    const raw = (now & mask.and) | (mask.or & ~mask.and & 0xffff);
    resolving.writes.push({ output: place.output, raw });
  }
}

/**
 * `touched`: bits the request sets. A bit that is not declared may not be touched in a word of which
 * others own bits, and may not be set to 1 in a word that is all ours. In such a word the bits a mask
 * leaves alone are written too, as planned: so they are part of the command.
 */
function mapBits(
  resolving: Resolving,
  place: Extract<Place, { readonly kind: "bits" }>,
  word: number,
  touched: number,
): void {
  const declared = place.members.reduce((bits, { bit }) => bits | (1 << bit), 0);
  const strange = touched & ~declared & (place.whole ? word : 0xffff);
  if (strange !== 0 || touched === 0) {
    refuse(resolving, "partial-write", place.members[0]?.output ?? null);
    return;
  }
  const kept = declared & ~touched;
  const { device, address } = resolving.request;
  const now = place.whole && kept !== 0 ? resolving.wordNow(device, address) : 0;
  if (now === null) {
    refuse(resolving, "conflict", place.members[0]?.output ?? null);
    return;
  }
  for (const { output, bit } of place.members) {
    const isTouched = ((touched >>> bit) & 1) === 1;
    if (isTouched) resolving.writes.push({ output, raw: (word >>> bit) & 1 });
    else if (place.whole) resolving.writes.push({ output, raw: (now >>> bit) & 1 });
  }
}

/** Several outputs only as exactly a group, or as one whole word; members of `only: together` only so. */
function checkTogether(resolving: Resolving): void {
  const { profile, writes } = resolving;
  const [first] = writes;
  if (first === undefined) return;
  const { groups } = profile.model;
  if (groups.some((group) => isExactly(group, writes))) return;
  const bound = writes.find(({ output }) =>
    groups.some((group) => group.together && group.outputs.includes(output)),
  );
  if (bound !== undefined) refuse(resolving, "partial-write", bound.output);
  if (writes.length > 1 && !isOneWord(profile, writes)) {
    refuse(resolving, "partial-write", first.output);
  }
}

function isExactly(group: Group, writes: readonly Write[]): boolean {
  return (
    group.outputs.length === writes.length &&
    writes.every(({ output }) => group.outputs.includes(output))
  );
}

function isOneWord(profile: CompiledProfile, writes: readonly Write[]): boolean {
  const first = profile.model.outputs[writes[0]?.output ?? -1];
  if (first?.bits !== "whole") return false;
  return writes.every(({ output }) => {
    const tag = profile.model.outputs[output];
    return (
      tag?.bits === "whole" &&
      tag.at.device === first.at.device &&
      tag.at.register === first.at.register
    );
  });
}
