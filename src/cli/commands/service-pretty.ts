import { type CliContext, field, type Json, list, number, text } from "../context.ts";
import { ago, binarySize } from "../format/units.ts";

const NANOS_PER_SECOND = 1e9;

/** `service inspect --pretty`. */
export async function printPretty(cli: CliContext, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const service = await cli.api.json("GET", `/services/${encodeURIComponent(name)}`, { query: { insertDefaults: true } });
    for (const line of prettyLines(service, cli.nowMs())) cli.stdout(`${line}\n`);
    cli.stdout("\n");
  }
}

/** What people want to know of a service, a fact a line. */
export function prettyLines(service: Json, nowMs: number): readonly string[] {
  const spec = field(service, "Spec");
  return [
    "",
    `ID:\t\t${text(service, "ID")}`,
    `Name:\t\t${text(spec, "Name")}`,
    ...mapLines("Labels", field(spec, "Labels")),
    ...modeLines(spec),
    ...updateStatusLines(service, nowMs),
    ...placementLines(field(spec, "TaskTemplate", "Placement")),
    ...policyLines("Update", field(spec, "UpdateConfig")),
    ...policyLines("Rollback", field(spec, "RollbackConfig")),
    ...containerLines(field(spec, "TaskTemplate", "ContainerSpec")),
    ...resourceLines(field(spec, "TaskTemplate", "Resources")),
    ...networkLines(spec),
    `Endpoint Mode:\t${text(service, "Endpoint", "Spec", "Mode") || "vip"}`,
    ...portLines(service),
  ];
}

function mapLines(title: string, labels: Json): readonly string[] {
  const entries = Object.entries((labels ?? {}) as { readonly [key: string]: string }).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? [] : [`${title}:`, ...entries.map(([key, value]) => ` ${key}${value === "" ? "" : `=${value}`}`)];
}

function modeLines(spec: Json): readonly string[] {
  const mode = field(spec, "Mode");
  if (field(mode, "Global") !== undefined) return ["Service Mode:\tGlobal"];
  if (field(mode, "GlobalJob") !== undefined) return ["Service Mode:\tGlobalJob"];
  if (field(mode, "ReplicatedJob") !== undefined) {
    return [
      "Service Mode:\tReplicatedJob",
      ` Max Concurrent:\t${number(mode, "ReplicatedJob", "MaxConcurrent")}`,
      ` Total Completions:\t${number(mode, "ReplicatedJob", "TotalCompletions")}`,
    ];
  }
  return ["Service Mode:\tReplicated", ` Replicas:\t${number(mode, "Replicated", "Replicas")}`];
}

function updateStatusLines(service: Json, nowMs: number): readonly string[] {
  const status = field(service, "UpdateStatus");
  if (text(status, "State") === "") return [];
  return [
    "UpdateStatus:",
    ` State:\t\t${text(status, "State")}`,
    ...(text(status, "StartedAt") === "" ? [] : [` Started:\t${ago(text(status, "StartedAt"), nowMs).toLowerCase()}`]),
    ...(text(status, "CompletedAt") === "" ? [] : [` Completed:\t${ago(text(status, "CompletedAt"), nowMs).toLowerCase()}`]),
    ` Message:\t${text(status, "Message")}`,
  ];
}

function placementLines(placement: Json): readonly string[] {
  const words = (name: string): string =>
    list(placement, name)
      .map(item => text(item))
      .join(", ");
  const most = number(placement, "MaxReplicas");
  return [
    "Placement:",
    ...(words("Constraints") === "" ? [] : [` Constraints:\t[${words("Constraints").replaceAll(", ", " ")}]`]),
    ...list(placement, "Preferences").map(item => ` Preferences:\tspread=${text(item, "Spread", "SpreadDescriptor")}`),
    ...(most > 0 ? [` Max Replicas Per Node:\t${most}`] : []),
  ];
}

