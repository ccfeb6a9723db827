import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { encodeMember, TAR_END } from "../../../src/lib/tar/writer.ts";
import { readTar } from "../../../src/lib/tar/reader.ts";
import { OwnDaemon } from "../daemon/own-daemon.ts";
import { ask, busyboxTree, exec, importImage, runContainer, send, startContainer } from "../security/world.ts";
import { skip } from "../../skip.ts";
import { whyNotHere } from "./lab.ts";

const run = promisify(execFile);
const START = 1_000_000;
const IN_IMAGE = "mkdir -p data; echo theirs >data/file; chown -R 12:34 data; mkdir tmp/open; chmod 1777 tmp/open";

/** As a shell's word. */
const sh = (script: string) => ({ Cmd: ["sh", "-c", script] });
const ownerOf = (path: string): string => {
  const { uid, gid } = statSync(path);
  return `${uid - START}:${gid - START}`;
};

describe("containers whose ids are mapped", function () {
  this.timeout(60_000);
  const daemon = new OwnDaemon();
  const { host } = daemon;
  const etc = join(daemon.directory, "etc");
  let network: { readonly networkNamespace: string } | undefined;
  const start = (user: string) =>
    daemon.start({
      flags: ["--userns-remap", user],
      // Its accounts are its own: nothing is written to this machine's.
      before: ["unshare", "--mount", "sh", "-c", 'mount -t overlay overlay -o "$0" /etc; exec "$@"', overlay(etc)],
      ...network,
    });
  const rootOf = (): string => join(daemon.dataRoot, `${START}.${START}`);

  before(async function () {
    const reason = whyNotHere();
    if (reason !== undefined) return skip(this, reason);
    chmodSync(daemon.directory, 0o711);
    for (const name of ["upper", "work"]) mkdirSync(join(etc, name), { recursive: true });
    for (const kind of ["subuid", "subgid"]) writeFileSync(join(etc, "upper", kind), `before:100000:${START - 100_000}\n`);
    for (const kind of ["passwd", "group", "shadow", "gshadow"]) {
      const kept = readFileSync(`/etc/${kind}`, "utf8").replaceAll(/^dockremap:.*\n/gm, "");
      writeFileSync(join(etc, "upper", kind), kept, { mode: kind.includes("shadow") ? 0o640 : 0o644 });
    }
    await start("default");
    await importImage(host, { name: "busybox", archive: await withOwners(IN_IMAGE) });
  });
  after(() => daemon[Symbol.asyncDispose]());

  it("are those of a user that the daemon makes, beside other users' ids", () => {
    const line = `dockremap:${START}:65536\n`;
    for (const kind of ["subuid", "subgid"]) {
      assert.equal(readFileSync(join(etc, "upper", kind), "utf8"), `before:100000:${START - 100_000}\n${line}`);
    }
    assert.match(readFileSync(join(etc, "upper", "passwd"), "utf8"), /^dockremap:x:\d+:\d+:/m);
    const { mode, uid, gid } = statSync(rootOf());
    assert.deepEqual([mode & 0o777, uid, gid], [0o710, 0, START]);
  });

  it("are shown by info", async () => {
    const info = await ask<{ SecurityOptions: string[]; DockerRootDir: string }>(host, "GET /info");
    assert.ok(info.SecurityOptions.includes("name=userns"), String(info.SecurityOptions));
    assert.equal(info.DockerRootDir, rootOf());
  });

  it("are root's inside, over files, a network and mounts of their own", async () => {
    const script = `set -e
      id -u; cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '; stat -c '%n %u:%g' / /etc/hosts /data /data/file /proc/1 /dev/shm
      echo opened >/dev/stdout
      ip link add name x type bridge && ip link set x up && echo device
      ping -c 1 -W 2 127.0.0.1 >/dev/null && echo ping
      cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ip_forward
      mount -t tmpfs tmpfs /mnt 2>/dev/null || echo no mount
      mount | grep -c ' /sys type sysfs (ro'
      touch /new && chown 7:8 /new && stat -c '%u:%g' /new`;
    const HostConfig = { CapAdd: ["NET_ADMIN"], Sysctls: { "net.ipv4.ip_forward": "1" } };
    const { output, exitCode } = await runContainer(host, { ...sh(script), HostConfig });
    const map = `0 ${START} 65536`;
    assert.deepEqual(
      [exitCode, output.split("\n").map(line => line.trim())],
      [
        0,
        [
          "0",
          map,
          map,
          "/ 0:0",
          "/etc/hosts 0:0",
          "/data 12:34",
          "/data/file 12:34",
          "/proc/1 0:0",
          "/dev/shm 0:0",
          "opened",
          "device",
          "ping",
          "0",
          "1",
          "no mount",
          "1",
          "7:8",
          "",
        ],
      ],
    );
  });

  it("are the host's with --userns host, and what needs its root is refused without", async () => {
    const host0 = await runContainer(host, {
      ...sh("cat /proc/self/uid_map"),
      HostConfig: { UsernsMode: "host", Privileged: true },
    });
    assert.match(host0.output, /^\s*0\s+0\s+4294967295\s*$/);
    const refused = await runContainer(host, { ...sh("true"), HostConfig: { Privileged: true } });
    assert.match(
      refused.output,
      /privileged mode is incompatible with user namespaces\. {2}You must run the container in the host/,
    );
  });

  it("own nothing of the host's", async () => {
    const shared = join(daemon.directory, "shared");
    mkdirSync(shared, { mode: 0o755 });
    writeFileSync(join(shared, "secret"), "secret", { mode: 0o600 });
    const script = `exec 2>&1; cat /shared/secret; echo x >>/shared/secret; touch /shared/new; chown 0:0 /shared/secret; mknod /tmp/null c 1 3
      echo 1 >/proc/sys/kernel/panic; kill -0 1 && echo mine; stat -c '%u:%g %a' /shared/secret`;
    const HostConfig = {
      Binds: [`${shared}:/shared`],
      CapAdd: ["ALL"],
      SecurityOpt: ["seccomp=unconfined", "systempaths=unconfined"],
    };
    const { output } = await runContainer(host, { ...sh(script), HostConfig });
    assert.deepEqual(
      output.match(/Permission denied|not permitted|mine|65534:65534 600/g),
      [
        "Permission denied",
        "Permission denied",
        "Permission denied",
        "not permitted",
        "not permitted",
        "Permission denied",
        "mine",
        "65534:65534 600",
      ],
      output,
    );
    assert.equal(readFileSync(join(shared, "secret"), "utf8"), "secret");
    const { uid, gid, mode } = statSync("/dev/null"); // What their standard streams are without a terminal or input.
    assert.deepEqual([uid, gid, mode & 0o777], [0, 0, 0o666]);
  });

  it("are mapped back by cp, export and commit, and volumes and what cp brings are theirs", async () => {
    const HostConfig = { Binds: ["kept:/data"] };
    const id = await startContainer(host, { HostConfig }, "box");
    const entry = { mode: 0o600, uid: 3, gid: 4, mtimeSeconds: 5 } as const;
    const member = encodeMember({ ...entry, type: "file", path: Buffer.from("brought") }, Buffer.from("text"));
    const archive = Buffer.concat([member, TAR_END]);
    await ask(host, `PUT /containers/${id}/archive?path=/tmp`, { body: archive });
    const seen = await exec(host, id, sh("stat -c '%u:%g' /tmp/brought /data/file; echo opened >/dev/stdout"));
    assert.equal(seen.output, "3:4\n12:34\nopened\n");
    const upper = join(rootOf(), "images", "containers", id, "upper");
    assert.equal(ownerOf(join(upper, "tmp/brought")), "3:4");
    assert.equal(ownerOf(join(rootOf(), "volumes/kept/_data/file")), "12:34");
    await ask(host, "POST /commit?container=box&repo=made", { body: {} });
    const paths = { export: `GET /containers/${id}/export`, cp: `GET /containers/${id}/archive?path=/tmp/brought` };
    for (const [what, route] of Object.entries(paths)) {
      const { body } = await send(host, route);
      const found = await readTarMember(body, "brought");
      assert.deepEqual([what, found?.uid, found?.gid], [what, 3, 4]);
    }
    const made = await runContainer(host, { Image: "made", ...sh("stat -c '%u:%g' /tmp/brought") });
    assert.equal(made.output, "3:4\n");
  });

  it("are shared with the namespaces of another container", async () => {
    const HostConfig = { NetworkMode: "container:box", PidMode: "container:box" };
    const script =
      "readlink /proc/self/ns/user; readlink /proc/1/ns/user; ip link set lo up 2>&1; mount | grep -c ' /sys type sysfs'";
    const { output } = await runContainer(host, { ...sh(script), HostConfig: { ...HostConfig, CapAdd: ["NET_ADMIN"] } });
    const [own, other, ...rest] = output.split("\n");
    assert.deepEqual([own, rest], [other, ["1", ""]]);
    const ownNetwork = await runContainer(host, {
      ...sh("ip link set lo down && echo mine"),
      HostConfig: { PidMode: "container:box", CapAdd: ["NET_ADMIN"] },
    });
    assert.equal(ownNetwork.output, "mine\n");
  });

  it("stay when the daemon is stopped and started", async () => {
    network = await daemon.holdNetwork();
    await daemon.stop();
    await start("dockremap");
    const { output } = await exec(host, "box", sh("id -u; stat -c '%u:%g' /tmp/brought"));
    assert.equal(output, "0\n3:4\n");
    await ask(host, "POST /containers/box/restart?t=0");
    assert.equal((await exec(host, "box", sh("stat -c '%u:%g' /tmp/brought"))).output, "3:4\n");
  });
});

function overlay(directory: string): string {
  return `lowerdir=/etc,upperdir=${directory}/upper,workdir=${directory}/work`;
}

/** A tree with owners of its own. */
async function withOwners(script: string): Promise<Buffer> {
  const plain = await busyboxTree();
  const directory = (await run("mktemp", ["-d"])).stdout.trim();
  try {
    writeFileSync(join(directory, "plain.tar"), plain);
    mkdirSync(join(directory, "root"));
    chownSync(join(directory, "root"), 0, 0);
    await run("tar", ["-xf", join(directory, "plain.tar"), "-C", join(directory, "root")]);
    await run("sh", ["-ec", script], { cwd: join(directory, "root") });
    const { stdout } = await run("tar", ["-c", "-C", join(directory, "root"), "."], {
      encoding: "buffer",
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  } finally {
    await run("rm", ["-rf", directory]);
  }
}

async function readTarMember(archive: Buffer, name: string) {
  const source = (async function* () {
    yield archive;
  })();
  for await (const { entry } of readTar(source)) {
    if (entry.path.toString().endsWith(name)) return entry;
  }
  return undefined;
}
