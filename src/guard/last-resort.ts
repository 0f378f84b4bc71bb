import { southWrite } from "../kernel/command/resolve.js";
import type { CompiledProfile } from "../kernel/profile/compiled.js";
import { closeWithin, lockOut, type LastEntry } from "./last-entry.js";
import { wordsOf } from "./own-fault.js";
import type { EvidenceStore, PlcLink, WriteResult } from "./ports.js";

export type LastRun = {
  readonly profile: CompiledProfile;
  readonly links: readonly DeviceLinks[];
  readonly store: EvidenceStore;
  readonly say: (line: string) => void;
};

export type DeviceLinks = { readonly link: PlcLink; readonly safeLink: PlcLink | null };

/** How long a busy connection of a device is waited for before its safe write is given up, once for each device. */
const BUSY_MS_MOST = 300;

/**
 * The end of a run by a fault of ours: the safe state is driven, the lock-out written and the log closed, each within
 * `mostMs` real milliseconds. Of a guard that is halted; never rejects.
 */
export async function endInSafeState(
  { profile, links, store, say }: LastRun,
  end: LastEntry,
  mostMs: number,
): Promise<void> {
  // Where its device is free the first write is on the wire when this returns; the entry has all the time that the others take to reach the disk.
  const driving = driveLastResort(profile, links, mostMs);
  try {
    lockOut(store, end);
  } catch (error) {
    say(`the lock-out is not recorded: ${wordsOf(error)}`);
  }
  const driven = await driving;
  say(`safe state: ${driven.length === 0 ? "nothing was acknowledged" : driven.join(", ")}`);
  try {
    await closeWithin(store, mostMs);
  } catch (error) {
    say(`the log was not closed: ${wordsOf(error)}`);
  }
}

/**
 * For a fault of our own, when the kernel can no longer be trusted to drive anything: writes the profile's
 * safe state once, in its order, past kernel and queues. Resolves when every write was answered or given
 * up by its link, at the latest after `mostMs` real milliseconds; never rejects. Nothing is read back and
 * nothing is recorded: the next run reads the outputs and finds out.
 * @returns names of the outputs whose write was acknowledged
 */
export async function driveLastResort(
  profile: CompiledProfile,
  devices: readonly DeviceLinks[],
  mostMs: number,
): Promise<readonly string[]> {
  const acknowledged: string[] = [];
  // All are waited for at the same time, so that one which is away costs the others nothing but its turn's moment.
  const free = devices.map(async (links) => {
    await waitFree(links, BUSY_MS_MOST);
  });
  const all = (async () => {
    for (const output of profile.model.safeState.order) {
      const rules = profile.model.outputs[output];
      if (rules?.safe.kind !== "value") continue;
      const links = devices[rules.at.device];
      if (links === undefined) continue;
      if (!isFree(links)) await free[rules.at.device];
      const result = await writeBy(freeLink(links), profile, { output, raw: rules.safe.raw });
      if (result.kind === "acknowledged") acknowledged.push(rules.name);
    }
  })();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, mostMs);
  });
  await Promise.race([all.catch(() => undefined), late]);
  clearTimeout(timer);
  return acknowledged;
}

function isFree({ link, safeLink }: DeviceLinks): boolean {
  return link.idle() || safeLink?.idle() === true;
}

/** A request of the guard's may still be on its way: one connection of the device answers it, or is given up. */
async function waitFree(links: DeviceLinks, mostMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, mostMs);
    const look = (): void => {
      if (!isFree(links)) return;
      clearTimeout(timer);
      resolve();
    };
    links.link.onIdle(look);
    links.safeLink?.onIdle(look);
    look();
  });
}

function freeLink({ link, safeLink }: DeviceLinks): PlcLink {
  return safeLink?.idle() === true ? safeLink : link;
}

async function writeBy(
  link: PlcLink,
  profile: CompiledProfile,
  write: { readonly output: number; readonly raw: number },
): Promise<WriteResult> {
  return await new Promise((resolve) => {
    link.write(southWrite(profile, [write]), resolve);
  });
}
