import { OperationError } from "../../../lib/errors.ts";
import type { HostConfig } from "../../../model/container.ts";
import type { IdMap, IdRange } from "../../../model/id-map.ts";
import type { JoinedPids } from "./namespaces.ts";
import type { OciIdMapping, OciLinux, OciNamespace } from "./types.ts";

/** The mapping that a container gets; undefined for one that has the host's user namespace. */
export function idMapFor({ usernsMode }: Pick<HostConfig, "usernsMode">, idMap: IdMap | undefined): IdMap | undefined {
  return usernsMode === "host" ? undefined : idMap;
}

export interface UserNamespaceRequest {
  readonly idMap: IdMap | undefined;
  /** Of the container's network, which a user namespace owns: a container without it could change nothing there. */
  readonly path?: string;
  readonly joined: JoinedPids;
}

/** To share another's namespaces a container has to be in its user namespace too; the last of several wins, as with Docker. */
export function joinedUserNamespace({ network, ipc, pid }: JoinedPids): string | undefined {
  const owner = pid ?? ipc ?? network;
  return owner === undefined ? undefined : `/proc/${owner}/ns/user`;
}

export function planUserNamespace({ idMap, path, joined }: UserNamespaceRequest): readonly OciNamespace[] {
  if (idMap === undefined) return [];
  const known = joinedUserNamespace(joined) ?? path;
  return [known === undefined ? { type: "user" } : { type: "user", path: known }];
}

/**
 * Also where the namespace is there already and has them: runc asks for them. crun 1.8 gives what it finds as its standard streams to the one
 * whom it takes for the container's root, the host's /dev/null among them; so where it makes no namespace it is told that this is the host's.
 */
export function planIdMappings(
  idMap: IdMap | undefined,
  { runtime, isJoined }: { readonly runtime: string; readonly isJoined: boolean },
): Pick<OciLinux, "uidMappings" | "gidMappings"> {
  if (idMap === undefined) return {};
  const [uids, gids] = [idMap.uids, idMap.gids].map(ranges =>
    (runtime === "crun" && isJoined ? withHostRoot(ranges) : ranges).map(toMapping),
  );
  return { uidMappings: uids ?? [], gidMappings: gids ?? [] };
}

function withHostRoot(ranges: readonly IdRange[]): readonly IdRange[] {
  return ranges.flatMap(({ containerId, hostId, count }) => {
    if (containerId > 0) return [{ containerId, hostId, count }];
    const root = { containerId: 0, hostId: 0, count: 1 };
    return count === 1 ? [root] : [root, { containerId: 1, hostId: hostId + 1, count: count - 1 }];
  });
}

function toMapping({ containerId, hostId, count }: IdRange): OciIdMapping {
  return { containerID: containerId, hostID: hostId, size: count };
}

/** What needs the host's root. @throws OperationError `invalid`, in Docker's words. @see moby daemon/daemon_unix.go. */
export function checkUserNamespace(
  hostConfig: Pick<HostConfig, "usernsMode" | "privileged" | "networkMode" | "pidMode">,
  idMap: IdMap | undefined,
): void {
  if (idMapFor(hostConfig, idMap) === undefined) return;
  const { privileged, networkMode, pidMode } = hostConfig;
  if (privileged) throw new OperationError("invalid", PRIVILEGED);
  if (networkMode === "host") {
    throw new OperationError("invalid", "cannot share the host's network namespace when user namespaces are enabled");
  }
  if (pidMode === "host") {
    throw new OperationError("invalid", "cannot share the host PID namespace when user namespaces are enabled");
  }
}

const PRIVILEGED =
  "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode";
