import { createHash, generateKeyPairSync, sign } from "node:crypto";
import type { Signer } from "../../src/guard/ports.js";
import { compileProfile } from "../../src/kernel/profile/compile.js";
import type { CompiledProfile } from "../../src/kernel/profile/compiled.js";
import { loadProfile } from "../../src/profile/load.js";
import { askSomething, type Asked } from "./corpus-commands.js";
import { CorpusDisk } from "./corpus-disk.js";
import { EventQueue } from "./corpus-events.js";
import { CorpusGateway } from "./corpus-gateway.js";
import { CorpusPlant } from "./corpus-plant.js";
import { clearStage, shuffleScenes, type Scene, type Stage } from "./corpus-scenes.js";
import { seeded, type Random } from "./seeded.js";

const MS = 1_000;
const S = 1_000_000;
/** On average half of it passes between two commands. */
const COMMAND_GAP_MS = 320;
/** How often a person looks at the gateway, and puts right what it waits for. */
const PERSON_US = 2 * S;

export type CorpusOptions = {
  readonly directory: string;
  /** Each run takes the next one, and after the last the first again. */
  readonly profiles: readonly Uint8Array[];
  readonly seed: number;
  readonly commands: number;
  readonly segmentBytesMax: number;
  readonly signer: Signer;
};

export type CorpusMade = {
  readonly commands: number;
  readonly runs: number;
  readonly seconds: number;
};

/**
 * One seeded life of the gateway on the corpus profile: the guard's own boot, kernel loop and log in
 * `directory`, on simulated time, with devices that have bad days, people who reset what tripped, crashes
 * and restarts.
 */
export async function makeCorpus(options: CorpusOptions): Promise<CorpusMade> {
  const life = new Life(options);
  return await life.run();
}

export function compileCorpus(profileBytes: Uint8Array): CompiledProfile {
  const loaded = loadProfile(
    new TextDecoder().decode(profileBytes),
    "corpus",
    sha256(profileBytes),
  );
  if (!loaded.ok) throw new Error(loaded.rendered.join("\n"));
  return compileProfile(loaded.model);
}

export type CorpusKey = {
  readonly signer: Signer;
  readonly sign: (bytes: Uint8Array) => Uint8Array;
};

/** A software key of the test's own. */
export function makeCorpusKey(): CorpusKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ type: "spki", format: "der" });
  const signNow = (bytes: Uint8Array): Uint8Array =>
    sign("sha256", bytes, { key: privateKey, dsaEncoding: "ieee-p1363" });
  const signer: Signer = {
    kind: "file",
    spki,
    kid: sha256(spki),
    raise: null,
    sign: async (bytes) => await Promise.resolve(signNow(bytes)),
  };
  return { signer, sign: signNow };
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

class Life {
  readonly #options: CorpusOptions;
  readonly #profiles: readonly { readonly bytes: Uint8Array; readonly compiled: CompiledProfile }[];
  readonly #events = new EventQueue();
  readonly #random: Random;
  readonly #plant: CorpusPlant;
  readonly #disk: CorpusDisk;
  readonly #beats = { ai: true };
  #gateway: CorpusGateway;
  #deck: Scene[] = [];
  #ending: Parameters<Stage["end"]> | null = null;
  #commands = 0;
  #runs = 0;
  #originUs = 0;
  #machine = 0;

  constructor(options: CorpusOptions) {
    this.#options = options;
    this.#profiles = options.profiles.map((bytes) => ({ bytes, compiled: compileCorpus(bytes) }));
    this.#random = seeded(options.seed);
    this.#plant = new CorpusPlant(this.#events, this.#random);
    this.#disk = new CorpusDisk(options.directory);
    this.#gateway = this.#makeGateway();
  }

