// Everything about the code that can be checked without running it. Prints what failed and exits 1.
import { spawnSync } from "node:child_process";

const bin = name => `node_modules/.bin/${name}`;
const checks = [
  { name: "types", command: bin("tsc"), args: ["-p", "tsconfig.json"] },
  { name: "types of generated code", command: bin("tsc"), args: ["-p", "tsconfig.gen.json"] },
  { name: "lint", command: bin("oxlint"), args: ["--type-aware", "src", "test", "deploy", "scripts"] },
  { name: "format", command: bin("biome"), args: ["format", "."] },
  { name: "generated code is fresh", command: "node", args: ["scripts/check-generated.mjs"] },
  { name: "security mutants fit the code", command: "node", args: ["scripts/mutate-security.mjs", "--check"] },
  { name: "planted faults fit the code", command: "node", args: ["scripts/plant-faults.mjs", "--check"] },
  { name: "architecture and sizes", command: bin("mocha"), args: ["test/architecture.test.ts"] },
];
let failed = 0;
for (const { name, command, args } of checks) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  if (status === 0) {
    console.log(`ok      ${name}`);
    continue;
  }
  failed++;
  console.log(`FAILED  ${name}\n${stdout}${stderr}`);
}
process.exitCode = failed === 0 ? 0 : 1;
