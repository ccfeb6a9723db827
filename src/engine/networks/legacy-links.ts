import { readFile, stat, writeFile } from "node:fs/promises";
import { OperationError } from "../../lib/errors.ts";
import type { Container } from "../../model/container.ts";
import type { ContainerId } from "../../model/ids.ts";
import type { Log } from "../../ports/log.ts";
import type { HostsEntry } from "./container-files.ts";
import { networkNameOf } from "./endpoint-plan.ts";
import { parseLink } from "./links.ts";
import type { SandboxRecord } from "./sandbox-record.ts";

/** A container may write what it likes to its own; a file beyond this is left as it is. */
const HOSTS_BYTES_MAX = 1024 * 1024;

interface Holder {
  readonly hostsPath: string;
  readonly alias: string;
}

/** `--link` on the default bridge: lines in /etc/hosts that follow the other container's address. Elsewhere the name server answers. */
export class LegacyLinks {
  readonly #findSandbox: (idOrName: string) => SandboxRecord | undefined;
  readonly #log: Log;
  /** Who has a container in its /etc/hosts, by the other's id. */
  readonly #holders = new Map<string, Map<ContainerId, Holder>>();
  readonly #targets = new Map<ContainerId, readonly string[]>();

  constructor(findSandbox: (idOrName: string) => SandboxRecord | undefined, log: Log) {
    this.#findSandbox = findSandbox;
    this.#log = log;
  }

  /**
   * Its lines about others. Of one that does not run there is none: its variables are where that is told.
   * @throws OperationError `internal` in Docker's words for one that is not on the default bridge.
   */
  entries({ hostConfig: { links, networkMode } }: Container): readonly HostsEntry[] {
    if (networkNameOf(networkMode) !== "bridge") return [];
    return links.map(parseLink).flatMap(({ target, alias }) => {
      const sandbox = this.#findSandbox(target);
      if (sandbox === undefined) return [];
      const { containerName, hostName } = sandbox;
      const endpoint = sandbox.endpoints.find(({ networkName }) => networkName === "bridge");
      if (endpoint === undefined) {
        const reason = "as it does not belong to the default network";
        throw new OperationError("internal", `Cannot link to /${containerName}, ${reason}`);
      }
      return [{ address: endpoint.address, names: [alias, hostName, ...(alias === containerName ? [] : [containerName])] }];
    });
  }

  /** It runs, with `address` on the default bridge, if it is on it: those who name it are told. */
  async started(container: Container, address: string | undefined): Promise<void> {
    this.restore(container);
    if (address === undefined) return;
    for (const [id, holder] of this.#holders.get(container.id) ?? []) {
      // Another container's file is no reason not to start this one.
      await rewrite(holder, address).catch((error: unknown) =>
        this.#log.warn({ containerId: id, error: String(error) }, "could not tell a container of another's new address"),
      );
    }
  }

  restore({ id, hostsPath, hostConfig }: Container): void {
    if (networkNameOf(hostConfig.networkMode) !== "bridge" || hostConfig.links.length === 0) return;
    const links = hostConfig.links.map(parseLink);
    this.#targets.set(
      id,
      links.map(({ target }) => target),
    );
    for (const { target, alias } of links) {
      const holders = this.#holders.get(target) ?? new Map<ContainerId, Holder>();
      holders.set(id, { hostsPath, alias });
      this.#holders.set(target, holders);
    }
  }

  ended(id: ContainerId): void {
    for (const targetId of this.#targets.get(id) ?? []) {
      const holders = this.#holders.get(targetId);
      holders?.delete(id);
      if (holders?.size === 0) this.#holders.delete(targetId);
    }
    this.#targets.delete(id);
  }
}

async function rewrite({ hostsPath, alias }: Holder, address: string): Promise<void> {
  const { size } = await stat(hostsPath);
  if (size > HOSTS_BYTES_MAX) return;
  const before = await readFile(hostsPath, "utf8");
  const after = withAddress(before, { alias, address });
  // In place: the file itself is mounted in the container.
  if (after !== before) await writeFile(hostsPath, after);
}

/** The lines whose first name is the alias, with another address. */
export function withAddress(hosts: string, { alias, address }: { readonly alias: string; readonly address: string }): string {
  return hosts
    .split("\n")
    .map(line => (/^\S+\t(\S+)/.exec(line)?.[1] === alias ? line.replace(/^\S+/, address) : line))
    .join("\n");
}
