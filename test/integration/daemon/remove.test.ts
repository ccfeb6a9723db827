import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { cgroupDirectories } from "../../../deploy/lab/processes.ts";
import { importBusybox, ok } from "../lab/lab.ts";
import { OwnDaemon } from "./own-daemon.ts";

const run = promisify(execFile);

describe("deploy/remove-engine.sh", function () {
  this.timeout(60_000);

  it("leaves nothing of an engine with running containers, networks, published ports and volumes", async () => {
    await using daemon = new OwnDaemon();
    const { directory, cgroup } = daemon;
    await daemon.start();
    const { networkNamespace } = await daemon.holdNetwork();
    const inside = async (...command: readonly string[]) => {
      const { stdout } = await run("nsenter", [`--net=${networkNamespace}`, ...command], {
        env: { ...process.env, ...variables },
      });
      return stdout;
    };
    const variables = {
      SHOAL_DATA_ROOT: daemon.dataRoot,
      SHOAL_EXEC_ROOT: join(directory, "run"),
      SHOAL_SOCKET: daemon.host.socket,
      SHOAL_PID_FILE: join(directory, "pid"),
      SHOAL_CGROUP: cgroup.slice(1),
    };
    await importBusybox([daemon.host]);
    await ok(daemon.host, "POST", "/networks/create", { Name: "own", EnableIPv6: true });
    for (const NetworkMode of ["bridge", "own"]) {
      const { Id } = await ok<{ Id: string }>(daemon.host, "POST", "/containers/create", {
        ...{ Image: "busybox", Cmd: ["sleep", "1000"], ExposedPorts: { "80/tcp": {} } },
        HostConfig: { NetworkMode, PublishAllPorts: true, Binds: ["kept:/kept"], RestartPolicy: { Name: "always" } },
      });
      await ok(daemon.host, "POST", `/containers/${Id}/start`);
    }
    assert.match(await inside("iptables-save"), /-j DNAT/);
    assert.match(await inside("ip6tables-save"), /-j DNAT/);
    assert.ok([...cgroupDirectories(cgroup)].length > 0);
    await inside("bash", "deploy/remove-engine.sh", "--purge");
    for (const program of ["iptables-save", "ip6tables-save"]) {
      assert.deepEqual(
        (await inside(program)).split("\n").filter(line => /^-A|^:(?!\w+ ACCEPT)/.test(line)),
        [],
      );
    }
    assert.deepEqual((await inside("ip", "-brief", "link")).trim().split("\n").length, 1); // lo
    assert.equal((await inside("cat", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding")).trim(), "0\n0");
    assert.deepEqual([...cgroupDirectories(cgroup)], []);
    assert.deepEqual([existsSync(daemon.dataRoot), existsSync(join(directory, "run"))], [false, false]);
    assert.ok(!readFileSync("/proc/self/mountinfo", "utf8").includes(directory));
    const left = readdirSync("/proc").filter(pid => /^\d+$/.test(pid) && commandOf(pid).includes(directory));
    assert.deepEqual(left.map(commandOf), []);
  });
});

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return ""; // It has ended.
  }
}
