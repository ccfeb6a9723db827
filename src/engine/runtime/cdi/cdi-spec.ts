/** The Container Device Interface: what a vendor says a container needs to use a device. @see github.com/cncf-tags/container-device-interface SPEC.md. */
export interface CdiSpec {
  readonly cdiVersion: string;
  /** `vendor.com/class`. */
  readonly kind: string;
  readonly devices: readonly { readonly name: string; readonly containerEdits: CdiEdits }[];
  /** For every container with one of the devices. */
  readonly containerEdits: CdiEdits;
}

export interface CdiEdits {
  readonly env?: readonly string[];
  readonly deviceNodes?: readonly CdiDeviceNode[];
  readonly mounts?: readonly CdiMount[];
  readonly hooks?: readonly CdiHook[];
  readonly additionalGids?: readonly number[];
}

export interface CdiDeviceNode {
  readonly path: string;
  readonly hostPath?: string;
  readonly type?: string;
  readonly major?: number;
  readonly minor?: number;
  readonly fileMode?: number;
  readonly permissions?: string;
  readonly uid?: number;
  readonly gid?: number;
}

export interface CdiMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly type?: string;
  readonly options?: readonly string[];
}

export interface CdiHook {
  readonly hookName: string;
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly timeout?: number;
}

/** @throws Error for what is no specification. What is unknown in one is an error: a device without a part of what it needs would not work. */
export function parseCdiSpec(value: unknown): CdiSpec {
  const spec = record(value, "specification");
  const kind = text(spec["kind"], "kind");
  if (!/^[A-Za-z][A-Za-z0-9._-]*\/[A-Za-z][A-Za-z0-9_-]*$/.test(kind)) throw new Error(`invalid kind "${kind}"`);
  const devices = list(spec["devices"], "devices").map(device => {
    const { name, containerEdits } = record(device, "device");
    return { name: text(name, "name"), containerEdits: parseEdits(containerEdits) };
  });
  if (devices.length === 0) throw new Error("no devices");
  return {
    cdiVersion: text(spec["cdiVersion"], "cdiVersion"),
    kind,
    devices,
    containerEdits: parseEdits(spec["containerEdits"]),
  };
}

const EDITS = new Set(["env", "deviceNodes", "mounts", "hooks", "additionalGids"]);
const HOOKS = new Set(["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]);

function parseEdits(value: unknown): CdiEdits {
  if (value === undefined || value === null) return {};
  const edits = record(value, "containerEdits");
  for (const name of Object.keys(edits)) if (!EDITS.has(name)) throw new Error(`unknown edit "${name}"`);
  const hooks = list(edits["hooks"], "hooks").map(hook => hook as CdiHook);
  for (const hook of hooks) {
    if (!HOOKS.has(hook.hookName)) throw new Error(`unknown hook "${hook.hookName}"`);
    text(hook.path, "path of a hook");
  }
  const mounts = list(edits["mounts"], "mounts").map(mount => mount as CdiMount);
  for (const { hostPath, containerPath } of mounts) {
    text(hostPath, "hostPath of a mount");
    text(containerPath, "containerPath of a mount");
  }
  const deviceNodes = list(edits["deviceNodes"], "deviceNodes").map(node => node as CdiDeviceNode);
  for (const { path } of deviceNodes) text(path, "path of a device node");
  return {
    env: list(edits["env"], "env").map(entry => text(entry, "env")),
    deviceNodes,
    mounts,
    hooks,
    additionalGids: list(edits["additionalGids"], "additionalGids").map(Number),
  };
}

function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`${what} is no object`);
  return value as Readonly<Record<string, unknown>>;
}

function list(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error(`${what} is no list`);
  return value;
}

function text(value: unknown, what: string): string {
  if (typeof value !== "string" || value === "") throw new Error(`${what} is missing`);
  return value;
}
