import type { Command } from "../command/command.ts";
import { type CliContext, CliError, field, type Json, list, number, text } from "../context.ts";
import { goJson } from "../../lib/template/template-functions.ts";
import { compileTemplate, TemplateFailure } from "../../lib/template/template.ts";
import { binarySize, humanDuration } from "../format/units.ts";
import { CLIENT } from "../version.ts";

export function registerInfo(program: Command, context: () => CliContext): void {
  for (const parent of [program, program.group("system", "Manage the daemon")]) {
    parent
      .command("info")
      .description("Show what the daemon says of itself")
      .option("-f, --format <string>", "How it is shown: json, a template")
      .action(async ({ format }: { format?: string }) => info(context(), format));
  }
}

async function info(cli: CliContext, format: string | undefined): Promise<void> {
  const client = { Version: CLIENT.version, Context: cli.contextName, Debug: false };
  if (format !== undefined) {
    const server = await cli.api.json("GET", "/info");
    const everything = { ...(server as object), ClientInfo: client };
    cli.stdout(`${format === "json" ? goJson(everything) : rendered(cli, format, everything)}\n`);
    return;
  }
  cli.stdout(
    `Client:\n Version:    ${client.Version}\n Context:    ${client.Context}\n Debug Mode: ${client.Debug}\n\nServer:\n`,
  );
  let server: Json;
  try {
    server = await cli.api.json("GET", "/info");
  } catch (error) {
    throw new CliError(`${error instanceof Error ? error.message : String(error)}`);
  }
  for (const line of infoLines(server)) cli.stdout(` ${line}\n`);
  cli.stdout("\n");
  for (const warning of list(server, "Warnings")) cli.stderr(`${text(warning)}\n`);
}

function rendered(cli: CliContext, format: string, everything: object): string {
  try {
    return compileTemplate(format)(everything);
  } catch (error) {
    if (!(error instanceof TemplateFailure)) throw error;
    if (error.phase === "execute") cli.stdout("\n");
    throw error.phase === "parse"
      ? new CliError(`template parsing error: template: ${error.message}`, 64)
      : new CliError(`template: ${error.message}`);
  }
}

/** The server's part, line by line; each names what it shows. */
export function infoLines(info: Json): readonly string[] {
  return [
    ...counts(info),
    `Server Version: ${text(info, "ServerVersion")}`,
    `Storage Driver: ${text(info, "Driver")}`,
    ...list(info, "DriverStatus").map(
      pair =>
        ` ${list(pair)
          .map(part => text(part))
          .join(": ")}`,
    ),
    `Logging Driver: ${text(info, "LoggingDriver")}`,
    `Cgroup Driver: ${text(info, "CgroupDriver")}`,
    `Cgroup Version: ${text(info, "CgroupVersion")}`,
    "Plugins:",
    ...["Volume", "Network", "Authorization", "Log"].flatMap(kind => pluginLine(info, kind)),
    ...swarmLines(info),
    ...runtimeLines(info),
    ...securityLines(info),
    `Kernel Version: ${text(info, "KernelVersion")}`,
    `Operating System: ${text(info, "OperatingSystem")}`,
    `OSType: ${text(info, "OSType")}`,
    `Architecture: ${text(info, "Architecture")}`,
    `CPUs: ${number(info, "NCPU")}`,
    `Total Memory: ${binarySize(number(info, "MemTotal"))}`,
    `Name: ${text(info, "Name")}`,
    `ID: ${text(info, "ID")}`,
    `Docker Root Dir: ${text(info, "DockerRootDir")}`,
    `Debug Mode: ${isOn(info, "Debug")}`,
    ...optional("HTTP Proxy", text(info, "HttpProxy")),
    ...optional("HTTPS Proxy", text(info, "HttpsProxy")),
    ...optional("No Proxy", text(info, "NoProxy")),
    ...labelLines(info),
    `Experimental: ${isOn(info, "ExperimentalBuild")}`,
    ...registryLines(info),
    `Live Restore Enabled: ${isOn(info, "LiveRestoreEnabled")}`,
    ...optional("Product License", text(info, "ProductLicense")),
  ];
}

function counts(info: Json): readonly string[] {
  return [
    `Containers: ${number(info, "Containers")}`,
    ` Running: ${number(info, "ContainersRunning")}`,
    ` Paused: ${number(info, "ContainersPaused")}`,
    ` Stopped: ${number(info, "ContainersStopped")}`,
    `Images: ${number(info, "Images")}`,
  ];
}

function pluginLine(info: Json, kind: string): readonly string[] {
  const names = list(info, "Plugins", kind).map(name => text(name));
  return names.length === 0 ? [] : [` ${kind}: ${names.join(" ")}`];
}

