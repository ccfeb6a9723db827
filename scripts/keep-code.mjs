// keep-code.mjs DIRECTORY NAME: keeps the code that V8 makes of a bundled program when it starts, for the Node.js and the flags of this process.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { compile, run } = createRequire(import.meta.url)("../bin/program.cjs");
const [directory, name] = process.argv.splice(2);
process.argv.push("--version"); // It is compiled, run through once, and does nothing.
const script = compile(name, directory);
process.on("exit", () => writeFileSync(join(directory, `${name}.cjs.code`), script.createCachedData()));
run(script, name, directory);