  async run(): Promise<CorpusMade> {
    await this.#begin();
    while (this.#commands < this.#options.commands) {
      if (!this.#events.step()) throw new Error("nothing happens any more");
      await this.#gateway.settle();
      if (this.#ending !== null) await this.#restart(...this.#ending);
    }
    for (const endUs = this.#events.nowUs + 3 * S; this.#events.nowUs < endUs;) {
      this.#events.step();
      await this.#gateway.settle();
    }
    await this.#gateway.stop();
    const seconds = Math.round(this.#events.nowUs / S);
    return { commands: this.#commands, runs: this.#runs, seconds };
  }

  async #begin(): Promise<void> {
    this.#runs += 1;
    await this.#gateway.start();
    const { random, gateway } = this.#stage();
    this.#every(
      () => random.below(COMMAND_GAP_MS) * MS,
      () => {
        this.#ask(askSomething({ random, plant: this.#plant }));
      },
    );
    this.#every(
      () => 700 * MS,
      () => {
        this.#beat();
      },
    );
    this.#every(
      () => PERSON_US,
      () => {
        lookAfter(gateway);
      },
    );
    const next = (): void => {
      if (this.#deck.length === 0) this.#deck = shuffleScenes(this.#random);
      const lastsUs = this.#deck.pop()?.(this.#stage()) ?? S;
      gateway.after(lastsUs, () => {
        clearStage(this.#stage());
        gateway.after((1 + random.below(3)) * S, next);
      });
    };
    gateway.after(4 * S, next);
  }

  async #restart(...[how, another]: Parameters<Stage["end"]>): Promise<void> {
    this.#ending = null;
    if (how === "clean") await this.#gateway.stop();
    else await this.#gateway.crash(how);
    const awayUs = this.#random.below(6_000) * MS;
    const untilUs = this.#events.nowUs + awayUs;
    this.#events.at(untilUs, () => undefined);
    while (this.#events.nowUs < untilUs) this.#events.step();
    if (another === "machine") {
      this.#machine = (this.#machine + 1) & 0xff;
      this.#originUs = this.#events.nowUs - this.#random.below(20) * S;
    }
    this.#gateway = this.#makeGateway();
    clearStage(this.#stage());
    await this.#begin();
  }

  #makeGateway(): CorpusGateway {
    const { signer, segmentBytesMax } = this.#options;
    const profile = this.#profiles[this.#runs % this.#profiles.length];
    if (profile === undefined) throw new Error("no profile");
    return new CorpusGateway({
      profile: profile.compiled,
      profileBytes: profile.bytes,
      events: this.#events,
      random: this.#random,
      plant: this.#plant,
      disk: this.#disk,
      signer,
      segmentBytesMax,
      originUs: this.#originUs,
      machine: this.#machine,
    });
  }

  #stage(): Stage {
    const gateway = this.#gateway;
    return {
      plant: this.#plant,
      disk: this.#disk,
      random: this.#random,
      gateway,
      beats: this.#beats,
      after: (us, run) => {
        gateway.after(us, run);
      },
      ask: (asked) => {
        this.#ask(asked);
      },
      end: (how, another) => {
        this.#ending = [how, another];
      },
    };
  }

  #ask(asked: Asked): void {
    const ticket = (this.#commands += 1);
    const id = new Uint8Array(16);
    new DataView(id.buffer).setUint32(0, ticket);
    const delayUs = this.#random.below(50) === 0 ? 700 * MS : this.#random.below(2) * MS;
    const arrivedUs = Math.max(0, this.#gateway.nowUs() - delayUs);
    const from = { ticket, id, door: "modbus-tcp", auth: "address", bytesHash: null } as const;
    this.#gateway.tell({ kind: "command", ...from, ...asked, arrivedUs });
    if (this.#random.below(60) === 0) this.#gateway.tell({ kind: "command-gone", ticket });
  }

  #beat(): void {
    if (!this.#beats.ai) return;
    const value = Math.floor(this.#events.nowUs / (700 * MS)) & 0xffff;
    this.#gateway.tell({ kind: "beat", controller: 0, value });
  }

  #every(periodUs: () => number, run: () => void): void {
    const gateway = this.#gateway;
    const round = (): void => {
      run();
      gateway.after(periodUs(), round);
    };
    gateway.after(periodUs(), round);
  }
}

/** A person who gives back what may be given back; asked too early, the gateway refuses. */
function lookAfter(gateway: CorpusGateway): void {
  const { mode, latched } = gateway.state.folded;
  const act = (reset: string): void => {
    gateway.tell({
      kind: "operator",
      person: "kim",
      why: "looked at the plant",
      act: { kind: "reset", trip: reset },
    });
  };
  for (const { id } of latched) act(id);
  if (mode === "safe-state") act("safe-state");
  if (mode === "holding") act("holding");
}