function policyLines(kind: "Update" | "Rollback", config: Json): readonly string[] {
  if (config === undefined || config === null) return [];
  const delay = number(config, "Delay");
  return [
    `${kind}Config:`,
    ` Parallelism:\t${number(config, "Parallelism")}`,
    ...(delay > 0 ? [` Delay:\t\t${delay / NANOS_PER_SECOND}s`] : []),
    ` On failure:\t${text(config, "FailureAction")}`,
    ` Monitoring Period: ${number(config, "Monitor") / NANOS_PER_SECOND}s`,
    ` Max failure ratio: ${number(config, "MaxFailureRatio")}`,
    ` ${kind} order:${kind === "Update" ? "     " : "   "} ${text(config, "Order")}`,
  ];
}

function containerLines(container: Json): readonly string[] {
  const words = (name: string): string =>
    list(container, name)
      .map(item => `${text(item)} `)
      .join("");
  const line = (label: string, value: string): readonly string[] => (value === "" ? [] : [` ${label}${value}`]);
  return [
    "ContainerSpec:",
    ` Image:\t\t${text(container, "Image")}`,
    ...line("Command:\t", words("Command")),
    ...line("Args:\t\t", words("Args")),
    ...line("Env:\t\t", words("Env")),
    ...line("Dir:\t\t", text(container, "Dir")),
    ...line("User:\t\t", text(container, "User")),
    ...(typeof field(container, "Init") === "boolean" ? [` Init:\t\t${field(container, "Init") === true}`] : []),
    ...fileLines("Mounts", list(container, "Mounts"), mount =>
      [
        `  Target:\t${text(mount, "Target")}`,
        `   Source:\t${text(mount, "Source")}`,
        `   ReadOnly:\t${field(mount, "ReadOnly") === true}`,
        `   Type:\t${text(mount, "Type")}`,
      ].join("\n"),
    ),
    ...fileLines(
      "Configs",
      list(container, "Configs"),
      item => `  Target:\t${text(item, "File", "Name")}\n   Source:\t${text(item, "ConfigName")}`,
    ),
    ...fileLines(
      "Secrets",
      list(container, "Secrets"),
      item => `  Target:\t${text(item, "File", "Name")}\n   Source:\t${text(item, "SecretName")}`,
    ),
  ];
}

function fileLines(title: string, items: readonly Json[], shown: (item: Json) => string): readonly string[] {
  return items.length === 0 ? [] : [` ${title}:`, ...items.map(shown)];
}

function resourceLines(resources: Json): readonly string[] {
  const part = (title: string, limits: Json): readonly string[] => {
    const cpus = number(limits, "NanoCPUs");
    const memory = number(limits, "MemoryBytes");
    if (cpus === 0 && memory === 0) return [];
    return [
      ` ${title}:`,
      ...(cpus > 0 ? [`  CPU:\t\t${cpus / NANOS_PER_SECOND}`] : []),
      ...(memory > 0 ? [`  Memory:\t${binarySize(memory)}`] : []),
    ];
  };
  return ["Resources:", ...part("Reservations", field(resources, "Reservations")), ...part("Limits", field(resources, "Limits"))];
}

function networkLines(spec: Json): readonly string[] {
  const networks = list(spec, "TaskTemplate", "Networks").map(network => {
    const addresses = list(network, "Addresses").map(address => text(address));
    return `${text(network, "Target")}${addresses.length === 0 ? "" : ` (${addresses.join(", ")})`}`;
  });
  return networks.length === 0 ? [] : [`Networks: ${networks.join(" ")} `];
}

function portLines(service: Json): readonly string[] {
  const ports = list(service, "Endpoint", "Ports");
  if (ports.length === 0) return [];
  return [
    "Ports:",
    ...ports.flatMap(port => [
      ` PublishedPort = ${number(port, "PublishedPort")}`,
      `  Protocol = ${text(port, "Protocol")}`,
      `  TargetPort = ${number(port, "TargetPort")}`,
      `  PublishMode = ${text(port, "PublishMode")}`,
    ]),
  ];
}
