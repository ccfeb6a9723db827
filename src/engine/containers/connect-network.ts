import { OperationError } from "../../lib/errors.ts";
import type { EndpointConfig, NetworkState } from "../../model/container.ts";
import type { ContainerContext } from "./context.ts";
import type { ContainerEntry } from "./entry.ts";
import { hasProcess, idleEndpoint } from "./record.ts";

/** `network connect`: at once when it runs, else with its next start. */
export async function connectNetwork(
  context: ContainerContext,
  entry: ContainerEntry,
  { network, endpoint }: { readonly network: string; readonly endpoint: EndpointConfig },
): Promise<void> {
  const { container } = entry.record;
  const { networkMode } = container.hostConfig;
  if (networkMode === "host" || networkMode === "none" || networkMode.startsWith("container:")) {
    const reason =
      networkMode === "host"
        ? "container cannot be connected to multiple networks with one of the networks in host mode"
        : networkMode === "none"
          ? "container cannot be connected to multiple networks with one of the networks in private (none) mode"
          : "container sharing network namespace with another container or host cannot be connected to any other network";
    throw new OperationError("invalid", reason);
  }
  if (hasProcess(entry.state)) {
    await keep(context, entry, await context.networks.attach(container, network, endpoint));
    return;
  }
  const { config, hostConfig, networks } = container;
  if (networks.endpoints[network] !== undefined && !context.networks.mayBeOfCluster(network)) {
    throw new OperationError("forbidden", `endpoint with name ${container.name} already exists in network ${network}`);
  }
  const configs = Object.entries(networks.endpoints).map(([name, state]) => [name, state.config] as const);
  const endpoints = { ...Object.fromEntries(configs), [network]: endpoint };
  context.networks.validate({ config, hostConfig, endpoints }, { mustExist: true });
  // What it will be called there is known; on the default bridge nobody has a name.
  const names = [container.name, ...(endpoint.aliases ?? []), entry.id.slice(0, 12), config.hostname];
  const dnsNames = network === "bridge" ? [] : [...new Set(names.filter(name => name !== ""))];
  // Until it runs its own hardware address is shown, as in Docker.
  const idle = { ...idleEndpoint(endpoint), dnsNames, macAddress: endpoint.macAddress ?? "" };
  await keep(context, entry, { ...networks, endpoints: { ...networks.endpoints, [network]: idle } });
}

/** `network disconnect`. */
export async function disconnectNetwork(
  context: ContainerContext,
  entry: ContainerEntry,
  { network, force }: { readonly network: string; readonly force: boolean },
): Promise<void> {
  const { container } = entry.record;
  if (container.hostConfig.networkMode === "host" && network === "host") {
    const reason = "container was created in host network mode";
    throw new OperationError("invalid", `cannot disconnect container from host network - ${reason}`);
  }
  if (hasProcess(entry.state)) {
    await keep(context, entry, await context.networks.detach(container, network));
    return;
  }
  const name = Object.entries(container.networks.endpoints).find(
    ([key, state]) => key === network || state.networkId === network,
  )?.[0];
  if (name === undefined) {
    if (force) return;
    throw new OperationError("forbidden", `container ${entry.id} is not connected to the network ${network}`);
  }
  const { [name]: _gone, ...endpoints } = container.networks.endpoints;
  await keep(context, entry, { ...container.networks, endpoints });
}

async function keep(context: ContainerContext, entry: ContainerEntry, networks: NetworkState): Promise<void> {
  await context.store.change(entry, record => ({ ...record, container: { ...record.container, networks } }));
}
