import { type Case, GONE, shows } from "../case.ts";
import type { ContainerBody } from "../stage.ts";

/** One with something in most of what is told of a container. */
function elaborate(name: string): ContainerBody {
  return {
    Hostname: "box",
    User: "root",
    Env: ["A=1"],
    Labels: { one: "1" },
    WorkingDir: "/tmp",
    StopSignal: "SIGTERM",
    StopTimeout: 3,
    ExposedPorts: { "80/tcp": {}, "81/udp": {} },
    Volumes: { "/anonymous": {} },
    Healthcheck: { Test: ["CMD", "true"], Interval: 1_000_000_000, Timeout: 1_000_000_000, Retries: 2 },
    HostConfig: {
      NetworkMode: "bridge",
      PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }] },
      Binds: ["/tmp:/bound:ro", `${name}:/named`],
      Tmpfs: { "/scratch": "size=1m" },
      Mounts: [{ Type: "tmpfs", Target: "/mounted", TmpfsOptions: { SizeBytes: 1 << 20 } }],
      CapAdd: ["NET_ADMIN"],
      CapDrop: ["MKNOD"],
      Dns: ["10.1.2.3"],
      ExtraHosts: ["other:10.1.2.4"],
      GroupAdd: ["1"],
      SecurityOpt: ["no-new-privileges"],
      Sysctls: { "net.ipv4.ip_forward": "1" },
      Ulimits: [{ Name: "nofile", Soft: 100, Hard: 200 }],
      Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/nothing", CgroupPermissions: "rwm" }],
      LogConfig: { Type: "json-file", Config: { "max-size": "1m" } },
      RestartPolicy: { Name: "on-failure", MaximumRetryCount: 2 },
      Memory: 64 << 20,
      PidsLimit: 50,
      Init: true,
    },
  };
}

const ALL = { all: "1" };
const only = (name: string) => JSON.stringify({ name: [`^/${name}$`] });

/** Operations that only look. */
export const CONTAINER_READ_CASES: readonly Case[] = [
  shows("ContainerList", 200, "there are some in several states", async s => {
    const running = await s.running({ Labels: { of: s.prefix } });
    await s.need("ContainerPause", { id: await s.running({ Labels: { of: s.prefix } }) });
    await s.ended({ Labels: { of: s.prefix }, HostConfig: { Annotations: { a: "1" } } });
    return s.call({}, { query: { ...ALL, size: "1", filters: JSON.stringify({ label: [`of=${s.prefix}`] }), of: running } });
  }),
  shows("ContainerList", 200, "one has ports, mounts and a health check", async s => {
    const id = await s.running(elaborate(s.newName()));
    return s.call({}, { query: { filters: only(id) } });
  }),
  shows("ContainerList", 400, "a filter is unknown", s => s.call({}, { query: { filters: JSON.stringify({ nothing: ["x"] }) } })),

  shows("ContainerInspect", 200, "it runs and has much of everything", async s => {
    const volume = s.newName();
    s.later("VolumeDelete", { name: volume });
    return s.call({ id: await s.running(elaborate(volume)) });
  }),
  shows("ContainerInspect", 200, "it was created with nothing said", async s => s.call({ id: await s.created() })),
  shows("ContainerInspect", 200, "it has ended and its size is asked for", async s =>
    s.call({ id: await s.ended({ Tty: true }) }, { query: { size: "1" } }),
  ),
  shows("ContainerInspect", 200, "it is in a network of its own", async s => {
    const network = s.newName();
    await s.need("NetworkCreate", {}, { body: { Name: network, IPAM: { Config: [{ Subnet: "10.213.0.0/24" }] } } });
    s.later("NetworkDelete", { id: network });
    const endpoint = { IPAMConfig: { IPv4Address: "10.213.0.9" }, Aliases: ["other"] };
    return s.call({
      id: await s.running({
        HostConfig: { NetworkMode: network },
        NetworkingConfig: { EndpointsConfig: { [network]: endpoint } },
      }),
    });
  }),
  shows("ContainerInspect", 404, "there is no such container", s => s.call(GONE)),

  shows("ContainerTop", 200, "it runs", async s => s.call({ id: await s.common.running() })),
  shows("ContainerTop", 404, "there is no such container", s => s.call(GONE)),

  shows("ContainerLogs", 200, "it has said something", async s =>
    s.call({ id: await s.common.ended() }, { query: { stdout: "1", stderr: "1" } }),
  ),
  shows("ContainerLogs", 200, "it has a terminal", async s =>
    s.call({ id: await s.common.ended({ Tty: true }) }, { query: { stdout: "1" } }),
  ),
  shows("ContainerLogs", 404, "there is no such container", s => s.call(GONE, { query: { stdout: "1" } })),

  shows("ContainerChanges", 200, "something was changed", async s =>
    s.call({ id: await s.ended({ Cmd: ["sh", "-c", "echo 1 >/tmp/new; rm /etc/group; echo 2 >>/etc/passwd"] }) }),
  ),
  shows("ContainerChanges", 200, "nothing was changed", async s => s.call({ id: await s.created() })),
  shows("ContainerChanges", 404, "there is no such container", s => s.call(GONE)),

  shows("ContainerExport", 200, "it was created", async s => s.call({ id: await s.created() })),
  shows("ContainerExport", 404, "there is no such container", s => s.call(GONE)),

  shows("ContainerStats", 200, "one is asked for at once", async s =>
    s.call({ id: await s.common.onBridge() }, { query: { stream: "0", "one-shot": "1" } }),
  ),
  shows("ContainerStats", 200, "two are followed", async s =>
    s.call({ id: await s.common.running() }, { isEnough: body => body.toString().split("\n").length > 2 }),
  ),
  shows("ContainerStats", 200, "it does not run", async s => s.call({ id: await s.created() }, { query: { stream: "0" } })),
  shows("ContainerStats", 404, "there is no such container", s => s.call(GONE, { query: { stream: "0" } })),

  ...(["ContainerArchiveInfo", "ContainerArchive"] as const).flatMap(operation => [
    shows(operation, 200, "the file is there", async s => s.call({ id: await s.created() }, { query: { path: "/etc/passwd" } })),
    shows(operation, 400, "no path is said", async s => s.call({ id: await s.created() })),
    shows(operation, 404, "there is no such file", async s => s.call({ id: await s.created() }, { query: { path: "/nothing" } })),
    shows(operation, 404, "there is no such container", s => s.call(GONE, { query: { path: "/etc" } })),
  ]),
];
