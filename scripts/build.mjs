// Bundles the programs into dist/: a bundle starts in a third of the time that loose modules take.
import { spawnSync } from "node:child_process";
import { readFileSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";

/** One file each: what runs for weeks must not look for a part of itself that a newer build has replaced. With V8's code of them. */
const PROGRAMS = {
  shoald: "src/daemon/main.ts",
  manager: "src/daemon/manager-main.ts",
};
/** One file each, too. */
const HELPERS = {
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
const BUILT = resolve("dist.new");
rmSync(BUILT, { recursive: true, force: true });
const common = {
  outdir: BUILT,
  bundle: true,
  platform: "node",
  target: "node20",
  sourcemap: true,
  mainFields: ["module", "main"], // Packages whose CommonJS form hides its names from a dynamic import.
  external: ["koffi", "classic-level", "node-pty"],
  define: { __SHOAL_COMMIT__: JSON.stringify(commit), __SHOAL_BUILT_AT__: JSON.stringify(new Date().toISOString()) },
  loader: { ".json": "json" },
  logLevel: "warning",
};
const asModule = {
  format: "esm",
  outExtension: { ".js": ".mjs" },
  // CommonJS packages inside an ES module bundle still call require for Node's own modules.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
};
const asScript = {
  format: "cjs",
  outExtension: { ".js": ".cjs" },
  banner: { js: 'const __importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
  define: { ...common.define, "import.meta.url": "__importMetaUrl" },
};
await Promise.all([
  build({ ...common, ...asScript, entryPoints: PROGRAMS }),
  build({ ...common, ...asModule, entryPoints: HELPERS, splitting: false }),
  build({ ...common, ...asModule, entryPoints: SHORT_LIVED, splitting: true }),
]);
await keepCode();
rmSync("dist", { recursive: true, force: true });
renameSync(BUILT, "dist");

/** V8 takes code back only for the flags that it was made with. */
async function keepCode() {
  const { MANAGER_NODE_FLAGS } = await importSource("src/daemon/manager/options.ts");
  for (const [name, flags] of [
    ["shoald", []],
    ["manager", MANAGER_NODE_FLAGS],
  ]) {
    // With one character that is not, all of it takes twice the memory in every process.
    const stray = /\P{ASCII}.*/u.exec(readFileSync(join(BUILT, `${name}.cjs`), "utf8"));
    if (stray !== null) throw new Error(`${name} is not all ASCII: ${stray[0]}`);
    const { status, stderr } = spawnSync(process.execPath, [...flags, "scripts/keep-code.mjs", BUILT, name], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`the code of ${name} could not be kept: ${stderr}`);
  }
}

async function importSource(path) {
  const { outputFiles } = await build({ entryPoints: [path], bundle: true, format: "esm", platform: "node", write: false });
  return await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString("base64")}`);
}
