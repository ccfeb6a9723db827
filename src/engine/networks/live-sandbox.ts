import { undoAll } from "../../lib/undo.ts";
import type { NameServerSockets, Nftables } from "../../ports/kernel-network.ts";
import { mappingRule, type Rule } from "./firewall-rules.ts";
import type { HeldPort } from "./port-allocator.ts";
import type { SandboxRecord } from "./sandbox-record.ts";

/** A sandbox that is up, with what this process holds open for it. */
export interface LiveSandbox {
  record: SandboxRecord;
  ports: readonly HeldPort[];
  nftables: Nftables | undefined;
  nameServer: NameServerSockets | undefined;
  /** Of published ports that the firewall does not carry. */
  forwards: readonly AsyncDisposable[];
}

/** Unlike Promise.all it waits for the others when one fails, so that they can be undone. */
export async function allOrError(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === "rejected") throw result.reason;
}

export function newLive({ record, ports }: Pick<LiveSandbox, "record" | "ports">): LiveSandbox {
  return { record, ports, nftables: undefined, nameServer: undefined, forwards: [] };
}

/** Carries what comes to published ports to where the container is now. */
export async function forwardPorts(live: LiveSandbox): Promise<void> {
  await endForwards(live);
  const { publishedAddress, publishedIpv6Address = "" } = live.record;
  const address = publishedIpv6Address || publishedAddress;
  if (address === "") return;
  await allOrError(
    live.ports.map(async ({ forward, published }) => {
      const begun = await forward?.({ address, port: published.containerPort });
      if (begun !== undefined) live.forwards = [...live.forwards, begun];
    }),
  );
}

async function endForwards(live: LiveSandbox): Promise<void> {
  const ended = live.forwards;
  live.forwards = [];
  await allOrError(ended.map(async forward => forward[Symbol.asyncDispose]()));
}

export async function closeHandles(live: LiveSandbox): Promise<void> {
  await undoAll([
    () => endForwards(live),
    () => live.nameServer?.[Symbol.asyncDispose](),
    () => live.nftables?.[Symbol.dispose](),
  ]);
}

/** What the firewall carries: each family to its own. */
export function mappingRules({ published, publishedAddress, publishedIpv6Address = "" }: SandboxRecord): readonly Rule[] {
  return published.flatMap(({ protocol, hostAddress, hostPort, containerPort }) => {
    const containerAddress = hostAddress.includes(":") ? publishedIpv6Address : publishedAddress;
    return containerAddress === "" ? [] : [mappingRule({ protocol, hostAddress, hostPort, containerPort, containerAddress })];
  });
}
