import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { call, importBusybox, ok, until } from "../lab/lab.ts";
import { OwnDaemon } from "./own-daemon.ts";

/** Opens a socket at descriptor 3, says so in systemd's way and becomes the daemon. Arguments: path, command. */
const ACTIVATE = `use Socket; $^F = 255; my $path = shift; socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die; bind($s, sockaddr_un($path)) or die;
listen($s, 128) or die; die "descriptor" if fileno($s) != 3; $ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1; exec @ARGV;`;
/** Prints each message that comes to a datagram socket. Argument: its path. */
const LISTEN = `use Socket; $| = 1; socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, sockaddr_un(shift)) or die; print "listening\n";
while (defined recv($s, my $m, 4096, 0)) { $m =~ tr/\n/ /; print "$m\n" }`;

/** Empty for a descriptor that was closed meanwhile. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

describe("a daemon under a service manager", function () {
  this.timeout(60_000);

  it("says when it is ready, reloads and stops", async () => {
    await using daemon = new OwnDaemon();
    daemon.writeConfig({});
    const path = join(daemon.directory, "notify");
    const listener = spawn("perl", ["-e", LISTEN, path], { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    listener.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    try {
      await until("the listener is there", 5_000, async () => said === "listening\n");
      await daemon.start({ flags: ["--config-file", daemon.configPath], env: { NOTIFY_SOCKET: path } });
      await until("it is ready", 5_000, async () => said.endsWith("READY=1\n"));
      daemon.signal("SIGHUP");
      await until("it has reloaded", 5_000, async () => /RELOADING=1 MONOTONIC_USEC=\d+\nREADY=1\n$/.test(said));
      await daemon.stop();
      await until("it says that it stops", 5_000, async () => said.endsWith("STOPPING=1\n"));
    } finally {
      listener.kill();
    }
  });

  it("serves a socket that was opened for it, leaves it there, and gives it to no child", async () => {
    await using daemon = new OwnDaemon();
    const options = { hosts: ["fd://"], before: ["perl", "-e", ACTIVATE, daemon.host.socket] };
    await daemon.start(options);
    await importBusybox([daemon.host]);
    const inode = readlinkSync(`/proc/${daemon.pid}/fd/3`);
    assert.match(inode, /^socket:/);
    const body = { Image: "busybox", Cmd: ["sleep", "1000"], HostConfig: { NetworkMode: "none" } };
    const { Id } = await ok<{ Id: string }>(daemon.host, "POST", "/containers/create", body);
    await ok(daemon.host, "POST", `/containers/${Id}/start`);
    const { State } = await ok<{ State: { Pid: number } }>(daemon.host, "GET", `/containers/${Id}/json`);
    const conmon = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${State.Pid}/status`, "utf8"))?.[1]);
    for (const pid of [State.Pid, conmon]) {
      const held = readdirSync(`/proc/${pid}/fd`).map(fd => linkOf(`/proc/${pid}/fd/${fd}`));
      assert.ok(!held.includes(inode), `process ${pid} has the daemon's socket`);
    }
    await call(daemon.host, "DELETE", `/containers/${Id}?force=1`);
    await daemon.stop();
    assert.ok(existsSync(daemon.host.socket)); // The service manager's, who listens on.
  });

  it("does not start on sockets that nobody opened", async () => {
    await using daemon = new OwnDaemon();
    assert.equal(await daemon.launch({ hosts: ["fd://"] }), 1);
    assert.match(
      daemon.output,
      /^shoald: no sockets found via socket activation: make sure the service was started by systemd$/m,
    );
  });

  it("gives its socket to the group that is named, and nobody else", async () => {
    await using daemon = new OwnDaemon();
    const GID_OF_DAEMON = 1; // In every Debian.
    await daemon.start({ flags: ["--group", "daemon"] });
    const { gid, uid, mode } = statSync(daemon.host.socket);
    assert.deepEqual([uid, gid, mode & 0o777], [0, GID_OF_DAEMON, 0o660]);
  });

  it("gives it to the group docker when none is named, or to root's where the host lacks that one", async () => {
    await using daemon = new OwnDaemon();
    await daemon.start();
    const expected = Number(/^docker:[^:]*:(\d+):/m.exec(readFileSync("/etc/group", "utf8"))?.[1] ?? 0);
    assert.equal(statSync(daemon.host.socket).gid, expected);
  });

  it("does not start with a group that the host lacks", async () => {
    await using daemon = new OwnDaemon();
    assert.equal(await daemon.launch({ flags: ["--group", "no-such-group"] }), 1);
    assert.match(daemon.output, /group no-such-group not found/);
  });
});
