/** Who may import whom. Each rule says how to repair a breach. */
const RINGS = {
  kernel: [],
  codec: [],
  profile: ["kernel"],
  evidence: ["kernel", "codec"],
  guard: ["kernel", "codec", "profile", "evidence"],
  doors: ["codec"],
  adapters: ["guard/ports", "codec"],
  cli: ["kernel", "codec", "profile", "evidence", "guard", "doors"],
};
const PURE = "^src/(kernel|codec|profile|evidence)/";
const ring = (name) => (name.includes("/") ? `^src/${name}\\.ts$` : `^src/${name}/`);

module.exports = {
  forbidden: [
    ...Object.entries(RINGS).map(([name, may]) => ({
      name: `ring-${name}`,
      severity: "error",
      comment: `src/${name} may import only itself${may.map((m) => `, src/${m}`).join("")}. Move the shared type inwards, or pass the thing in through a port.`,
      from: { path: `^src/${name}/` },
      to: { path: "^(src|simulators|bench|test)/", pathNot: [name, ...may].map(ring) },
    })),
    {
      name: "ring-clients",
      severity: "error",
      comment:
        "clients/ goes to people without the rest: only kernel, codec, profile, evidence, and the words of cli/evidence-words.ts, which are pure too.",
      from: { path: "^clients/" },
      to: {
        path: "^(src|simulators|bench|test)/",
        pathNot: ["kernel", "codec", "profile", "evidence", "cli/evidence-words"].map(ring),
      },
    },
    {
      name: "pure-has-no-runtime",
      severity: "error",
      comment: "A pure folder imports no Node module. Take bytes, time and hashes as arguments.",
      from: { path: PURE },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "pure-has-no-packages",
      severity: "error",
      comment:
        "A pure folder imports no package, but profile/ may use yaml and zod. Write it, or take it as an argument.",
      from: { path: PURE },
      to: { path: "node_modules/", pathNot: "node_modules/(yaml|zod)/" },
    },
    {
      name: "only-profile-parses-yaml",
      severity: "error",
      comment:
        "yaml and zod belong to profile/ (and to the site file reader in cli/). Return a parsed value from there.",
      from: { path: "^src/(?!profile/|cli/)" },
      to: { path: "node_modules/(yaml|zod)/" },
    },
    {
      name: "only-main-knows-main",
      severity: "error",
      comment: "Composition roots are imported by nobody. Move the shared piece into a folder.",
      from: {},
      to: { path: "^src/main-[^/]+\\.ts$" },
    },
    {
      name: "adapters-are-strangers",
      severity: "error",
      comment: "Adapters never import each other. Compose them in a main-*.ts.",
      from: { path: "^src/adapters/([^/]+)/" },
      to: { path: "^src/adapters/[^/]+/", pathNot: "^src/adapters/$1/" },
    },
    {
      name: "the-product-does-not-know-its-simulators",
      severity: "error",
      comment: "Only the command line's composition root may start a simulator.",
      from: { path: "^src/", pathNot: "^src/main-cli\\.ts$" },
      to: { path: "^(simulators|bench|test)/" },
    },
    {
      name: "no-cycles",
      severity: "error",
      comment: "Move what both need into a third file.",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-dev-packages-in-src",
      severity: "error",
      comment:
        "Move the package to dependencies with a line in docs/DEPENDENCIES.md, or do without.",
      from: { path: "^(src|simulators)/" },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "modbus-serial-is-a-stranger",
      severity: "error",
      comment:
        "modbus-serial plays the PLC in simulators, benches and tests; it never stands in the enforcing path.",
      from: { path: "^src/" },
      to: { path: "node_modules/(modbus-serial|jsmodbus)/" },
    },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: { extensions: [".ts", ".js"] },
  },
};
