/** What the demo needs of a simulated plant and controller; the composition root brings both. */
export type DemoParts = {
  readonly startPlant: (options: {
    readonly seed: number;
    readonly scale: number;
  }) => Promise<DemoPlant>;
  readonly startController: (options: {
    readonly port: number;
    /** Null: there is no gateway, straight to the PLC. */
    readonly ownUnit: number | null;
    readonly seed: number;
    readonly scale: number;
  }) => DemoController;
  /** Every way in which the controller turns bad, in the order of its schedule, with seconds of its own time. */
  readonly badActs: readonly BadActPlan[];
  /** Absolute path of the profile of the demo site. */
  readonly profile: string;
};

export type BadActPlan = {
  readonly act: string;
  readonly dueS: number;
  /** It is wrong only for a moment: a request that comes late is sound again, and may be granted. */
  readonly passes: boolean;
};

export type DemoPlant = {
  readonly port: number;
  readonly view: () => PlantView;
  readonly hazards: () => readonly PlantHazard[];
  /** Every write the PLC received, in its own words. */
  readonly journal: () => readonly PlcWrite[];
  readonly close: () => Promise<void>;
};

export type PlantView = {
  readonly plantS: number;
  readonly mode: string;
  readonly onFloats: boolean;
  readonly levelM: number;
  /** Hz of each pump; null: off. */
  readonly pumps: readonly (number | null)[];
  /** 0 closed, 1 open. */
  readonly valve: number;
  readonly pressureBar: number;
  readonly writes: number;
};

export type PlantHazard = {
  readonly name: string;
  readonly rule: string;
  readonly says: string;
  readonly fromS: number;
};

export type PlcWrite = {
  readonly table: "co" | "hr";
  readonly address: number;
  readonly words: readonly number[];
  /** Null: carried out. */
  readonly exception: number | null;
};

export type DemoController = {
  readonly records: () => readonly BadActRecord[];
  readonly tally: () => {
    readonly asked: number;
    readonly granted: number;
    readonly refused: number;
  };
  readonly isDead: () => boolean;
  readonly elapsedS: () => number;
  readonly close: () => Promise<void>;
};

/** One bad request and its answer, judged by what the catalogue of misdeeds expects. */
export type BadActRecord = {
  readonly act: string;
  readonly refused: boolean;
  readonly asExpected: boolean;
  /** Reason code or exception, as the controller learned it. */
  readonly answer: string;
};
