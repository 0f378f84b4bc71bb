import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { compileProfile } from "../kernel/profile/compile.js";
import { loadProfile } from "../profile/load.js";
import { findStrays } from "./demo-journal.js";
import type { BadActRecord, DemoParts, DemoPlant } from "./demo-parts.js";
import type { DemoSite } from "./demo-site.js";
import { checkActs, checkHazards, type Check } from "./demo-summary.js";
import { listSegments, readEntries, readSegment } from "./evidence-files.js";
import { verifyEvidence } from "./evidence-verify.js";

/** Everything a guarded run promises, each checked on what plant, controller and evidence say themselves. */
export async function checkGuarded(run: {
  readonly parts: DemoParts;
  readonly plant: DemoPlant;
  readonly demoSite: DemoSite;
  readonly records: readonly BadActRecord[];
  readonly elapsedS: number;
}): Promise<readonly Check[]> {
  const { parts, plant, demoSite, records, elapsedS } = run;
  return [
    ...checkActs(parts.badActs, records, elapsedS),
    checkHazards(plant.hazards()),
    await checkJournal(parts.profile, demoSite, plant),
    await checkEvidence(demoSite),
  ];
}

async function checkJournal(
  profileFile: string,
  demoSite: DemoSite,
  plant: DemoPlant,
): Promise<Check> {
  const name = "PLC received only released writes";
  const bytes = readFileSync(profileFile);
  const digest = createHash("sha256").update(bytes).digest();
  const load = loadProfile(bytes.toString("utf8"), profileFile, digest);
  if (!load.ok) return { name, ok: false, says: "the profile cannot be read any more" };
  const entries = [];
  for (const segment of await listSegments(demoSite.evidence)) {
    const found = readEntries(segment, await readSegment(demoSite.evidence, segment));
    entries.push(...found.map(({ entry }) => entry));
  }
  const journal = plant.journal();
  const strays = findStrays(compileProfile(load.model), entries, journal);
  const [first] = strays;
  const says =
    first === undefined
      ? `${journal.length} writes, all accounted for in evidence`
      : `${strays.length} of ${journal.length} are in no record, the first ${first.table} ${first.address} = ${first.words.join()}`;
  return { name, ok: first === undefined, says };
}

async function checkEvidence(demoSite: DemoSite): Promise<Check> {
  let report = "";
  const command = {
    directory: demoSite.evidence,
    replay: true,
    profile: null,
    trust: null,
    json: false,
  };
  const code = await verifyEvidence(command, {
    out: {
      write: (text) => {
        report += text;
      },
    },
    err: { write: () => undefined },
  });
  const wrong = report.split("\n").filter((line) => line.includes("FAIL"));
  const says =
    code === 0
      ? `holdpoint evidence verify --replay ${demoSite.evidence}`
      : wrong.slice(0, 3).join("; ");
  return { name: "evidence verifies and replays", ok: code === 0, says };
}
