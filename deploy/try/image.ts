import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/**
 * Makes the demo's root file system as a tar: the system's own perl (every Debian has perl-base) with its libraries, and the server.
 * @param serverPath - server.pl.
 */
export function buildRootFileSystem({ tarPath, serverPath }: { readonly tarPath: string; readonly serverPath: string }): void {
  const root = mkdtempSync(join(tmpdir(), "shoal-demo-"));
  try {
    for (const name of ["tmp", "proc", "sys", "dev", "etc"]) mkdirSync(join(root, name));
    copyInto(root, "/usr/bin/perl");
    for (const library of sharedLibraries("/usr/bin/perl")) copyInto(root, library);
    for (const directory of moduleDirectories()) cpSync(directory, join(root, directory), { recursive: true, dereference: true });
    copyFileSync(serverPath, join(root, "server.pl"));
    execFileSync("tar", [
      "--create",
      "--file",
      tarPath,
      "--directory",
      root,
      "--owner=0",
      "--group=0",
      "--mtime=@0",
      "--sort=name",
      ".",
    ]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function copyInto(root: string, path: string): void {
  mkdirSync(join(root, dirname(path)), { recursive: true });
  copyFileSync(realpathSync(path), join(root, path));
}

/** The libraries that a program loads, its interpreter included, under the names it asks for. */
function sharedLibraries(program: string): readonly string[] {
  const output = execFileSync("ldd", [program], { encoding: "utf8" });
  return [...output.matchAll(/(?:=> )?(\/[^\s]+) \(0x/g)].map(match => match[1] ?? "").filter(existsSync);
}

/** Where perl-base keeps its modules. */
function moduleDirectories(): readonly string[] {
  const output = execFileSync("/usr/bin/perl", ["-e", 'print join("\\n", grep { m{/perl-base$} } @INC)'], { encoding: "utf8" });
  return output.split("\n").filter(existsSync);
}
