import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, copyFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { labHost } from "../../deploy/lab/paths.ts";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type DaemonControl, ourDaemon, realDaemon } from "./daemons.ts";

/** One side of the comparison. */
export interface Engine {
  readonly name: "real" | "ours";
  readonly dockerHost: string;
  /** Texts that stand for this engine's own paths and names. */
  readonly literals: readonly (readonly [text: string, label: string])[];
  readonly defaultRuntime: string;
  readonly daemon: DaemonControl;
}

/** So that two comparisons can stand side by side. */
export interface EngineNames {
  readonly lab: string;
  readonly peer: string;
}

/** Starts both engines with the same images. @throws Error when the real one cannot run on this system. */
export function startEngines({ lab, peer }: EngineNames): { readonly real: Engine; readonly ours: Engine } {
  const realSocket = execFileSync("bash", ["test/oracle/real-docker.sh", "up", peer], { encoding: "utf8" }).trim();
  const { directory, socket } = labHost(lab, "m1");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "daemon.json"), JSON.stringify({ hosts: [`unix://${socket}`] }));
  execFileSync(process.execPath, ["bin/lab", "up", "--name", lab, "--managers", "1", "--workers", "0", "--empty"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ourHost = execFileSync(process.execPath, ["bin/lab", "host", "--name", lab, "m1"], { encoding: "utf8" }).trim();
  const ourSocket = ourHost.replace("unix://", "");
  const ourData = ourSocket.replace("shoal.sock", "data");
  const real: Engine = {
    name: "real",
    dockerHost: `unix://${realSocket}`,
    defaultRuntime: "runc",
    daemon: realDaemon(peer, { folder: dirname(realSocket), socket: realSocket }),
    literals: [
      [realSocket.replace("docker.sock", "data"), "<data>"],
      ["127.0.0.1", "<address>"],
      [realSocket, "<socket>"],
      [`"${peer}"`, '"<hostname>"'],
    ],
  };
  const ours: Engine = {
    name: "ours",
    dockerHost: ourHost,
    defaultRuntime: "crun",
    daemon: ourDaemon(lab, { folder: dirname(ourSocket), socket: ourSocket }),
    literals: [
      [ourData, "<data>"],
      ["10.99.0.11", "<address>"],
      ["127.0.0.1", "<address>"],
      [ourSocket, "<socket>"],
      ['"m1"', '"<hostname>"'],
    ],
  };
  const archive = busyboxArchive();
  for (const engine of [real, ours]) loadBusybox(engine, archive);
  rmSync(archive, { force: true });
  return { real, ours };
}

/** Takes both away; safe when they are gone. */
export function stopEngines({ lab, peer }: EngineNames): void {
  execFileSync("bash", ["test/oracle/real-docker.sh", "down", peer], { stdio: "ignore" });
  execFileSync(process.execPath, ["bin/lab", "down", "--name", lab], { stdio: "ignore" });
}

function loadBusybox({ dockerHost }: Engine, archive: string): void {
  const changes = ["--change", 'CMD ["sh"]', "--change", "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];
  execFileSync("docker", ["import", ...changes, archive, "busybox:latest"], {
    env: { ...process.env, DOCKER_HOST: dockerHost },
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** A root file system of the system's static busybox, as a tar. */
function busyboxArchive(): string {
  const root = mkdtempSync(join(tmpdir(), "shoal-oracle-"));
  for (const name of ["bin", "etc", "tmp", "root", "proc", "sys", "dev", "home"]) mkdirSync(join(root, name));
  copyFileSync("/usr/bin/busybox", join(root, "bin/busybox"));
  const applets = execFileSync("/usr/bin/busybox", ["--list"], { encoding: "utf8" })
    .split("\n")
    .filter(name => name !== "" && name !== "busybox");
  for (const applet of applets) symlinkSync("busybox", join(root, "bin", applet));
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\nnogroup:x:65534:\n");
  const archive = `${root}.tar`;
  execFileSync("tar", [
    "--create",
    "--file",
    archive,
    "--directory",
    root,
    "--owner=0",
    "--group=0",
    "--mtime=@0",
    "--sort=name",
    ".",
  ]);
  rmSync(root, { recursive: true, force: true });
  return archive;
}
