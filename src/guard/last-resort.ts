import { southWrite } from "../kernel/command/resolve.js";
import type { CompiledProfile } from "../kernel/profile/compiled.js";
import type { PlcLink, WriteResult } from "./ports.js";

export type DeviceLinks = { readonly link: PlcLink; readonly safeLink: PlcLink | null };

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
  const all = (async () => {
    for (const output of profile.model.safeState.order) {
      const rules = profile.model.outputs[output];
      if (rules?.safe.kind !== "value") continue;
      const links = devices[rules.at.device];
      if (links === undefined) continue;
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
