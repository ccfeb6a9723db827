import { FIRST_FORMAT_LEVEL } from "../../codec/entry.ts";
import type { NodeId } from "../../model/ids.ts";
import type { Entry, Reliance } from "../store/change.ts";
import type { Snapshot } from "../store/snapshot.ts";
import type { SessionReport } from "./leader-calls.ts";

/** Which formats of the log's entries the managers read, as each has said to this leader. Lives for one term. */
export class FormatLevels {
  readonly #known = new Map<NodeId, number>();

  report({ managerId, formatLevel = FIRST_FORMAT_LEVEL }: Pick<SessionReport, "managerId" | "formatLevel">): void {
    this.#known.set(managerId, formatLevel);
  }

  /** The entry that puts a newer format in force, once all managers read it. One that has not been heard keeps it from that. */
  raise(view: Snapshot): Omit<Entry, "atMs"> | undefined {
    const [cluster] = view.all("cluster");
    if (cluster === undefined) return undefined;
    const inForce = cluster.formatLevel ?? FIRST_FORMAT_LEVEL;
    if (Math.max(0, ...this.#known.values()) <= inForce) return undefined; // As ever but after an upgrade: the nodes are not looked through.
    let level = Infinity;
    const reliesOn: Reliance[] = [];
    for (const { id, version, role, manager } of view.all("node")) {
      if (role !== "manager" && manager === undefined) continue;
      reliesOn.push({ table: "node", id, version });
      if (manager !== undefined) level = Math.min(level, this.#known.get(id) ?? 0);
    }
    if (level === Infinity || level <= inForce) return undefined;
    const object = { ...cluster, formatLevel: level };
    return { level, changes: [{ kind: "put", table: "cluster", object, basedOn: cluster.version }], reliesOn };
  }
}
