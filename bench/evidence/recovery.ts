/**
 * What a guard does with its log before it can begin: reads it from the newest snapshot on and folds its state from it.
 * Changes nothing. usage: recovery SITE_FILE      prints one line of JSON
 */
import { openEvidenceDisk } from "../../src/adapters/evidence-file/evidence-disk.js";
import { readSiteFiles } from "../../src/cli/site-files.js";
import { recoverLog } from "../../src/guard/evidence/recover.js";
import { Recollection } from "../../src/guard/recollect.js";
import { compileProfile } from "../../src/kernel/profile/compile.js";

const site = readSiteFiles(process.argv[2] ?? "");
const profile = compileProfile(site.model);
const disk = await openEvidenceDisk(site.evidenceDir);
const begun = performance.now();
const recollection = new Recollection(profile);
const { found, tree } = await recoverLog(disk, recollection.visitor);
const { isNew } = recollection.finish(null);
const seconds = (performance.now() - begun) / 1_000;
await disk.release();
if (isNew) throw new Error("no state was found in the log");
console.log(JSON.stringify({ found, entries: tree.size, seconds }));
