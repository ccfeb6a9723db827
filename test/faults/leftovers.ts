import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cgroupDirectories, cgroupRoots, hostProcesses } from "../../deploy/lab/processes.ts";
import type { FaultHost } from "./fault-host.ts";
import { askOwners, imageRootsOf, type Owners } from "./owners.ts";
import { strayFiles } from "./stray-files.ts";

/** Namespaces that the daemon keeps ready. */
const READY_NAMESPACES = 2;
const SETTLE_MS = 8_000;
const PAUSE_MS = 50;

/** What is on the host and belongs to nothing that the daemon knows, one line each; and what should be there and is not. */
export async function leftovers(host: FaultHost): Promise<readonly string[]> {
  const owners = await askOwners(host.socket);
  return [
    ...strayProcesses(host, owners),
    ...strayMounts(host, owners),
    ...strayDevices(host, owners),
    ...strayRules(host, owners),
    ...strayCgroups(host, owners),
    ...strayFiles(host, owners),
    ...strayVolumes(owners),
  ];
}

/** Ends of containers are tidied up behind the user's back: what is left after a while is left for good. */
export async function settledLeftovers(host: FaultHost): Promise<readonly string[]> {
  const deadlineMs = performance.now() + SETTLE_MS;
  for (;;) {
    const found = await leftovers(host);
    if (found.length === 0 || performance.now() > deadlineMs) return found;
    await new Promise(resolve => setTimeout(resolve, PAUSE_MS));
  }
}

/** Anonymous ones go with the container that they were made for. */
function strayVolumes({ volumes, usedVolumes }: Owners): readonly string[] {
  return [...volumes].filter(name => /^[0-9a-f]{64}$/.test(name) && !usedVolumes.has(name)).map(name => `volume ${name}`);
}

function strayProcesses(host: FaultHost, { running }: Owners): readonly string[] {
  const conmons = new Map<string, number>();
  const stray = hostProcesses(host.lab, host.holderPid).flatMap(pid => {
    if (pid === host.holderPid || isBelow(pid, host.daemonPid)) return [];
    const command = readText(`/proc/${pid}/cmdline`).split("\0");
    const text = command.join(" ").trim();
    if (text === "") return []; // Ended, and not collected yet.
    const owner =
      /\/containers\/([0-9a-f]{64})/.exec(readText(`/proc/${pid}/cgroup`))?.[1] ?? command.find(word => running.has(word));
    if (owner === undefined || !running.has(owner)) return [`process ${pid} ${text}`];
    if (command[0]?.endsWith("conmon") === true && !command.includes("-e")) conmons.set(owner, (conmons.get(owner) ?? 0) + 1);
    return [];
  });
  const counts = [...running.keys()].filter(id => conmons.get(id) !== 1);
  const lying = [...running.values()].filter(({ State, Id }) => State.Paused !== isFrozen(host, Id));
  return [
    ...stray,
    ...counts.map(id => `process ${conmons.get(id) ?? 0} conmons of ${id}`),
    ...lying.map(({ Id, State }) => `process of ${Id} is ${State.Paused ? "not " : ""}frozen`),
  ];
}

function isFrozen({ lab }: FaultHost, id: string): boolean {
  const [v1, v2] = [`/sys/fs/cgroup/freezer${lab.cgroup}`, `/sys/fs/cgroup${lab.cgroup}`];
  return (
    /FROZEN|FREEZING/.test(readText(`${v1}/containers/${id}/freezer.state`)) ||
    readText(`${v2}/containers/${id}/cgroup.freeze`).trim() === "1"
  );
}

function isBelow(pid: number, ancestor: number): boolean {
  for (let current = pid; current > 1; ) {
    if (current === ancestor) return true;
    const stat = readText(`/proc/${current}/stat`);
    current = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? 0);
  }
  return false;
}

function strayMounts(host: FaultHost, { running }: Owners): readonly string[] {
  const points = readText(`/proc/${host.holderPid}/mountinfo`)
    .split("\n")
    .map(line => line.split(" ")[4] ?? "")
    .filter(point => point.startsWith(`${host.lab.directory}/data/`) || point.startsWith("/run/shoal"));
  const containers = [...running.values()];
  const wanted = [
    ...containers
      .flatMap(container => [container.Id, ...imageRootsOf(container)])
      .map(id => `${host.lab.directory}/data/images/containers/${id}/merged`),
    ...containers.map(({ NetworkSettings }) => NetworkSettings.SandboxKey).filter(Boolean),
    ...containers
      .filter(({ HostConfig }) => HostConfig.IpcMode === "shareable")
      .map(({ Id }) => `/run/shoal/containers/${Id}/mounts/shm`),
  ];
  const volumes = new Set(containers.flatMap(({ Mounts }) => Mounts.map(({ Name = "" }) => Name)));
  const unknown = points.filter(
    point => !wanted.includes(point) && !volumes.has(/volumes\/([^/]+)\/_data$/.exec(point)?.[1] ?? "-"),
  );
  const ready = unknown.filter(point => point.startsWith("/run/shoal/netns/"));
  return [
    ...unknown.filter(point => !ready.includes(point)).map(point => `mount ${point}`),
    ...ready.slice(READY_NAMESPACES).map(point => `network namespace ${point}`),
    ...points.filter((point, index) => points.indexOf(point) !== index).map(point => `mount twice ${point}`),
    ...wanted.filter(point => !points.includes(point)).map(point => `mount missing ${point}`),
  ];
}

