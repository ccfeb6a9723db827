import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { type LabHost, PREFIX_LENGTH, switchNamespace } from "./paths.ts";

export function run(file: string, args: readonly string[]): string {
  return execFileSync(file, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function namespaceExists(name: string): boolean {
  return existsSync(`/run/netns/${name}`);
}

export function createSwitch(lab: string): void {
  const namespace = switchNamespace(lab);
  if (namespaceExists(namespace)) return;
  run("ip", ["netns", "add", namespace]);
  run("ip", ["-n", namespace, "link", "add", "br0", "type", "bridge"]);
  run("ip", ["-n", namespace, "link", "set", "br0", "up"]);
  run("ip", ["-n", namespace, "link", "set", "lo", "up"]);
}

/** The host's namespace with `eth0` plugged into the switch. */
export function plugIn(host: LabHost): void {
  if (namespaceExists(host.namespace)) return;
  const port = portName(host);
  const switchName = switchNamespace(host.lab);
  run("ip", ["netns", "add", host.namespace]);
  run("ip", ["-n", switchName, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", host.namespace]);
  run("ip", ["-n", switchName, "link", "set", port, "master", "br0", "up"]);
  run("ip", ["-n", host.namespace, "link", "set", "lo", "up"]);
  run("ip", ["-n", host.namespace, "address", "add", `${host.address}/${PREFIX_LENGTH}`, "dev", "eth0"]);
  run("ip", ["-n", host.namespace, "link", "set", "eth0", "up"]);
}

export function isPluggedIn(host: LabHost): boolean {
  return namespaceExists(host.namespace);
}

/** Takes the host's namespace away with everything in it; no error when it is gone. */
export function unplug(host: LabHost): void {
  if (namespaceExists(host.namespace)) {
    try {
      run("ip", ["-n", switchNamespace(host.lab), "link", "delete", portName(host)]);
    } catch {
      // The port goes with its other end.
    }
    run("ip", ["netns", "delete", host.namespace]);
  }
}

/** Cuts the cable, or puts it back: the host notices nothing but silence. */
export function setCable(host: LabHost, state: "up" | "down"): void {
  run("ip", ["-n", switchNamespace(host.lab), "link", "set", portName(host), state]);
}

export function isCableCut(host: LabHost): boolean {
  const [, flags = ""] =
    /<([^>]*)>/.exec(run("ip", ["-n", switchNamespace(host.lab), "-o", "link", "show", portName(host)])) ?? [];
  return !flags.split(",").includes("UP");
}

/** The switch passes none of the host's packets on, or all again; its neighbours still find it, as behind a firewall or a router. */
export function setSilence(host: LabHost, isSilent: boolean): void {
  const table = silenceTable(host);
  const port = portName(host);
  const nft = (commands: string): string => run("ip", ["netns", "exec", switchNamespace(host.lab), "nft", commands]);
  if (!isSilent) {
    if (isSilenced(host)) nft(`delete table ${table}`);
    return;
  }
  const rules = ["iifname", "oifname"].map(side => `add rule ${table} forward ${side} "${port}" ether type { ip, ip6 } drop`);
  nft([`add table ${table}`, `add chain ${table} forward { type filter hook forward priority 0; }`, ...rules].join("; "));
}

export function isSilenced(host: LabHost): boolean {
  const tables = run("ip", ["netns", "exec", switchNamespace(host.lab), "nft", "list", "tables", "bridge"]);
  return tables.split("\n").includes(`table ${silenceTable(host)}`);
}

function silenceTable(host: LabHost): string {
  return `bridge silent-${host.name}`;
}

export function deleteSwitch(lab: string): void {
  if (namespaceExists(switchNamespace(lab))) run("ip", ["netns", "delete", switchNamespace(lab)]);
}

function portName(host: LabHost): string {
  return `port-${host.name}`;
}
