// Fails when src/gen is not what `npm run generate` makes of proto/.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const directory = mkdtempSync(join(tmpdir(), "shoal-gen-"));
try {
  execFileSync("node_modules/.bin/buf", ["generate", "-o", directory], { stdio: "inherit" });
  const list = root =>
    readdirSync(root, { recursive: true, encoding: "utf8" })
      .filter(name => name.endsWith(".ts"))
      .sort();
  const fresh = join(directory, "src/gen");
  const stale = list(fresh).filter((name, index) => {
    const committed = list("src/gen")[index];
    return committed !== name || readFileSync(join("src/gen", name), "utf8") !== readFileSync(join(fresh, name), "utf8");
  });
  if (stale.length > 0 || list("src/gen").length !== list(fresh).length) {
    console.error(`src/gen is stale (${stale.join(", ")}): run npm run generate`);
    process.exitCode = 1;
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
