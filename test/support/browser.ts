import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

export type Fields = Readonly<Record<string, unknown>>;
/** Something that happened in a page. */
export type Told = {
  readonly session: unknown;
  readonly method: string;
  readonly params: Fields;
};

/** Debian's Chromium without a window, spoken to over the pipes of its DevTools protocol. */
export class Browser {
  readonly #child: ChildProcess;
  readonly #to: Writable;
  readonly #home: string;
  readonly #waiting = new Map<number, (answer: Fields) => void>();
  readonly #listeners = new Set<(told: Told) => void>();
  #number = 0;
  #rest = "";

  constructor() {
    if (!existsSync(CHROMIUM)) {
      throw new Error("this test needs the Debian package chromium: apt-get install chromium");
    }
    this.#home = mkdtempSync(join(tmpdir(), "holdpoint-browser-"));
    this.#child = spawn(CHROMIUM, [...FLAGS, `--user-data-dir=${this.#home}`, "about:blank"], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
      env: { ...process.env, HOME: this.#home },
    });
    const [, , , to, from] = this.#child.stdio;
    if (!isWritable(to) || !isReadable(from)) throw new Error("the browser has no pipes");
    this.#to = to;
    // What is written to one that has ended is lost; whoever waits for an answer is told by its end.
    to.on("error", () => undefined);
    from.setEncoding("utf8");
    from.on("data", (text: string) => {
      this.#take(text);
    });
    this.#child.on("error", () => {
      this.#fail();
    });
    this.#child.on("exit", () => {
      this.#fail();
    });
  }

  /** A page of its own that has loaded this address. */
  async open(url: string): Promise<Page> {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, String(sessionId));
    await page.load(url);
    return page;
  }

  async send(method: string, params: Fields, sessionId?: string): Promise<Fields> {
    this.#number += 1;
    const id = this.#number;
    const answer = await new Promise<Fields>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#to.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
    if ("error" in answer) throw new Error(`${method}: ${JSON.stringify(answer["error"])}`);
    return fieldsOf(answer["result"]);
  }

  listen(listener: (told: Told) => void): void {
    this.#listeners.add(listener);
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    const isRunning = this.#child.exitCode === null && this.#child.signalCode === null;
    await this.send("Browser.close", {}).catch(() => undefined);
    if (isRunning) await ended;
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 10 });
  }

  #take(text: string): void {
    const parts = (this.#rest + text).split("\0");
    this.#rest = parts.pop() ?? "";
    for (const part of parts) {
      const message = fieldsOf(JSON.parse(part));
      const { id, method, sessionId: session } = message;
      if (typeof id === "number") {
        this.#waiting.get(id)?.(message);
        this.#waiting.delete(id);
      } else {
        const told = { session, method: String(method), params: fieldsOf(message["params"]) };
        for (const listener of this.#listeners) listener(told);
      }
    }
  }

  #fail(): void {
    for (const settle of this.#waiting.values()) settle({ error: "the browser has ended" });
    this.#waiting.clear();
  }
}

/** One page, and what it was seen to do. */
export class Page {
  /** Addresses that it asked for, also in vain. */
  readonly requests: string[] = [];
  /** What its policy refused, and what it complained about. */
  readonly complaints: string[] = [];
  readonly #browser: Browser;
  readonly #session: string;

  constructor(browser: Browser, session: string) {
    this.#browser = browser;
    this.#session = session;
    browser.listen(({ session: of, method, params }) => {
      if (of !== session) return;
      if (method === "Network.requestWillBeSent") {
        this.requests.push(String(fieldsOf(params["request"])["url"]));
      } else if (method === "Network.webSocketCreated") this.requests.push(String(params["url"]));
      else if (method === "Log.entryAdded") {
        this.complaints.push(String(fieldsOf(params["entry"])["text"]));
      } else if (method === "Runtime.exceptionThrown") {
        this.complaints.push(JSON.stringify(params["exceptionDetails"]));
      } else if (method === "Audits.issueAdded") this.complaints.push(JSON.stringify(params));
    });
  }

  async load(url: string): Promise<void> {
    for (const domain of ["Page", "Runtime", "Network", "Log", "Audits", "DOM"]) {
      await this.send(`${domain}.enable`);
    }
    const loaded = new Promise<void>((resolve) => {
      this.#browser.listen(({ session, method }) => {
        if (session === this.#session && method === "Page.loadEventFired") resolve();
      });
    });
    await this.send("Page.navigate", { url });
    await loaded;
  }

  async send(method: string, params: Fields = {}): Promise<Fields> {
    return await this.#browser.send(method, params, this.#session);
  }

  /** Value of an expression in the page, once it is there. Throws what it throws. */
  async evaluate(expression: string): Promise<unknown> {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", options);
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return fieldsOf(result)["value"];
  }

  /** As a person who picks files. */
  async pick(selector: string, files: readonly string[]): Promise<void> {
    const { root } = await this.send("DOM.getDocument");
    const of = { nodeId: fieldsOf(root)["nodeId"], selector };
    const { nodeId } = await this.send("DOM.querySelector", of);
    await this.send("DOM.setFileInputFiles", { nodeId, files });
  }

  /** As a person who drops files on the middle of an element. */
  async drop(selector: string, files: readonly string[]): Promise<void> {
    const place = fieldsOf(
      await this.evaluate(
        `(() => { const box = document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect(); return { x: box.x + box.width / 2, y: box.y + box.height / 2 }; })()`,
      ),
    );
    const data = { items: [], files, dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"]) {
      await this.send("Input.dispatchDragEvent", { type, ...place, data });
    }
  }
}

export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value))
    : {};
}

const CHROMIUM = "/usr/bin/chromium";
/** Nothing of the browser's own goes anywhere; the sandbox cannot be had by root, as which tests may run. */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-extensions",
  "--disable-sync",
  "--no-first-run",
  "--no-default-browser-check",
  "--remote-debugging-pipe",
];

function isWritable(stream: unknown): stream is Writable {
  return typeof stream === "object" && stream !== null && "write" in stream;
}

function isReadable(stream: unknown): stream is Readable {
  return typeof stream === "object" && stream !== null && "setEncoding" in stream;
}
