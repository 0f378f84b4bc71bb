import { basename, dirname, join } from "node:path";
import {
  BUNDLE_BYTES_MAX,
  encodeBundle,
  type BundleItem,
  type KeyBundle,
} from "../evidence/bundle.js";
import { carryConsistency, type Checkpoint } from "../evidence/checkpoint.js";
import type { ConsistencyProof } from "../evidence/merkle-proof.js";
import type { Period } from "../evidence/verify-growth.js";
import { hex } from "../evidence/hex.js";
import { encodeOutside } from "../evidence/outside.js";
import { encodeReceipt } from "../evidence/receipt.js";
import { verifyBundle } from "../evidence/verify-bundle.js";
import { utcText } from "./bundle-verify.js";
import { CERTIFICATES } from "./certificates.js";
import { sha256 } from "./evidence-files.js";
import { signatureVerifier } from "./evidence-keys.js";
import { entryLine } from "./evidence-tail.js";
import { writeFiles } from "./export-files.js";
import { addKeyBundle, isSoftware, kindLines } from "./export-key.js";
import { describeExport, partFiles, type NewFile, type Shown } from "./export-parts.js";
import { findPaths, gatherStory, type Story, type StoryEntry } from "./export-story.js";
import { chooseOutside, NO_WISH, type Chosen, type OutsideWish } from "./outside-choice.js";
import { jsonText, Refusal, type CliStreams } from "./output.js";
import { readVerifier } from "./python-verifier.js";
import { pageFiles } from "./verifier-page.js";

export type ExportCommand = {
  readonly directory: string;
  readonly seq: number;
  /** File to write; others are written beside it under names that begin alike. */
  readonly out: string;
  /** Also an RFC 9942 receipt of the entry, for other tools. */
  readonly receipt: boolean;
  /** The profile's exact bytes with it. */
  readonly withProfile: boolean;
  readonly json: boolean;
  /** File with the key bundle of the key that signed; null: the key alone. */
  readonly keyBundle?: string | null;
  /** Under which checkpoint, by its outside evidence; without it the first that covers the entries. */
  readonly wish?: OutsideWish;
  /** The Python verifier that goes with every export. */
  readonly verifier: string;
  /** The verifier page that goes with every export; without it none does. */
  readonly page?: string | undefined;
};

/**
 * `holdpoint evidence export`: proves one entry, and what belongs to it, to somebody who has nothing else.
 * Nothing is written that does not verify. Throws a Refusal when there is nothing to prove, or no room for it.
 */
export async function exportEvidence(command: ExportCommand, streams: CliStreams): Promise<0> {
  const story = await gatherStory(command.directory, command.seq, { profile: command.withProfile });
  const found = underCheckpoint(story, command.seq);
  const { directory, segments, outside: watch } = story;
  const from = { directory, segments, covering: found.checkpoint, watch };
  const chosen = await chooseOutside(from, command.wish ?? NO_WISH);
  const { checkpoint } = chosen;
  const { signed } = found;
  if (command.withProfile && story.profile === null) {
    throw new Refusal(
      `${command.directory}: entry ${command.seq} comes with no decision whose profile the log holds; leave --with-profile out`,
      1,
    );
  }
  const items = await findPaths(story, signed, checkpoint.claim.size);
  const bare = show(command, { story, chosen, signed, items });
  const shown = await addKeyBundle(bare, command.keyBundle ?? null);
  const bundle = makeBundle(shown, story);
  const files = [
    { path: basename(command.out), content: bundle },
    { path: `${shown.stem}.verify.py`, content: await readVerifier(command.verifier) },
    ...(await pageFiles(shown.stem, command.page)),
    { path: `${shown.stem}.README.md`, content: describeExport(shown) },
    ...partFiles(shown),
    ...(command.receipt ? [receiptFile(shown, command.seq)] : []),
  ];
  await writeFiles(dirname(command.out), files);
  streams.out.write(command.json ? renderJson(command, shown, files) : renderText(shown, files));
  return 0;
}

type Found = {
  readonly story: Story;
  readonly chosen: Chosen;
  /** Those of the story's entries that it covers. */
  readonly signed: readonly StoryEntry[];
  readonly items: readonly BundleItem[];
};

export const LATER =
  "A gateway that runs signs the rest within a second, one that starts again signs what it finds: export it then";

function underCheckpoint(
  story: Story,
  seq: number,
): Pick<Found, "signed"> & { readonly checkpoint: Checkpoint } {
  const { checkpoint, directory } = story;
  if (checkpoint === null) {
    throw new Refusal(
      `${directory}: entry ${seq} is not signed yet, nor is any other. ${LATER}`,
      1,
    );
  }
  const { size, issuedUtcS } = checkpoint.claim;
  if (seq >= size) {
    const covers = `the newest checkpoint, of ${utcText(issuedUtcS)}, covers entries up to ${size - 1}`;
    throw new Refusal(`${directory}: entry ${seq} is not signed yet: ${covers}. ${LATER}`, 1);
  }
  return { checkpoint, signed: story.entries.filter(({ entry }) => entry.seq < size) };
}

