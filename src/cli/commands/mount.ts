import { FlagValueError } from "../command/command.ts";
import { type Json, text } from "../context.ts";
import { parseSize } from "../format/units.ts";
import { splitAt } from "./container-values.ts";
import { withPath } from "./with-path.ts";

type Setting = (given: string) => Json;

const asText: Setting = given => given;
const isOn: Setting = given => given === "true" || given === "1";

/** What each key of `--mount` sets. */
const KEYS: Readonly<Record<string, readonly [path: readonly string[], setting: Setting]>> = {
  type: [["Type"], given => given.toLowerCase()],
  source: [["Source"], asText],
  src: [["Source"], asText],
  target: [["Target"], asText],
  destination: [["Target"], asText],
  dst: [["Target"], asText],
  readonly: [["ReadOnly"], isOn],
  ro: [["ReadOnly"], isOn],
  consistency: [["Consistency"], asText],
  "bind-propagation": [["BindOptions", "Propagation"], asText],
  "bind-nonrecursive": [["BindOptions", "NonRecursive"], isOn],
  "bind-create-src": [["BindOptions", "CreateMountpoint"], isOn],
  "volume-nocopy": [["VolumeOptions", "NoCopy"], isOn],
  "volume-subpath": [["VolumeOptions", "Subpath"], asText],
  "volume-driver": [["VolumeOptions", "DriverConfig", "Name"], asText],
  "image-subpath": [["ImageOptions", "Subpath"], asText],
  "tmpfs-size": [["TmpfsOptions", "SizeBytes"], given => parseSize(given) ?? null],
  "tmpfs-mode": [["TmpfsOptions", "Mode"], given => (/^[0-7]+$/.test(given) ? Number.parseInt(given, 8) : null)],
};
/** Keys whose value is itself a pair. */
const PAIRS: Readonly<Record<string, readonly string[]>> = {
  "volume-label": ["VolumeOptions", "Labels"],
  "volume-opt": ["VolumeOptions", "DriverConfig", "Options"],
};
const FLAGS = ["readonly", "ro", "volume-nocopy", "bind-nonrecursive", "bind-create-src"];

/** `type=volume,source=data,target=/data,readonly`. @throws FlagValueError in the words of Docker's CLI. */
export function parseMount(given: string): Json {
  const refuse = (problem: string): never => {
    throw new FlagValueError("mount", given, problem);
  };
  let mount: Json = { Type: "volume" };
  for (const item of given.split(",")) {
    const [name, setting] = splitAt(item, "=");
    const key = name.toLowerCase();
    if (!item.includes("=") && !FLAGS.includes(key)) refuse(`invalid field '${item}' must be a key=value pair`);
    const [path, read] = KEYS[key] ?? [];
    const pairPath = PAIRS[key];
    if (path !== undefined && read !== undefined) {
      const parsed = read(item.includes("=") ? setting : "true");
      if (parsed === null) refuse(`invalid value for ${key}: ${setting}`);
      mount = withPath(mount, path, parsed);
    } else if (pairPath !== undefined) {
      const [pairKey, pairValue] = splitAt(setting, "=");
      mount = withPath(mount, [...pairPath, pairKey], pairValue);
    } else refuse(`unexpected key '${name}' in '${item}'`);
  }
  if (text(mount, "Type") === "") refuse("type is required");
  if (text(mount, "Target") === "") refuse("target is required");
  return mount;
}
