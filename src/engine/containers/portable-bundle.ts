import { readFile } from "node:fs/promises";
import { OperationError } from "../../lib/errors.ts";
import type { Container } from "../../model/container.ts";
import type { PortableBundle } from "../../model/portable-bundle.ts";
import {
  extraHostEntries,
  hostsFile,
  mergeResolvSettings,
  parseResolvConf,
  plainResolvConf,
} from "../networks/container-files.ts";
import { encodeSpec } from "../runtime/oci/spec.ts";
import type { ContainerContext } from "./context.ts";
import type { ContainerEntry } from "./entry.ts";
import { withFileSystem } from "./file-system.ts";
import { withNetworkFiles } from "./make-run.ts";
import type { MountPlan } from "./mount-plan.ts";
import { ensureDirectoryInRoot } from "./prepare-mounts.ts";

const FILES = { hosts: "files/hosts", hostname: "files/hostname", resolvConf: "files/resolv.conf" } as const;

/**
 * What a runtime needs to run a container without an engine, from its root file system in the folder `rootfs` on.
 * @throws OperationError `invalid` for a container that is nothing without another one.
 */
export async function portableBundle(context: ContainerContext, entry: ContainerEntry): Promise<PortableBundle> {
  const { container } = entry.record;
  checkAlone(container);
  return withFileSystem(context, entry, async ({ rootfsPath }) => {
    const { workingDir } = container.config;
    if (workingDir !== "") await ensureDirectoryInRoot(context, { rootfsPath, path: workingDir });
    const copies = new Map<string, string>();
    const plans = entry.record.mounts.map(plan => copied(plan, copies));
    const moved = { ...container, hostsPath: FILES.hosts, hostnamePath: FILES.hostname, resolvConfPath: FILES.resolvConf };
    await ensureDirectoryInRoot(context, { rootfsPath, path: "/etc" }); // For the three files.
    const config = await context.specs.portable({
      container: moved,
      image: undefined,
      rootfsPath,
      mounts: withNetworkFiles(plans, moved),
      networkNamespacePath: undefined,
      joined: {},
    });
    return { config: encodeSpec(config), files: await filesOf(container), copies: Object.fromEntries(copies) };
  });
}

function checkAlone({ hostConfig }: Container): void {
  const { networkMode, ipcMode, pidMode } = hostConfig;
  const modes = { network: networkMode, IPC: ipcMode, PID: pidMode };
  for (const [namespace, mode] of Object.entries(modes)) {
    if (mode.startsWith("container:")) {
      const of = `it shares the ${namespace} namespace of another container (${mode})`;
      throw new OperationError("invalid", `a bundle cannot be made of this container: ${of}`);
    }
  }
}

/** What the engine keeps for it goes into the bundle; folders of the host stay where they are. */
function copied(plan: MountPlan, copies: Map<string, string>): MountPlan {
  if (plan.kind !== "volume" && plan.kind !== "image") return plan;
  const source = `volumes/${copies.size}`;
  copies.set(source, plan.destination);
  return { ...plan, source };
}

/** As a container has them that is on no network of the engine's. */
async function filesOf({ config, hostConfig }: Container): Promise<Readonly<Record<string, string>>> {
  const hostname = `${config.hostname}\n`;
  const resolv = await readFile("/etc/resolv.conf", "utf8").catch(() => "");
  if (hostConfig.networkMode === "host") {
    const hosts = await readFile("/etc/hosts", "utf8");
    return { [FILES.hosts]: hosts, [FILES.hostname]: hostname, [FILES.resolvConf]: resolv };
  }
  const own = { servers: hostConfig.dns, search: hostConfig.dnsSearch, options: hostConfig.dnsOptions };
  return {
    [FILES.hosts]: hostsFile(extraHostEntries(hostConfig.extraHosts, { gatewayAddresses: ["127.0.0.1"] })),
    [FILES.hostname]: hostname,
    [FILES.resolvConf]: plainResolvConf(mergeResolvSettings(parseResolvConf(resolv), own), own),
  };
}
