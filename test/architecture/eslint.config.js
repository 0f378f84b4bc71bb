import tseslint from "typescript-eslint";

const ROOT = new URL("../..", import.meta.url).pathname;
const PURE = ["src/kernel/**", "src/codec/**", "src/profile/**", "src/evidence/**"];

const IMPURE_GLOBALS = [
  "Date",
  "performance",
  "process",
  "console",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "fetch",
  "Buffer",
  "globalThis",
  "require",
].map((name) => ({ name, message: "pure core: take what you need as an argument" }));

const SHARED_RULES = {
  "@typescript-eslint/switch-exhaustiveness-check": [
    "error",
    { considerDefaultExhaustiveForUnions: false, requireDefaultForNonUnion: true },
  ],
  "@typescript-eslint/strict-boolean-expressions": [
    "error",
    { allowString: false, allowNumber: false, allowNullableObject: false },
  ],
  "@typescript-eslint/consistent-type-definitions": ["error", "type"],
  "@typescript-eslint/consistent-type-imports": "error",
  "@typescript-eslint/no-floating-promises": ["error", { ignoreVoid: false }],
  "@typescript-eslint/promise-function-async": "error",
  "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
  "@typescript-eslint/no-non-null-assertion": "error",
  "@typescript-eslint/no-explicit-any": "error",
  "@typescript-eslint/consistent-type-assertions": [
    "error",
    { assertionStyle: "as", objectLiteralTypeAssertions: "never" },
  ],
  "max-params": ["error", 4],
  "no-else-return": "error",
  "no-warning-comments": ["error", { terms: ["fixme", "todo", "xxx", "hack"] }],
  "no-restricted-exports": ["error", { restrictDefaultExports: { direct: true } }],
};

export default tseslint.config(
  { ignores: ["dist/**", "node_modules/**", "**/*.js", "**/*.mjs", "**/*.cjs"] },
  { files: ["**/*.ts"] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: { project: ["test/tsconfig.json"], tsconfigRootDir: ROOT },
    },
    linterOptions: { reportUnusedDisableDirectives: "error", noInlineConfig: true },
    rules: SHARED_RULES,
  },
  {
    files: ["src/**", "clients/**", "simulators/**", "bench/**"],
    rules: {
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "max-lines": ["error", { max: 400 }],
      "max-lines-per-function": ["error", { max: 70, skipComments: true, skipBlankLines: true }],
      complexity: ["error", 15],
      // `as const` and narrowing by checks only: a cast is a promise the compiler cannot keep for us.
      "no-restricted-syntax": [
        "error",
        {
          selector: "TSAsExpression:not([typeAnnotation.typeName.name='const'])",
          message: "no casts: narrow by a check, or make the type say it",
        },
      ],
    },
  },
  {
    // The page knows a browser and no Node.
    files: ["clients/**"],
    languageOptions: { parserOptions: { project: ["clients/verifier-page/tsconfig.json"] } },
  },
  {
    files: PURE,
    rules: {
      "no-restricted-globals": ["error", ...IMPURE_GLOBALS],
      "no-restricted-properties": [
        "error",
        { object: "Math", property: "random", message: "pure core: no randomness" },
      ],
      "no-restricted-imports": [
        "error",
        { patterns: [{ group: ["node:*"], message: "pure core imports no runtime" }] },
      ],
      "no-restricted-syntax": [
        "error",
        {
          selector: "TSAsExpression:not([typeAnnotation.typeName.name='const'])",
          message: "no casts: narrow by a check, or make the type say it",
        },
        { selector: ":function[async=true]", message: "pure core is synchronous" },
        { selector: "AwaitExpression", message: "pure core is synchronous" },
        { selector: "Program > VariableDeclaration[kind!='const']", message: "no module state" },
        { selector: "NewExpression[callee.name='Date']", message: "take the time as an argument" },
      ],
    },
  },
  {
    // A test may be long: a scenario reads better whole.
    files: ["test/**"],
    rules: { "@typescript-eslint/no-non-null-assertion": "error" },
  },
  { files: ["test/vitest.config.ts"], rules: { "no-restricted-exports": "off" } },
);
