import { OperationError } from "../../../lib/errors.ts";
import type { DeviceNode } from "../oci/facts.ts";
import type { OciDevice, OciDeviceRule, OciHook, OciHooks, OciMount, OciSpec } from "../oci/types.ts";
import type { CdiDeviceNode, CdiEdits, CdiHook } from "./cdi-spec.ts";

/** Where the nodes of edits are on the host. */
export function hostPathsOf(edits: readonly CdiEdits[]): readonly string[] {
  return edits.flatMap(({ deviceNodes = [] }) => deviceNodes.map(node => node.hostPath || node.path));
}

/** A container's configuration with what its devices need. @throws OperationError `internal` for a device node that is not there. */
export function applyEdits(
  spec: OciSpec,
  { edits, nodes }: { readonly edits: readonly CdiEdits[]; readonly nodes: readonly DeviceNode[] },
): OciSpec {
  return edits.reduce((edited, one) => applyOne(edited, one, nodes), spec);
}

function applyOne(spec: OciSpec, edits: CdiEdits, nodes: readonly DeviceNode[]): OciSpec {
  const { env = [], deviceNodes = [], mounts = [], hooks = [], additionalGids = [] } = edits;
  const devices = deviceNodes.map(node => toDevice(node, { nodes, user: spec.process.user }));
  const paths = new Set(devices.map(({ device }) => device.path));
  const groups = [...spec.process.user.additionalGids, ...additionalGids.filter(gid => gid !== 0)];
  const { linux, process } = spec;
  return {
    ...spec,
    process: {
      ...process,
      env: env.reduce(withVariable, process.env),
      user: { ...process.user, additionalGids: [...new Set(groups)] },
    },
    mounts: [
      ...spec.mounts,
      ...mounts.map(({ hostPath, containerPath, type, options }): OciMount => {
        const own = options ?? [];
        return {
          destination: containerPath,
          source: hostPath,
          type: type || "bind",
          options: type === undefined && !own.some(option => /^r?bind$/.test(option)) ? ["bind", ...own] : own,
        };
      }),
    ],
    linux: {
      ...linux,
      devices: [...linux.devices.filter(({ path }) => !paths.has(path)), ...devices.map(({ device }) => device)],
      resources: { ...linux.resources, devices: [...(linux.resources.devices ?? []), ...devices.map(({ rule }) => rule)] },
    },
    ...(hooks.length === 0 && spec.hooks === undefined ? {} : { hooks: hooks.reduce(withHook, spec.hooks ?? {}) }),
  };
}

function toDevice(
  node: CdiDeviceNode,
  { nodes, user }: { readonly nodes: readonly DeviceNode[]; readonly user: { readonly uid: number; readonly gid: number } },
): { readonly device: OciDevice; readonly rule: OciDeviceRule } {
  const hostPath = node.hostPath || node.path;
  const found = nodes.find(({ path }) => path === hostPath);
  const type = node.type || found?.type;
  const major = node.major ?? found?.major;
  const minor = node.minor ?? found?.minor;
  if ((type !== "b" && type !== "c") || major === undefined || minor === undefined) {
    throw new OperationError(
      "internal",
      `CDI device injection failed: failed to stat CDI host device "${hostPath}": no such file or directory`,
    );
  }
  return {
    device: {
      type,
      path: node.path,
      major,
      minor,
      fileMode: node.fileMode ?? found?.mode ?? 0o666,
      uid: node.uid ?? (user.uid > 0 ? user.uid : (found?.uid ?? 0)),
      gid: node.gid ?? (user.gid > 0 ? user.gid : (found?.gid ?? 0)),
    },
    rule: { allow: true, type, major, minor, access: node.permissions || "rwm" },
  };
}

function withVariable(env: readonly string[], variable: string): readonly string[] {
  const [name = ""] = variable.split("=");
  return [...env.filter(entry => !entry.startsWith(`${name}=`)), variable];
}

function withHook(hooks: OciHooks, { hookName, path, args, env, timeout }: CdiHook): OciHooks {
  const hook: OciHook = {
    path,
    ...(args === undefined ? {} : { args }),
    ...(env === undefined ? {} : { env }),
    ...(timeout === undefined ? {} : { timeout }),
  };
  return { ...hooks, [hookName]: [...(hooks[hookName as keyof OciHooks] ?? []), hook] };
}
