import { field, type Json, list, number, text } from "../context.ts";
import { capitalized, utcTime } from "../format/text.ts";
import { binarySize } from "../format/units.ts";

const NANOS_PER_CPU = 1e9;

/** `node inspect --pretty`: what people want to know of a node, a fact a line. */
export function prettyNode(node: Json): string {
  const description = field(node, "Description");
  const labels = Object.entries((field(node, "Spec", "Labels") ?? {}) as { readonly [key: string]: string });
  const lines = [
    `ID:\t\t\t${text(node, "ID")}`,
    ...(text(node, "Spec", "Name") === "" ? [] : [`Name:\t\t\t${text(node, "Spec", "Name")}`]),
    ...(labels.length === 0 ? [] : ["Labels:", ...labels.map(([key, value]) => ` - ${key}${value === "" ? "" : `=${value}`}`)]),
    `Hostname:              \t${text(description, "Hostname")}`,
    `Joined at:             \t${utcTime(text(node, "CreatedAt"))}`,
    "Status:",
    ` State:\t\t\t${capitalized(text(node, "Status", "State"))}`,
    ...(text(node, "Status", "Message") === "" ? [] : [` Message:              \t${text(node, "Status", "Message")}`]),
    ` Availability:         \t${capitalized(text(node, "Spec", "Availability"))}`,
    ...(text(node, "Status", "Addr") === "" ? [] : [` Address:\t\t${text(node, "Status", "Addr")}`]),
    ...managerLines(field(node, "ManagerStatus")),
    "Platform:",
    ` Operating System:\t${text(description, "Platform", "OS")}`,
    ` Architecture:\t\t${text(description, "Platform", "Architecture")}`,
    "Resources:",
    ` CPUs:\t\t\t${Math.trunc(number(description, "Resources", "NanoCPUs") / NANOS_PER_CPU)}`,
    ` Memory:\t\t${binarySize(number(description, "Resources", "MemoryBytes"))}`,
    ...pluginLines(list(description, "Engine", "Plugins")),
    `Engine Version:\t\t${text(description, "Engine", "EngineVersion")}`,
    ...certificateLines(description),
  ];
  return lines.map(line => `${line}\n`).join("");
}

function managerLines(status: Json): readonly string[] {
  if (status === undefined || status === null) return [];
  return [
    "Manager Status:",
    ` Address:\t\t${text(status, "Addr")}`,
    ` Raft Status:\t\t${capitalized(text(status, "Reachability"))}`,
    ` Leader:\t\t${field(status, "Leader") === true ? "Yes" : "No"}`,
  ];
}

function pluginLines(plugins: readonly Json[]): readonly string[] {
  if (plugins.length === 0) return [];
  const kinds = [...new Set(plugins.map(plugin => text(plugin, "Type")))].sort();
  const names = (kind: string): string =>
    plugins
      .filter(plugin => text(plugin, "Type") === kind)
      .map(plugin => text(plugin, "Name"))
      .join(", ");
  return ["Plugins:", ...kinds.map(kind => ` ${kind}:\t\t${names(kind)}`)];
}

function certificateLines(description: Json): readonly string[] {
  const root = text(description, "TLSInfo", "TrustRoot");
  if (root === "") return [];
  return [
    "TLS Info:",
    ` TrustRoot:\n${root}`,
    ` Issuer Subject:\t${text(description, "TLSInfo", "CertIssuerSubject")}`,
    ` Issuer Public Key:\t${text(description, "TLSInfo", "CertIssuerPublicKey")}`,
  ];
}
