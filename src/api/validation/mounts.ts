import { posix } from "node:path";
import type { Mount } from "../../model/cluster.ts";
import type { HostConfig } from "../../model/container.ts";
import { OperationError } from "../../lib/errors.ts";
import { invalid, refuseIf } from "./refuse.ts";

const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const BIND_MODES = new Set([
  ...["ro", "rw", "z", "Z", "nocopy", "cached", "delegated", "consistent"],
  ...["shared", "rshared", "slave", "rslave", "private", "rprivate"],
]);
/** Windows alone has `npipe`; `cluster` is a swarm's. */
const MOUNT_TYPES: readonly string[] = ["bind", "volume", "tmpfs", "image"];

/** Binds, mounts and tmpfs of a container. Whether sources exist is the engine's to find. */
export function checkMounts({ binds, mounts, tmpfs }: HostConfig): void {
  const targets = new Set<string>();
  const claim = (target: string) => {
    const path = posix.normalize(target).replace(/(?<=.)\/$/, "");
    refuseIf(targets.has(path), `Duplicate mount point: ${path}`);
    targets.add(path);
  };
  for (const bind of binds) claim(targetOfBind(bind));
  for (const mount of mounts) {
    checkMount(mount);
    claim(mount.target);
  }
  for (const path of Object.keys(tmpfs)) {
    refuseIf(!path.startsWith("/"), `invalid mount path: '${path}' mount path must be absolute`);
    claim(path);
  }
}

function targetOfBind(bind: string): string {
  const parts = bind.split(":");
  const malformed = `invalid volume specification: '${bind}'`;
  refuseIf(parts.length > 3 || parts.some(part => part === ""), malformed);
  const [source = "", target, mode = ""] = parts;
  const isMode = mode === "" || mode.split(",").every(word => BIND_MODES.has(word));
  if (!isMode) throw new OperationError("internal", `invalid mode: ${mode}`); // Docker answers 500.
  if (target === undefined) {
    refuseIf(
      !source.startsWith("/"),
      `${malformed}: invalid mount config for type "volume": invalid mount path: '${source}' mount path must be absolute`,
    );
    refuseIf(
      posix.normalize(source) === "/",
      `${malformed}: invalid mount config for type "volume": invalid specification: destination can't be '/'`,
    );
    return source;
  }
  const type = source.startsWith("/") ? "bind" : "volume";
  try {
    checkTarget(type, target);
  } catch (error) {
    throw invalid(`${malformed}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (type === "volume") {
    checkVolumeName(source);
    const propagates = mode.split(",").some(word => BIND_PROPAGATIONS.has(word));
    // Docker answers 500 to this one.
    if (propagates) {
      throw new OperationError(
        "internal",
        `${malformed}: invalid mount config for type "volume": field BindOptions must not be specified`,
      );
    }
  }
  return target;
}

/** @throws OperationError `invalid`. */
export function checkVolumeName(name: string): void {
  refuseIf(name.length === 1, `create ${name}: volume name is too short, names should be at least two alphanumeric characters`);
  refuseIf(
    !VOLUME_NAME.test(name),
    `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  );
}

function checkTarget(type: string, target: string): void {
  const config = `invalid mount config for type "${type}"`;
  refuseIf(target === "", `${config}: field Target must not be empty`);
  refuseIf(posix.normalize(target) === "/", `${config}: invalid specification: destination can't be '/'`);
  refuseIf(!target.startsWith("/"), `${config}: invalid mount path: '${target}' mount path must be absolute`);
}

/** @throws OperationError `invalid`. @see moby volume/mounts/linux_parser.go */
export function checkMount(mount: Mount): void {
  const { type, source = "" } = mount;
  const config = `invalid mount config for type "${type}"`;
  refuseIf(!MOUNT_TYPES.includes(type), `${config}: mount type unknown`);
  checkTarget(type, mount.target);
  for (const [key, of] of OPTION_OWNERS) {
    refuseIf(mount[key] !== undefined && type !== of, `${optionName(of)} must not be specified on mount type "${type}"`);
  }
  if (type === "bind") {
    refuseIf(source === "", `${config}: field Source must not be empty`);
    refuseIf(!source.startsWith("/"), `${config}: invalid mount path: '${source}' mount path must be absolute`);
    const propagation = mount.bind?.propagation ?? "";
    refuseIf(propagation !== "" && !BIND_PROPAGATIONS.has(propagation), `${config}: invalid propagation mode: ${propagation}`);
    checkReadOnlyRecursion(mount, config);
  }
  if (type === "tmpfs") {
    refuseIf(source !== "", `${config}: field Source must not be specified`);
    checkTmpfsOptions(mount, config);
  }
  if (type === "image") refuseIf(source === "", `${config}: field Source must not be empty`);
  const subpath = mount.volume?.subpath ?? mount.image?.subpath ?? "";
  const isOutside = subpath.startsWith("/") || posix.normalize(subpath).split("/").includes("..");
  refuseIf(isOutside, `${config}: subpath must be a relative path within the volume`);
  if (type === "volume" && source !== "") checkVolumeName(source);
  const isAnonymousSubpath = type === "volume" && source === "" && mount.volume?.subpath !== undefined;
  refuseIf(isAnonymousSubpath, `${config}: must not set Subpath when using anonymous volumes`);
}

/** Docker says so when the container starts, or not at all. */
function checkReadOnlyRecursion({ bind, readOnly = false }: Mount, config: string): void {
  const { readOnlyForceRecursive: isForced = false, readOnlyNonRecursive: isFlat = false } = bind ?? {};
  const conflict = (what: string) => `${config}: mount options conflict: ${what}`;
  refuseIf(isForced && isFlat, conflict("ReadOnlyNonRecursive && ReadOnlyForceRecursive"));
  refuseIf(isForced && !readOnly, conflict("Writable && ReadOnlyForceRecursive"));
  refuseIf(isFlat && !readOnly, conflict("Writable && ReadOnlyNonRecursive"));
}

function checkTmpfsOptions({ tmpfs }: Mount, config: string): void {
  for (const option of tmpfs?.options ?? []) {
    const [name = ""] = option;
    refuseIf(option.length < 1 || option.length > 2, `${config}: invalid option array length`);
    refuseIf(name !== "exec" && name !== "noexec", `${config}: invalid option: ${name}`);
    refuseIf(option.length > 1, `invalid tmpfs option ${JSON.stringify(name)}`);
  }
}

const BIND_PROPAGATIONS = new Set(["private", "rprivate", "slave", "rslave", "shared", "rshared"]);
const OPTION_OWNERS: readonly (readonly ["bind" | "volume" | "tmpfs" | "image", string])[] = [
  ["bind", "bind"],
  ["volume", "volume"],
  ["tmpfs", "tmpfs"],
  ["image", "image"],
];

function optionName(type: string): string {
  return `${type.charAt(0).toUpperCase()}${type.slice(1)}Options`;
}
