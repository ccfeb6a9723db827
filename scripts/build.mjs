// Bundles each program into one file under dist/: a bundle starts in a third of the time that loose modules take.
import { spawnSync } from "node:child_process";
import { existsSync, renameSync, rmSync } from "node:fs";
import { build } from "esbuild";

const entryPoints = {
  shoald: "src/daemon/main.ts",
  manager: "src/daemon/manager-main.ts",
  "archive-helper": "src/system/archive-helper.ts",
  "network-helper": "src/system/network-helper.ts",
  shoal: "src/cli/main.ts",
  lab: "deploy/lab/main.ts",
  try: "deploy/try/main.ts",
  load: "deploy/try/load.ts",
};
const present = Object.fromEntries(Object.entries(entryPoints).filter(([, path]) => existsSync(path)));

const commit = spawnSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).stdout?.trim() ?? "";
// Built aside: a build that fails leaves the programs of the last one.
rmSync("dist.new", { recursive: true, force: true });
await build({
  entryPoints: present,
  outdir: "dist.new",
  bundle: true,
  splitting: true,
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
});
rmSync("dist", { recursive: true, force: true });
renameSync("dist.new", "dist");
