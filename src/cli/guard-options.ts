import { parseArgs } from "node:util";
import { Refusal } from "./output.js";
import { runDirectoryOf } from "./run-directory.js";
import type { LoadedSite } from "./site-files.js";

export type GuardOptions = {
  readonly site: string;
  readonly run: string;
  readonly scale: number;
  /** Ends when the launcher's pipe does. */
  readonly tied: boolean;
};

/** `--site FILE [--run DIR] [--scale N] [--tied]`, as this process was given them. Throws a Refusal. */
export function readGuardOptions(): GuardOptions {
  const { values } = parseArgs({
    options: {
      site: { type: "string" },
      run: { type: "string" },
      scale: { type: "string", default: "1" },
      tied: { type: "boolean", default: false },
    },
  });
  if (values.site === undefined) throw new Refusal("holdpoint guard: --site FILE is missing", 2);
  const scale = Number(values.scale);
  if (!(scale >= 1 && scale <= 100)) throw new Refusal("the time scale must be from 1 to 100", 2);
  return {
    site: values.site,
    run: values.run ?? runDirectoryOf(values.site),
    scale,
    tied: values.tied,
  };
}

/** Time may run faster in a simulation alone: with a real plant every limit would be a lie. */
export function refuseScaleBut({ site }: LoadedSite): void {
  const hosts = [...site.devices, ...site.listeners].map(({ host }) => host);
  const stranger = hosts.find((host) => !host.startsWith("127."));
  if (stranger === undefined) return;
  throw new Refusal(
    `time can be scaled for a simulation on loopback only, not with ${stranger}`,
    2,
  );
}

/** What cannot be mended by starting again: a person reads one line, and the supervisor stops. */
export function refuseOver(what: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Error)) throw new Refusal(`${what} cannot be used: ${String(error)}`, 2);
    // The operating system's own refusals have a code; ours are sentences already.
    const code = "code" in error ? String(error.code) : null;
    if (code === null) throw new Refusal(error.message, 2);
    const why = { EEXIST: "a file stands there", ENOTDIR: "a file stands in its path" }[code];
    const said = why ?? (code === "EACCES" ? "this user may not write there" : code);
    throw new Refusal(`${what} cannot be used (${said}): mend it, or name another in the site`, 2);
  };
}
