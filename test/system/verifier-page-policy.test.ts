import { EventEmitter, once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hex } from "../../src/evidence/hex.js";
import { Browser } from "../support/browser.js";
import { sha256 } from "../support/evidence-samples.js";
import { buildPage } from "../support/verifier-page.js";

const folder = mkdtempSync(join(tmpdir(), "holdpoint-policy-"));
const html = join(folder, "verifier-page.html");
const browser = new Browser();

beforeAll(() => {
  buildPage(html);
});

afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});

function write(text: string, name: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

describe("the policy of the verifier page", () => {
  /** Everything in a page that could speak to a server, or run what was put in. */
  const attempts = (port: number): string => `const to = "http://127.0.0.1:${port}/";
    const put = (tag, of) => document.body.append(Object.assign(document.createElement(tag), of));
    for (const attempt of [
      () => fetch(to).catch(() => undefined),
      () => new WebSocket("ws://127.0.0.1:${port}/"),
      () => navigator.sendBeacon(to, "x"),
      () => put("img", { src: to }),
      () => put("iframe", { src: to }),
      () => put("link", { rel: "stylesheet", href: to }),
      () => put("script", { textContent: "window.ran = true" }),
      () => put("script", { src: to }),
    ]) { try { attempt(); } catch { continue; } }`;
  const FORBIDDEN = [
    "connect-src",
    "img-src",
    "frame-src",
    "style-src-elem",
    "require-trusted-types-for",
  ];

  /** Counts who says anything to it: a browser may open a connection ahead of what a policy then forbids. */
  async function listen(): Promise<{
    readonly port: number;
    readonly count: () => number;
    readonly reached: (told: number) => Promise<void>;
    readonly close: () => void;
  }> {
    const heard = new EventEmitter();
    let told = 0;
    const server = createServer((socket) => {
      socket
        .on("error", () => undefined)
        .once("data", () => {
          told += 1;
          heard.emit("told");
          socket.destroy();
        });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    return {
      port: typeof address === "object" && address !== null ? address.port : 0,
      count: () => told,
      reached: async (count) => {
        while (told < count) await once(heard, "told");
      },
      close: () => server.close(),
    };
  }

  it("cannot reach a server nor run what is put in, by its own policy [HP-172 refuses]", async () => {
    const server = await listen();
    const tried = await browser.open(`file://${html}`);
    const ran = await tried.evaluate(`new Promise((resolve) => {
      const missing = new Set(${JSON.stringify(FORBIDDEN)});
      document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => {
        missing.delete(effectiveDirective);
        if (missing.size === 0) resolve(window.ran === true);
      });
      ${attempts(server.port)}
    })`);
    expect(ran).toBe(false);
    expect(server.count()).toBe(0);
    // The same without the policy: what was tried is what would have reached it.
    const text = readFileSync(html, "utf8").replace(/<meta\s+http-equiv[^>]*>/, "");
    const bare = await browser.open(`file://${write(text, "bare.html")}`);
    expect(await bare.evaluate(`${attempts(server.port)}; window.ran === true`)).toBe(true);
    await server.reached(5);
    server.close();
  });

  it("is one file whose bytes follow from its sources, and runs no other script than its own", async () => {
    const again = join(folder, "again.html");
    buildPage(again);
    expect(hex(sha256(readFileSync(again)))).toBe(hex(sha256(readFileSync(html))));
    const text = readFileSync(html, "utf8");
    expect(text).not.toMatch(/\s(?:src|href|action|on\w+)=["']/);
    const changed = write(text.replace("<script>", "<script>document.title = 'x';"), "x.html");
    const opened = await browser.open(`file://${changed}`);
    expect(await opened.evaluate("document.title")).toBe("Holdpoint: check evidence");
  });
});
