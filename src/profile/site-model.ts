import type { Us } from "../kernel/units.js";

/** Ports, paths and addresses of one gateway. Everything about authority but `clients` stands in the profile. */
export type Site = {
  readonly name: string;
  readonly gateway: string;
  /** As written: relative to the site file's folder. */
  readonly profilePath: string;
  readonly devices: readonly SiteDevice[];
  readonly listeners: readonly SiteListener[];
  /** Unit id of the gateway itself: why block, window block, lease register. */
  readonly ownUnit: number;
  readonly evidence: {
    readonly dir: string;
    readonly commitEveryUs: Us;
    /** File of the signing key; null: the gateway keeps one beside the evidence. */
    readonly keyPath: string | null;
    readonly space: SiteSpace;
    /** Folder, as written, that checkpoints are left in for somebody to carry away, and how often; null: none. */
    readonly witness: { readonly dir: string; readonly everyUs: Us } | null;
  };
  /** The TPM that signs evidence; null: the file key does. */
  readonly tpm: SiteTpm | null;
};

/** The disk under the log. */
export type SiteSpace = {
  readonly reserveBytes: number;
  readonly highWaterPercent: number;
  readonly keepUs: Us | null;
  readonly whenFull: "stop" | "drop-oldest";
  readonly tbwBytes: number | null;
};

export type SiteTpm = {
  /** Folder of what `holdpoint key provision` wrote; as written. */
  readonly keysPath: string;
  /** `required`: nothing is permitted before it has signed a checkpoint of the run. `preferred`: a run without one says so. */
  readonly need: "required" | "preferred";
  /** Longest time between two anchors while there is something new; flash that it is to be measured against, in writes. */
  readonly anchorEveryUs: Us;
  readonly flashWrites: number;
};

export type Endpoint = { readonly host: string; readonly port: number };
export type SiteDevice = Endpoint & { readonly name: string; readonly unit: number };

export type SiteListener = Endpoint & {
  /** Which unit is which device. */
  readonly units: ReadonlyMap<number, string>;
  /** Which source address speaks for which controller; `*` is any. Others are nobody. */
  readonly clients: ReadonlyMap<string, string>;
};
