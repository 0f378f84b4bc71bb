/**
 * Joins the verifier page into one HTML file that needs no other: `node build.mjs [FILE]`, else `dist/verifier-page.html`.
 * The policy in it names script and style by their hashes, so nothing that is put in later runs. The same sources give
 * the same bytes.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "..", "..");
const out = process.argv[2] ?? join(ROOT, "dist", "verifier-page.html");

const script = await joinScript();
const style = await readFile(join(HERE, "page.css"), "utf8");
// What would end the element early would also end what the hash is over.
if (/<\/script|<!--/i.test(script)) throw new Error("the script holds what would end its element");
if (/<\/style/i.test(style)) throw new Error("the style holds what would end its element");

const policy = [
  "default-src 'none'",
  `script-src '${hashOf(script)}'`,
  `style-src '${hashOf(style)}'`,
  "connect-src 'none'",
  "form-action 'none'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");
const template = await readFile(join(HERE, "page.html"), "utf8");
const parts = [
  ["{{POLICY}}", policy],
  ["<!-- STYLE -->", `<style>${style}</style>`],
  ["<!-- SCRIPT -->", `<script>${script}</script>`],
];
for (const [mark] of parts) {
  if (template.split(mark).length !== 2) throw new Error(`page.html must hold ${mark} once`);
}
const page = parts.reduce((text, [mark, part]) => text.replace(mark, () => part), template);
await mkdir(dirname(out), { recursive: true });
await writeFile(out, page);

async function joinScript() {
  const bundle = await rolldown({
    input: join(HERE, "main.ts"),
    cwd: ROOT,
    platform: "browser",
    resolve: { extensionAlias: { ".js": [".ts", ".js"] } },
    // One that cannot be joined, or is joined wrongly, is no page.
    onLog: (level, log) => {
      if (level === "warn") throw new Error(log.message);
    },
  });
  try {
    const { output } = await bundle.generate({
      format: "iife",
      minify: true,
      comments: false,
      sourcemap: false,
    });
    if (output.length !== 1) throw new Error(`${output.length} files where one is due`);
    return output[0].code;
  } finally {
    await bundle.close();
  }
}

function hashOf(text) {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
