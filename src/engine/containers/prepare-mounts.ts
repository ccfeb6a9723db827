import { readlink, readdir, stat } from "node:fs/promises";
import { join, posix } from "node:path";
import { OperationError, errnoCode } from "../../lib/errors.ts";
import { rootOnHost } from "../../model/id-map.ts";
import type { ContainerId } from "../../model/ids.ts";
import type { ContainerDependencies } from "./dependencies.ts";
import type { BindPlan, ImagePlan, MountPlan, VolumePlan } from "./mount-plan.ts";
import { makeFolders } from "../files/owned-files.ts";
import { failpoint } from "../../ports/failpoint.ts";

const LINKS_MAX = 40;

type MountContext = Pick<ContainerDependencies, "idMap">;

/** A missing source of `-v` is made when the container is created, one of `--mount` is an error. @throws OperationError `invalid` in Docker's words. */
export async function checkBindSource({ idMap }: MountContext, plan: BindPlan): Promise<void> {
  try {
    await stat(plan.source);
  } catch (error) {
    if (errnoCode(error) !== "ENOENT" && errnoCode(error) !== "ENOTDIR") throw error;
    if (!plan.createsSource) {
      throw new OperationError(
        "invalid",
        `invalid mount config for type "bind": bind source path does not exist: ${plan.source}`,
      );
    }
    await makeFolders(plan.source, rootOnHost(idMap)).catch((cause: unknown) => {
      throw new OperationError("internal", `error while creating mount source path '${plan.source}': mkdir ${plan.source}`, {
        cause,
      });
    });
  }
}

/** Makes a plan's volume, if it is not there. @returns the plan with the volume's name and place. */
export async function settleVolume(
  { volumes }: Pick<ContainerDependencies, "volumes">,
  { plan, anonymousName }: { readonly plan: VolumePlan; readonly anonymousName: string },
): Promise<VolumePlan> {
  const { name, driver, driverOptions, labels } = plan;
  const volume = await volumes.ensure({ name, anonymousName, driver, options: driverOptions, labels });
  return { ...plan, name: volume.name, driver: volume.driver, source: volume.mountpoint };
}

/** Copies what the image has at a volume's place into it, if the volume is empty: files, owners and modes. */
export async function copyImageContent(
  { fillFolder }: Pick<ContainerDependencies, "fillFolder">,
  { plan, rootfsPath }: { readonly plan: VolumePlan; readonly rootfsPath: string },
): Promise<void> {
  if ((await readdir(plan.source)).length > 0) return;
  await failpoint("containers/volume-copy.spawn", () => fillFolder(plan.source, { tree: rootfsPath, path: plan.destination }));
}

/** Makes the working directory where the image has none. Links are followed inside the root alone. */
export async function ensureDirectoryInRoot(
  { idMap }: MountContext,
  { rootfsPath, path }: { readonly rootfsPath: string; readonly path: string },
): Promise<void> {
  const target = await resolveInRoot(rootfsPath, path);
  await makeFolders(target, rootOnHost(idMap)).catch((error: unknown) => {
    if (errnoCode(error) !== "EEXIST") throw error; // A file: the runtime says so better.
  });
}

/**
 * The place of `path` in a root file system of which no process runs: links are followed as if `rootfsPath` were `/`.
 * What does not exist is taken as it is written.
 */
export async function resolveInRoot(rootfsPath: string, path: string): Promise<string> {
  let rest = path.split("/").filter(part => part !== "" && part !== ".");
  let resolved = "/";
  let links = 0;
  while (rest.length > 0) {
    const [part = "", ...others] = rest;
    rest = others;
    if (part === "..") {
      resolved = posix.dirname(resolved);
      continue;
    }
    const next = posix.join(resolved, part);
    const target = await readlink(join(rootfsPath, next)).catch(passOver("EINVAL", "ENOENT", "ENOTDIR", "ENAMETOOLONG"));
    if (target === undefined) {
      resolved = next;
      continue;
    }
    if (++links > LINKS_MAX) throw new OperationError("invalid", `too many links in ${path}`);
    if (target.startsWith("/")) resolved = "/";
    rest = [...target.split("/").filter(name => name !== "" && name !== "."), ...rest];
  }
  return join(rootfsPath, resolved);
}

/** Of a file: where it is not there, or is no link. */
function passOver(...codes: readonly string[]): (error: unknown) => undefined {
  return error => {
    if (!codes.includes(errnoCode(error) ?? "")) throw error;
  };
}

/** Volumes that a container holds. */
export function volumesIn(plans: readonly MountPlan[]): readonly VolumePlan[] {
  return plans.filter(plan => plan.kind === "volume");
}

/** Images that a container mounts, once their file systems are made. */
export function imagesIn(plans: readonly MountPlan[]): readonly (ImagePlan & { readonly rootfsId: ContainerId })[] {
  return plans.filter(plan => plan.kind === "image").filter(hasRootfs);
}

function hasRootfs(plan: ImagePlan): plan is ImagePlan & { readonly rootfsId: ContainerId } {
  return plan.rootfsId !== "";
}

export function holdVolumes(
  { volumes }: Pick<ContainerDependencies, "volumes">,
  request: { readonly plans: readonly MountPlan[]; readonly id: ContainerId },
): void {
  for (const { name } of volumesIn(request.plans)) volumes.use(name, request.id);
}
