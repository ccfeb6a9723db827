// Bundles the programs into dist/: a bundle starts in a third of the time that loose modules take.
import { spawnSync } from "node:child_process";
import { renameSync, rmSync } from "node:fs";
import { build } from "esbuild";

/** One file each: what runs for weeks must not look for a part of itself that a newer build has replaced. */
const LONG_LIVED = {
  shoald: "src/daemon/main.ts",
  manager: "src/daemon/manager-main.ts",
  "archive-helper": "src/system/archive-helper.ts",
  "port-forwarder": "src/system/port-forwarder-thread.ts",
  namespaces: "src/system/namespace-thread.ts",
};
/** In parts, loaded when they are needed: what counts is how soon it starts. */
const SHORT_LIVED = {
  shoal: "src/cli/main.ts",
  lab: "deploy/lab/main.ts",
  try: "deploy/try/main.ts",
  load: "deploy/try/load.ts",
};

const commit = spawnSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).stdout?.trim() ?? "";
// Built aside: a build that fails leaves the programs of the last one.
rmSync("dist.new", { recursive: true, force: true });
const common = {
  outdir: "dist.new",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  sourcemap: true,
  outExtension: { ".js": ".mjs" },
  mainFields: ["module", "main"], // Packages whose CommonJS form hides its names from a dynamic import.
  external: ["koffi", "classic-level", "node-pty"],
  // CommonJS packages inside an ES module bundle still call require for Node's own modules.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  define: { __SHOAL_COMMIT__: JSON.stringify(commit), __SHOAL_BUILT_AT__: JSON.stringify(new Date().toISOString()) },
  loader: { ".json": "json" },
  logLevel: "warning",
};
await Promise.all([
  build({ ...common, entryPoints: LONG_LIVED, splitting: false }),
  build({ ...common, entryPoints: SHORT_LIVED, splitting: true }),
]);
rmSync("dist", { recursive: true, force: true });
renameSync("dist.new", "dist");