function swarmLines(info: Json): readonly string[] {
  const swarm = field(info, "Swarm");
  const state = text(swarm, "LocalNodeState");
  if (state === "inactive" || state === "locked") return [`Swarm: ${state}`];
  const isManager = field(swarm, "ControlAvailable") === true;
  return [
    `Swarm: ${state}`,
    ...(text(swarm, "Error") === "" ? [] : [` Error: ${text(swarm, "Error")}`]),
    ` NodeID: ${text(swarm, "NodeID")}`,
    ` Is Manager: ${isManager}`,
    ...(isManager ? managerLines(swarm) : []),
    ` Node Address: ${text(swarm, "NodeAddr")}`,
    " Manager Addresses:",
    ...list(swarm, "RemoteManagers")
      .map(manager => `  ${text(manager, "Addr")}`)
      .sort(),
  ];
}

const NANOS_PER_MILLISECOND = 1e6;

function poolLines(swarm: Json): readonly string[] {
  const pools = list(swarm, "Cluster", "DefaultAddrPool").map(pool => `${text(pool)}  `);
  if (pools.length === 0) return [];
  return [` Default Address Pool: ${pools.join("")}`, ` SubnetSize: ${number(swarm, "Cluster", "SubnetSize")}`];
}

function managerLines(swarm: Json): readonly string[] {
  const spec = field(swarm, "Cluster", "Spec");
  return [
    ` ClusterID: ${text(swarm, "Cluster", "ID")}`,
    ` Managers: ${number(swarm, "Managers")}`,
    ` Nodes: ${number(swarm, "Nodes")}`,
    ...poolLines(swarm),
    ` Data Path Port: ${number(swarm, "Cluster", "DataPathPort")}`,
    " Orchestration:",
    `  Task History Retention Limit: ${number(spec, "Orchestration", "TaskHistoryRetentionLimit")}`,
    " Raft:",
    `  Snapshot Interval: ${number(spec, "Raft", "SnapshotInterval")}`,
    `  Number of Old Snapshots to Retain: ${number(spec, "Raft", "KeepOldSnapshots")}`,
    `  Heartbeat Tick: ${number(spec, "Raft", "HeartbeatTick")}`,
    `  Election Tick: ${number(spec, "Raft", "ElectionTick")}`,
    " Dispatcher:",
    `  Heartbeat Period: ${humanDuration(number(spec, "Dispatcher", "HeartbeatPeriod") / NANOS_PER_MILLISECOND)}`,
    " CA Configuration:",
    `  Expiry Duration: ${humanDuration(number(spec, "CAConfig", "NodeCertExpiry") / NANOS_PER_MILLISECOND)}`,
    `  Force Rotate: ${number(spec, "CAConfig", "ForceRotate")}`,
    ` Autolock Managers: ${field(spec, "EncryptionConfig", "AutoLockManagers") === true}`,
    ` Root Rotation In Progress: ${field(swarm, "Cluster", "RootRotationInProgress") === true}`,
  ];
}

function runtimeLines(info: Json): readonly string[] {
  return [
    `Runtimes: ${Object.keys((field(info, "Runtimes") ?? {}) as object)
      .sort()
      .join(" ")}`,
    `Default Runtime: ${text(info, "DefaultRuntime")}`,
    `Init Binary: ${text(info, "InitBinary")}`,
    `containerd version: ${text(info, "ContainerdCommit", "ID")}`,
    `runc version: ${text(info, "RuncCommit", "ID")}`,
    `init version: ${text(info, "InitCommit", "ID")}`,
  ];
}

/** `name=seccomp,profile=builtin` as two lines. */
function securityLines(info: Json): readonly string[] {
  const options = list(info, "SecurityOptions").map(option => text(option));
  if (options.length === 0) return [];
  const lines = options.flatMap(option => {
    const pairs = option.split(",").map(part => part.split("="));
    const name = pairs.find(([key]) => key === "name")?.[1] ?? option;
    return [
      ` ${name}`,
      ...pairs
        .filter(([key]) => key !== "name")
        .map(([key = "", setting = ""]) => `  ${key[0]?.toUpperCase() ?? ""}${key.slice(1)}: ${setting}`),
    ];
  });
  return ["Security Options:", ...lines];
}

function labelLines(info: Json): readonly string[] {
  const labels = list(info, "Labels").map(label => ` ${text(label)}`);
  return labels.length === 0 ? [] : ["Labels:", ...labels];
}

function registryLines(info: Json): readonly string[] {
  const config = field(info, "RegistryConfig");
  const insecure = [
    ...Object.entries((field(config, "IndexConfigs") ?? {}) as { readonly [name: string]: Json })
      .filter(([, index]) => field(index, "Secure") === false)
      .map(([name]) => name),
    ...list(config, "InsecureRegistryCIDRs").map(range => text(range)),
  ];
  const mirrors = list(config, "Mirrors").map(mirror => `  ${text(mirror)}`);
  return [
    ...(insecure.length === 0 ? [] : ["Insecure Registries:", ...insecure.map(name => ` ${name}`)]),
    ...(mirrors.length === 0 ? [] : ["Registry Mirrors:", ...mirrors]),
  ];
}

function optional(label: string, value: string): readonly string[] {
  return value === "" ? [] : [`${label}: ${value}`];
}

function isOn(info: Json, name: string): boolean {
  return field(info, name) === true;
}
