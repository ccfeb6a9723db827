import { openSync, writeFileSync } from "node:fs";
import { readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoCode } from "../lib/errors.ts";
import type { KernelNetwork, NamespaceOwner } from "../ports/kernel-network.ts";
import { connectTcp } from "./connect-tcp.ts";
import { IpBatchProcess } from "./ip-batch.ts";
import { MNT_DETACH, SystemCallError, umount2 } from "./libc.ts";
import { pinOwnedNamespace } from "./owned-namespace.ts";
import { openNameServer, queryNameServer } from "./name-server.ts";
import { inNetworkNamespace } from "./namespace.ts";
import { bindHostPort, hasIpv6, portOf } from "./network-sockets.ts";
import { NamespaceMaker } from "./namespaces/namespace-maker.ts";
import { KernelLinks } from "./netlink/kernel-links.ts";
import { openRouteSocket } from "./netlink/netlink-socket.ts";
import { NftablesContext } from "./nftables.ts";
import { PortForwarder } from "./port-forwarding/port-forwarder.ts";
import { HeldSocket } from "./port-forwarding/held-socket.ts";
import { createSpawner } from "./spawn.ts";
import { failpoint } from "../ports/failpoint.ts";

const spawner = createSpawner();

function startBatch(prefix: readonly string[]): Promise<IpBatchProcess> {
  return IpBatchProcess.start(spawner, prefix);
}

/** The kernel of this host, in the network namespace that the daemon was started in. */
export async function openKernelNetwork(): Promise<KernelNetwork & AsyncDisposable> {
  const forwarder = new PortForwarder();
  let canIpv6: boolean | undefined;
  const namespaces = new NamespaceMaker();
  const host = await startBatch([]);
  const [links, linksSlow] = [openLinks(undefined), openLinks(undefined)];
  return {
    host,
    links,
    linksSlow,
    createNamespace: (path, owner) =>
      failpoint("networks/namespace.create", async () =>
        owner === undefined ? new KernelLinks(await namespaces.make(path)) : makeOwned(path, owner),
      ),
    linksIn: openLinks,
    enterNamespace: path => startBatch(["nsenter", `--net=${path}`]),
    deleteNamespace: path => failpoint("networks/namespace.delete", () => deleteNamespace(path)),
    openNftables: path => new NftablesContext(path),
    reservePort(port, { isForwarded } = { isForwarded: false }) {
      const fd = bindHostPort(port, { isForwarded });
      return new HeldSocket({ fd, port: portOf(fd), protocol: port.protocol, forwarder });
    },
    hasIpv6: () => (canIpv6 ??= hasIpv6()),
    openNameServer,
    queryNameServer,
    connectTcp,
    readSysctl: async name => (await readFile(join("/proc/sys", name), "utf8")).trim(),
    writeSysctl,
    async [Symbol.asyncDispose]() {
      links[Symbol.dispose]();
      linksSlow[Symbol.dispose]();
      await Promise.all([host, namespaces, forwarder].map(part => part[Symbol.asyncDispose]()));
    },
  };
}

/** Opened in the namespace at `path`; `undefined`: in the daemon's own. */
function openLinks(path: string | undefined): KernelLinks {
  const open = () => ({ socketFd: openRouteSocket(), namespaceFd: openSync("/proc/thread-self/ns/net", "r") });
  return new KernelLinks(path === undefined ? open() : inNetworkNamespace(path, open));
}

async function makeOwned(path: string, owner: NamespaceOwner): Promise<KernelLinks> {
  await pinOwnedNamespace(spawner, { path, owner });
  await writeSysctl("net/ipv6/conf/default/disable_ipv6", "1", { namespacePath: path, isOptional: true });
  return openLinks(path);
}

async function deleteNamespace(path: string): Promise<void> {
  try {
    umount2(path, MNT_DETACH);
  } catch (error) {
    const code = error instanceof SystemCallError ? error.code : undefined;
    if (code !== "ENOENT" && code !== "EINVAL") throw error; // EINVAL: a file, and no mount.
  }
  await unlink(path).catch((error: unknown) => {
    if (errnoCode(error) !== "ENOENT") throw error;
  });
}

async function writeSysctl(
  name: string,
  value: string,
  { namespacePath, isOptional = false }: { readonly namespacePath?: string; readonly isOptional?: boolean } = {},
): Promise<void> {
  const file = join("/proc/sys", name);
  try {
    // /proc/sys/net shows the network of the thread that opens it.
    if (namespacePath === undefined) await writeFile(file, value);
    else inNetworkNamespace(namespacePath, () => writeFileSync(file, value));
  } catch (error) {
    if (!(isOptional && errnoCode(error) === "ENOENT")) throw error;
  }
}
