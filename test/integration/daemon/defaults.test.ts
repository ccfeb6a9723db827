import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { importBusybox, ok } from "../lab/lab.ts";
import { OwnDaemon } from "./own-daemon.ts";

const run = promisify(execFile);
const SETTINGS = {
  bip: "10.77.0.1/24",
  "fixed-cidr": "10.77.0.128/25",
  mtu: 1400,
  icc: false,
  ip: "127.0.0.1",
  dns: ["10.1.1.1"],
  "dns-search": ["x.example"],
  "dns-opts": ["ndots:3"],
  ipv6: true,
  "fixed-cidr-v6": "fd00:77::/64",
  "host-gateway-ips": ["10.9.9.9", "fd00:9::9"],
  "default-address-pools": [
    { base: "10.88.0.0/16", size: 24 },
    { base: "fd00:88::/48", size: 64 },
  ],
  "default-network-opts": { bridge: { "com.docker.network.driver.mtu": "1334" } },
  "default-ulimits": { nofile: { Name: "nofile", Soft: 100, Hard: 200 } },
  "default-shm-size": "32m",
  "default-ipc-mode": "shareable",
  "default-stop-timeout": 0,
  init: true,
  "no-new-privileges": true,
  "seccomp-profile": "unconfined",
  "log-driver": "local",
  "log-opts": { "max-size": "1m" },
  labels: ["a=b"],
};

interface ContainerJson {
  readonly HostConfig: {
    readonly ShmSize: number;
    readonly IpcMode: string;
    readonly LogConfig: { readonly Type: string; readonly Config: Record<string, string> };
    readonly Ulimits: unknown;
  };
  readonly NetworkSettings: { readonly Ports: Record<string, readonly { readonly HostIp: string }[]> };
  readonly State: { readonly ExitCode: number };
}
interface NetworkJson {
  readonly IPAM: { readonly Config: unknown };
  readonly Options: Record<string, string>;
}

