import { OperationError } from "../../lib/errors.ts";
import type { Mount } from "../../model/cluster.ts";
import type { ContainerConfig, HostConfig } from "../../model/container.ts";
import { checkVolumeName } from "../volumes/volume-name.ts";
import type { MountPlan } from "./mount-plan.ts";
import { anonymousVolume, cleanPath, parseBind } from "./parse-bind.ts";

export interface MountRequest {
  readonly config: Pick<ContainerConfig, "volumes">;
  readonly hostConfig: Pick<HostConfig, "binds" | "mounts" | "tmpfs" | "volumeDriver">;
  /** What `--volumes-from` brings. */
  readonly inherited: readonly MountPlan[];
}

/**
 * All that is to be mounted, parents before children. Own mounts win over inherited ones; volumes of the image come last and only where nothing else is.
 *
 * @throws OperationError `invalid` in Docker's words.
 */
export function planMounts({ config, hostConfig, inherited }: MountRequest): readonly MountPlan[] {
  const own = new Map<string, MountPlan>();
  const add = (plan: MountPlan) => {
    if (own.has(plan.destination)) throw new OperationError("invalid", `Duplicate mount point: ${plan.destination}`);
    own.set(plan.destination, plan);
  };
  for (const bind of hostConfig.binds) add(parseBind(bind, hostConfig));
  for (const mount of hostConfig.mounts) add(planMount(mount, hostConfig));
  for (const [path, options] of Object.entries(hostConfig.tmpfs)) {
    add({
      kind: "tmpfs",
      destination: cleanPath(path),
      isWritable: true,
      options: options === "" ? [] : options.split(","),
      isListed: false,
    });
  }
  const all = new Map([...inherited.map(plan => [plan.destination, plan] as const), ...own]);
  for (const path of config.volumes) {
    const destination = cleanPath(path);
    if (!destination.startsWith("/") || destination === "/") {
      throw new OperationError("invalid", `invalid volume specification: '${path}'`);
    }
    if (!all.has(destination)) all.set(destination, anonymousVolume(destination, hostConfig.volumeDriver));
  }
  return [...all.values()].sort((a, b) => depth(a.destination) - depth(b.destination));
}

function depth(path: string): number {
  return path.split("/").length;
}

/** `--mount`. */
function planMount(mount: Mount, { volumeDriver }: { readonly volumeDriver: string }): MountPlan {
  const fail = (reason: string): never => {
    throw new OperationError("invalid", `invalid mount config for type "${mount.type}": ${reason}`);
  };
  if (mount.target === "") fail("field Target must not be empty");
  const destination = cleanPath(mount.target);
  if (!destination.startsWith("/")) fail(`invalid mount path: '${mount.target}' mount path must be absolute`);
  if (destination === "/") fail("invalid specification: destination can't be '/'");
  const isWritable = mount.readOnly !== true;
  switch (mount.type) {
    case "bind":
      return planBindMount(mount, { destination, isWritable, fail });
    case "volume": {
      const { volume } = mount;
      const name = mount.source ?? "";
      if (name !== "") checkVolumeName(name);
      return {
        kind: "volume",
        name,
        driver: volume?.driverName || volumeDriver || "local",
        driverOptions: volume?.driverOptions ?? {},
        labels: volume?.labels ?? {},
        source: "",
        destination,
        isWritable,
        subpath: checkSubpath(volume?.subpath ?? "", fail),
        copiesImage: volume?.noCopy !== true,
        isAnonymous: name === "",
        mode: name === "" ? "" : "z",
      };
    }
    case "tmpfs":
      if (mount.source !== undefined && mount.source !== "") fail("field Source must not be specified");
      return { kind: "tmpfs", destination, isWritable, options: tmpfsOptions(mount), isListed: true };
    case "image":
      if (mount.source === undefined || mount.source === "") fail("field Source must not be empty");
      return {
        kind: "image",
        image: mount.source ?? "",
        rootfsId: "",
        source: "",
        destination,
        isWritable: false,
        subpath: checkSubpath(mount.image?.subpath ?? "", fail),
      };
    default:
      throw new OperationError("invalid", `mount type "${mount.type}" is not supported`);
  }
}

function planBindMount(
  mount: Mount,
  {
    destination,
    isWritable,
    fail,
  }: { readonly destination: string; readonly isWritable: boolean; readonly fail: (reason: string) => never },
): MountPlan {
  const source = mount.source ?? "";
  if (source === "") fail("field Source must not be empty");
  if (!source.startsWith("/")) fail(`invalid mount path: '${source}' mount path must be absolute`);
  const { bind } = mount;
  return {
    kind: "bind",
    source: cleanPath(source),
    destination,
    isWritable,
    propagation: bind?.propagation ?? "",
    isRecursive: bind?.nonRecursive !== true,
    createsSource: bind?.createMountpoint === true,
    mode: "",
    readOnlySubmounts:
      bind?.readOnlyForceRecursive === true ? "required" : bind?.readOnlyNonRecursive === true ? "none" : "possible",
  };
}

function checkSubpath(subpath: string, fail: (reason: string) => never): string {
  if (subpath.startsWith("/") || subpath.split("/").includes("..")) fail("subpath must be a relative path within the volume");
  return subpath;
}

function tmpfsOptions({ tmpfs }: Mount): readonly string[] {
  const options: string[] = [];
  if (tmpfs?.sizeBytes !== undefined && tmpfs.sizeBytes > 0) options.push(`size=${tmpfs.sizeBytes}`);
  if (tmpfs?.mode !== undefined && tmpfs.mode > 0) options.push(`mode=${tmpfs.mode.toString(8)}`);
  for (const option of tmpfs?.options ?? []) options.push(option.join("="));
  return options;
}
