import type { Sandbox } from "../containers/needs.ts";
import { hostsFile } from "./container-files.ts";
import type { SandboxRecord } from "./sandbox-record.ts";

/** Of a container that runs, by its name or the beginning of its id. */
export function findSandbox(all: readonly SandboxRecord[], idOrName: string): SandboxRecord | undefined {
  return (
    all.find(({ containerName }) => containerName === idOrName) ?? all.find(({ containerId }) => containerId.startsWith(idOrName))
  );
}

/** What a container of network mode `container:X` has of it. @param record - X's; missing where that is on the host's network. */
export function sharedSandbox(record: SandboxRecord | undefined, hostResolv: string): Sandbox {
  return {
    namespacePath: undefined,
    state: { sandboxId: "", sandboxKey: "", ports: {}, endpoints: {} },
    hosts: record?.hosts ?? hostsFile([]),
    resolvConf: record?.resolvConf ?? hostResolv,
    isUp: Promise.resolve(),
  };
}
