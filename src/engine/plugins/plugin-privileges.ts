import type { PluginPrivilege } from "../../model/plugin.ts";
import { arrayAt, asObject, booleanAt, type JsonObject, objectAt, parseJson, textAt, textsAt } from "../images/json.ts";

/** Networks that a plugin gets without asking. */
const OWN_NETWORKS = ["", "null", "bridge"];

/** What a plugin asks of its host, in Docker's words and order. @param text - Its configuration. @throws OperationError `invalid` for what is none. */
export function privilegesIn(text: string): readonly PluginPrivilege[] {
  const config = asObject(withLowerKeys(parseJson(Buffer.from(text), "plugin config")), "plugin config");
  const linux = objectAt(config, "linux");
  const network = objectAt(config, "network");
  const networkType = (network && textAt(network, "type")) ?? "";
  const capabilities = (linux && textsAt(linux, "capabilities")) ?? [];
  return [
    ...privilege("network", "permissions to access a network", OWN_NETWORKS.includes(networkType) ? [] : [networkType]),
    ...privilege("host ipc namespace", "allow access to host ipc namespace", flag(booleanAt(config, "ipchost"))),
    ...privilege("host pid namespace", "allow access to host pid namespace", flag(booleanAt(config, "pidhost"))),
    ...each(config, "mounts", "source").flatMap(path => privilege("mount", "host path to mount", [path])),
    ...each(linux, "devices", "path").flatMap(path => privilege("device", "host device to access", [path])),
    ...privilege(
      "allow-all-devices",
      "allow 'rwm' access to all devices",
      flag(linux !== undefined && booleanAt(linux, "allowalldevices")),
    ),
    ...privilege("capabilities", "list of additional capabilities required", capabilities),
  ];
}

/** Docker reads keys in any case: people write `network`, and what it packs has `Network`. */
function withLowerKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withLowerKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key.toLowerCase(), withLowerKeys(each)]));
}

function privilege(name: string, description: string, value: readonly string[]): readonly PluginPrivilege[] {
  return value.length === 0 ? [] : [{ name, description, value }];
}

function flag(isSet: boolean): readonly string[] {
  return isSet ? ["true"] : [];
}

/** One text of each object in a list, where it has it. */
function each(object: JsonObject | undefined, list: string, key: string): readonly string[] {
  const items = object === undefined ? [] : arrayAt(object, list);
  return items.flatMap((item, index) => textAt(asObject(item, `plugin config.${list}[${index}]`), key) ?? []);
}