function show(command: ExportCommand, found: Found): Shown {
  const { story, chosen, signed, items } = found;
  const { checkpoint, outside } = chosen;
  const spki = story.keys.get(hex(checkpoint.claim.kid));
  if (spki === undefined) {
    throw new Refusal(`${story.directory}: the log does not hold the key that signed it`, 1);
  }
  const bundle = basename(command.out);
  return {
    bundle,
    stem: bundle.replace(/\.cbor$/, ""),
    checkpoint,
    items,
    spki,
    software: isSoftware(story.keyKinds.get(checkpoint.claim.boot)),
    profile: story.profile,
    receipt: command.receipt,
    page: command.page,
    lines: signed.map((found) => entryLine(found)),
    notes: [...noteAbsence(story, signed), ...chosen.notes],
    outside,
  };
}

/** What a reader would look for and not find, and why. */
function noteAbsence(story: Story, signed: readonly StoryEntry[]): readonly string[] {
  const notes = story.entries
    .filter((found) => !signed.includes(found))
    .map(
      ({ entry }) => `${entry.body.type} ${entry.seq} is left out: it is not signed yet. ${LATER}.`,
    );
  const hasOutcome = story.entries.some(({ entry }) => entry.body.type === "outcome");
  for (const { entry } of signed) {
    if (entry.body.type !== "decision" || hasOutcome || !story.own.has(entry.seq)) continue;
    notes.push(`Decision ${entry.seq} stands alone. ${WHY_ALONE[entry.body.verdict]}.`);
  }
  return notes;
}

const WHY_ALONE = {
  permit: "Its outcome is not in the log",
  clamp: "Its outcome is not in the log",
  deny: "It was denied: nothing was sent, so it has no outcome",
  hold: "It was held: nothing was sent, so it has no outcome",
} as const;

/** What a bundle is to show besides its entries, and of which log. */
export type Claimed = {
  readonly directory: string;
  /** From an earlier checkpoint; the checkpoint's own leads from the one before it, and is left out. */
  readonly consistency?: ConsistencyProof | null;
  readonly earlier?: Uint8Array | null;
  readonly period?: Period | null;
};

/** Bytes of a bundle that verifies. A Refusal when it would not. */
export function makeBundle(shown: Shown, claimed: Claimed): Uint8Array {
  const { checkpoint, items, spki, software, profile } = shown;
  const { directory, consistency = null, earlier = null, period = null } = claimed;
  const bundle = encodeBundle({
    checkpoint: carryConsistency(checkpoint, consistency),
    items,
    // evidence.cddl has it there where no hardware is behind the key: where nobody knows, none is claimed.
    key: { ...(shown.keyBundle ?? bareKey(spki)), software: software !== false },
    outside: encodeOutside(shown.outside),
    profile,
    profileSignatures: [],
  });
  if (bundle.length > BUNDLE_BYTES_MAX) {
    const advice = "choose a shorter period, or leave --with-profile out";
    throw new Refusal(
      `${directory}: a bundle of ${bundle.length} bytes, and none may have more than ${BUNDLE_BYTES_MAX}: ${advice}`,
      1,
    );
  }
  const verifySignature = signatureVerifier();
  const { checks } = verifyBundle(bundle, {
    sha256,
    verifySignature,
    trusted: null,
    certificates: { reader: CERTIFICATES, roots: null },
    profile: null,
    earlier,
    period,
  });
  const wrong = checks.find(({ status }) => status === "FAIL");
  if (wrong === undefined) return bundle;
  throw new Refusal(
    `${directory}: the log does not prove this: ${wrong.why ?? wrong.label}; holdpoint evidence verify ${directory} says where`,
    1,
  );
}

function bareKey(spki: Uint8Array): KeyBundle {
  const nothing = { certificates: [], endorsement: [], attestation: null, validSeq: null };
  return { spki, ...nothing, software: false };
}

function receiptFile(shown: Shown, seq: number): NewFile {
  const item = shown.items.find(({ proof }) => proof.index === seq);
  if (item === undefined) throw new Refusal(`entry ${seq} has no path`, 1);
  return {
    path: `${shown.stem}.receipt.cbor`,
    content: encodeReceipt(shown.checkpoint, item.proof),
  };
}

function renderText(shown: Shown, files: readonly NewFile[]): string {
  const { size, issuedUtcS } = shown.checkpoint.claim;
  const lines = [
    ...shown.lines,
    "",
    ...shown.notes,
    `under a checkpoint over ${size} entries, ${utcText(issuedUtcS)}`,
    ...kindLines(shown.software),
    `${shown.bundle}: ${files[0]?.content.length ?? 0} bytes; how to check it: ${shown.stem}.README.md`,
  ];
  return `${lines.join("\n")}\n`;
}

function renderJson(command: ExportCommand, shown: Shown, files: readonly NewFile[]): string {
  const { size, issuedUtcS, gateway, log } = shown.checkpoint.claim;
  const summary = {
    bundle: command.out,
    bytes: files[0]?.content.length ?? 0,
    entries: shown.items.map(({ proof }) => proof.index),
    checkpoint: { size, issuedUtcS, gateway, log, kid: hex(shown.checkpoint.claim.kid) },
    software: shown.software,
    notes: shown.notes,
    files: files.map(({ path }) => join(dirname(command.out), path)),
  };
  return `${jsonText(summary, 2)}\n`;
}