function strayDevices(host: FaultHost, { running, networks }: Owners): readonly string[] {
  const names = host
    .inNetwork("ip", "-o", "link")
    .split("\n")
    .map(line => /^\d+: ([^:@]+)/.exec(line)?.[1] ?? "")
    .filter(name => name !== "" && name !== "lo" && name !== "eth0");
  const endpoints = [...running.values()].flatMap(({ NetworkSettings }) => Object.values(NetworkSettings.Networks));
  const wanted = [
    ...[...networks.values()].map(({ bridge }) => bridge),
    ...endpoints.filter(({ IPAddress }) => IPAddress !== "").map(({ EndpointID }) => `veth${EndpointID.slice(0, 11)}`),
  ];
  return [
    ...names.filter(name => !wanted.includes(name)).map(name => `${name.startsWith("veth") ? "veth" : "device"} ${name}`),
    ...wanted.filter(name => !names.includes(name)).map(name => `device missing ${name}`),
  ];
}

function strayRules(host: FaultHost, { running, networks }: Owners): readonly string[] {
  const rules = host
    .inNetwork("iptables-save")
    .split("\n")
    .filter(line => line.startsWith("-A"));
  const bridges = new Set([...[...networks.values()].map(({ bridge }) => bridge), "docker_gwbridge", "lo", "ing0"]);
  const subnets = [...networks.values()].flatMap(({ subnets }) => subnets);
  const published = [...running.values()].flatMap(({ NetworkSettings: { Ports, Networks } }) =>
    Object.entries(Ports).flatMap(([port, hostPorts]) =>
      (hostPorts ?? []).map(({ HostPort }) => ({
        HostPort,
        targets: Object.values(Networks).map(({ IPAddress }) => `${IPAddress}:${port.split("/")[0] ?? ""}`),
      })),
    ),
  );
  const isOwned = (rule: string): boolean => {
    const [, target] = /--to-destination (\S+)/.exec(rule) ?? [];
    if (target !== undefined)
      return published.some(({ targets, HostPort }) => targets.includes(target) && rule.includes(`--dport ${HostPort} `));
    const devices = [...rule.matchAll(/ -[io] (\S+)/g)].map(([, name = ""]) => name);
    const addresses = [...rule.matchAll(/ -[sd] (\S+)/g)].map(([, address = ""]) => address);
    return (
      devices.every(name => bridges.has(name)) &&
      addresses.every(address => address.startsWith("127.") || isWithin(address, subnets))
    );
  };
  const missing = published.filter(({ HostPort, targets }) => {
    const isThere = (rule: string) => rule.includes(`--dport ${HostPort} `) && targets.some(target => rule.endsWith(target));
    return !rules.some(isThere);
  });
  return [
    ...rules.filter(rule => !isOwned(rule)).map(rule => `rule ${rule}`),
    ...rules.filter((rule, index) => rules.indexOf(rule) !== index).map(rule => `rule twice ${rule}`),
    ...missing.map(({ HostPort }) => `rule missing for port ${HostPort}`),
  ];
}

/** Subnets of these tests are whole /16s, as the default pools' first ones are. */
function isWithin(address: string, subnets: readonly string[]): boolean {
  return subnets.some(subnet => subnet.split(".").slice(0, 2).join(".") === address.split(".").slice(0, 2).join("."));
}

function strayCgroups(host: FaultHost, { running }: Owners): readonly string[] {
  const own = cgroupRoots().flatMap(root =>
    ["", "/daemon", "/containers", "/containers/conmon"].map(name => join(root, host.lab.cgroup) + name),
  );
  return [...cgroupDirectories(host.lab.cgroup)]
    .filter(path => !own.includes(path) && !running.has(/\/containers\/([^/]+)/.exec(path)?.[1] ?? ""))
    .map(path => `cgroup ${path}`);
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // Processes come and go while we look.
  }
}