describe("what daemon.json says of containers and networks", function () {
  this.timeout(60_000);
  let daemon: OwnDaemon;
  before(async () => {
    daemon = new OwnDaemon();
    daemon.writeConfig({});
    const flags = ["--config-file", daemon.configPath];
    await daemon.start({ flags }); // The default bridge is made once, by the settings of then.
    const { networkNamespace } = await daemon.holdNetwork();
    await daemon.stop();
    daemon.writeConfig(SETTINGS);
    await daemon.start({ flags, networkNamespace });
    await importBusybox([daemon.host]);
  });
  after(async () => daemon?.[Symbol.asyncDispose]());

  const inspect = (id: string) => ok<ContainerJson>(daemon.host, "GET", `/containers/${id}/json`);
  async function start(body: object): Promise<string> {
    const { Id } = await ok<{ Id: string }>(daemon.host, "POST", "/containers/create", { Image: "busybox", ...body });
    await ok(daemon.host, "POST", `/containers/${Id}/start`);
    return Id;
  }
  const inside = async (pid: number, command: string) =>
    (await run("nsenter", ["--target", String(pid), "--net", "--mount", "--pid", "/bin/sh", "-c", command])).stdout;

  it("holds for a container that says nothing itself", async () => {
    const id = await start({
      Cmd: ["sleep", "1000"],
      ExposedPorts: { "80/tcp": {} },
      HostConfig: { PublishAllPorts: true, ExtraHosts: ["h:host-gateway"] },
    });
    const { HostConfig, NetworkSettings } = await inspect(id);
    assert.deepEqual(
      [HostConfig.ShmSize, HostConfig.IpcMode, HostConfig.LogConfig.Type, HostConfig.LogConfig.Config["max-size"]],
      [32 * 1024 * 1024, "shareable", "local", "1m"],
    );
    assert.deepEqual(
      NetworkSettings.Ports["80/tcp"]?.map(({ HostIp }) => HostIp),
      ["127.0.0.1"],
    );
    const { State } = await ok<{ State: { Pid: number } }>(daemon.host, "GET", `/containers/${id}/json`);
    const seen = await inside(
      State.Pid,
      "grep -E '^(NoNewPrivs|Seccomp):' /proc/1/status; grep 'open files' /proc/1/limits; tr '\\0' ' ' </proc/1/cmdline; echo; cat /etc/resolv.conf /etc/hosts; ip address show eth0",
    );
    assert.match(seen, /NoNewPrivs:\t1\nSeccomp:\t0\nMax open files +100 +200 /);
    assert.match(seen, /\n\/sbin\/docker-init -- sleep 1000 \n/);
    assert.match(seen, /nameserver 10\.1\.1\.1\nsearch x\.example\noptions ndots:3\n/);
    assert.match(seen, /\n10\.9\.9\.9\th\nfd00:9::9\th\n/);
    assert.match(seen, /inet6 fd00:77::2\/64 /);
    assert.match(seen, /mtu 1400 [^]*inet 10\.77\.0\.1(2[89]|[3-9]\d)\/24/);
    const startedMs = performance.now();
    await ok(daemon.host, "POST", `/containers/${id}/stop`);
    assert.ok(performance.now() - startedMs < 4_000, "the stop timeout is 0");
    await ok(daemon.host, "DELETE", `/containers/${id}`);
  });

  it("gives way to what a container says", async () => {
    const id = await start({
      Cmd: [
        "sh",
        "-c",
        "grep -q 'NoNewPrivs:.0' /proc/self/status && grep -q 'open files *300 *400' /proc/self/limits && test $$ = 1",
      ],
      HostConfig: {
        Init: false,
        Ulimits: [{ Name: "nofile", Soft: 300, Hard: 400 }],
        SecurityOpt: ["no-new-privileges=false"],
        LogConfig: { Type: "json-file", Config: {} },
        IpcMode: "private",
        ShmSize: 4096,
        NetworkMode: "none",
      },
    });
    const { StatusCode } = await ok<{ StatusCode: number }>(daemon.host, "POST", `/containers/${id}/wait`);
    assert.equal(StatusCode, 0);
    const { HostConfig } = await inspect(id);
    assert.deepEqual(
      [HostConfig.ShmSize, HostConfig.IpcMode, HostConfig.LogConfig],
      [4096, "private", { Type: "json-file", Config: {} }],
    );
  });

  it("shapes the default bridge, made by other settings before, and new networks", async () => {
    const bridge = await ok<NetworkJson>(daemon.host, "GET", "/networks/bridge");
    assert.deepEqual(bridge.IPAM.Config, [
      { Subnet: "10.77.0.0/24", IPRange: "10.77.0.128/25", Gateway: "10.77.0.1" },
      { Subnet: "fd00:77::/64", IPRange: "fd00:77::/64", Gateway: "fd00:77::1" },
    ]);
    assert.deepEqual(
      ["bridge.enable_icc", "driver.mtu", "bridge.host_binding_ipv4"].map(name => bridge.Options[`com.docker.network.${name}`]),
      ["false", "1400", "127.0.0.1"],
    );
    const { stdout } = await run("nsenter", [
      `--net=/proc/${daemon.pid}/ns/net`,
      "sh",
      "-c",
      "ip -brief -4 address show docker0; iptables -S DOCKER-FORWARD",
    ]);
    assert.match(stdout, /^docker0 +\S+ +10\.77\.0\.1\/24 *\n/);
    assert.match(stdout, /-i docker0 -o docker0 -j DROP/);
    await ok(daemon.host, "POST", "/networks/create", { Name: "own", EnableIPv6: true });
    const own = await ok<NetworkJson>(daemon.host, "GET", "/networks/own");
    assert.deepEqual(own.IPAM.Config, [
      { Subnet: "10.88.0.0/24", Gateway: "10.88.0.1" },
      { Subnet: "fd00:88::/64", Gateway: "fd00:88::1" },
    ]);
    assert.equal(own.Options["com.docker.network.driver.mtu"], "1334");
  });

  it("leaves a bridge as it is while a container runs on it", async () => {
    const id = await start({ Cmd: ["sleep", "1000"] });
    const { networkNamespace } = await daemon.holdNetwork();
    await daemon.stop();
    daemon.writeConfig({ bip: "10.78.0.1/24" });
    await daemon.start({ flags: ["--config-file", daemon.configPath], networkNamespace });
    assert.equal(daemon.logged("containers run on it: its settings change at a start without them").length, 1);
    const { IPAM } = await ok<NetworkJson>(daemon.host, "GET", "/networks/bridge");
    assert.match(JSON.stringify(IPAM.Config), /10\.77\.0\.0\/24/);
    await ok(daemon.host, "DELETE", `/containers/${id}?force=1`);
  });
});
