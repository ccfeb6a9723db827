import { OperationError } from "../lib/errors.ts";

/** `count` ids of a container from `containerId` on are the host's from `hostId` on. */
export interface IdRange {
  readonly containerId: number;
  readonly hostId: number;
  readonly count: number;
}

/** Whose ids of the host stand for those of users and groups in containers. */
export interface IdMap {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export const ROOT: Owner = { uid: 0, gid: 0 };

/** Whom a file is given to on the host. @throws OperationError `invalid`, in Docker's words, for an id that stands for nobody. */
export function ownerOnHost(map: IdMap | undefined, { uid, gid }: Owner): Owner {
  if (map === undefined) return { uid, gid };
  return { uid: onHost(map.uids, uid), gid: onHost(map.gids, gid) };
}

/** Whose a file is for a container. What is nobody's there (of the host's own users, in a folder that is shared) is called by its number on the host. */
export function ownerInContainer(map: IdMap | undefined, { uid, gid }: Owner): Owner {
  if (map === undefined) return { uid, gid };
  return { uid: inContainer(map.uids, uid), gid: inContainer(map.gids, gid) };
}

/** Whom containers' root is on the host. */
export function rootOnHost(map: IdMap | undefined): Owner {
  return ownerOnHost(map, ROOT);
}

/** As the kernel reads it: /proc/PID/uid_map. */
export function idMapText(ranges: readonly IdRange[]): string {
  return ranges.map(({ containerId, hostId, count }) => `${containerId} ${hostId} ${count}\n`).join("");
}

function onHost(ranges: readonly IdRange[], id: number): number {
  const range = ranges.find(({ containerId, count }) => id >= containerId && id < containerId + count);
  if (range === undefined) throw new OperationError("invalid", `container ID ${id} cannot be mapped to a host ID`);
  return range.hostId + (id - range.containerId);
}

function inContainer(ranges: readonly IdRange[], id: number): number {
  const range = ranges.find(({ hostId, count }) => id >= hostId && id < hostId + count);
  return range === undefined ? id : range.containerId + (id - range.hostId);
}
