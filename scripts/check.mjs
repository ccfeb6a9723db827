// Everything about the code that can be checked without running it. Prints what failed and exits 1.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const bin = name => `node_modules/.bin/${name}`;
const checks = [
  ["types", bin("tsc"), ["-p", "tsconfig.json"]],
  ["types of generated code", bin("tsc"), ["-p", "tsconfig.gen.json"]],
  ["lint", bin("oxlint"), ["--type-aware", "src", "test", "deploy", "scripts"]],
  ["format", bin("biome"), ["format", "."]],
  ["generated code is fresh", "node", ["scripts/check-generated.mjs"]],
  ["architecture and sizes", bin("mocha"), ["test/architecture.test.ts"]],
];
let failed = 0;
for (const [name, command, args] of checks) {
  if (command === "node" && !existsSync(args[0])) continue;
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  if (status === 0) {
    console.log(`ok      ${name}`);
    continue;
  }
  failed++;
  console.log(`FAILED  ${name}\n${stdout}${stderr}`);
}
process.exitCode = failed === 0 ? 0 : 1;
