import type { NetworkId, NodeId, SessionId } from "../../model/ids.ts";
import type { AssignmentKey } from "../../model/session.ts";
import type { Recipients } from "./router.ts";
import type { Session } from "./session.ts";

/** A session's place in the table. */
export interface Seat {
  /** Aborted when the session has to end. */
  readonly closed: AbortSignal;
  readonly reason: string;
  close(reason: string): void;
  /** Resolves when there is something to tell. */
  news(signal: AbortSignal): Promise<void>;
  /** To be called after `Session.next`: its networks may be others now. */
  reindex(): void;
}

interface Entry {
  readonly session: Session;
  readonly controller: AbortController;
  networks: ReadonlySet<NetworkId>;
  reason: string;
  wake: () => void;
}

/** The sessions of one manager, by node and by network. A node's newer session fences the older. */
export class SessionTable implements Recipients {
  readonly #byNode = new Map<NodeId, Entry>();
  readonly #byNetwork = new Map<NetworkId, Set<Entry>>();
  readonly #takingFromAll = new Set<Entry>();

  open(session: Session): Seat {
    const older = this.#byNode.get(session.nodeId);
    if (older !== undefined) this.#close(older, "the node has a newer session");
    const entry: Entry = { session, controller: new AbortController(), networks: new Set(), reason: "", wake: () => undefined };
    this.#byNode.set(session.nodeId, entry);
    this.#index(entry);
    return {
      closed: entry.controller.signal,
      get reason() {
        return entry.reason;
      },
      close: reason => this.#close(entry, reason),
      reindex: () => this.#index(entry),
      news: async signal => {
        signal.throwIfAborted();
        if (session.hasNews) return;
        await new Promise<void>(resolve => {
          const wake = (): void => {
            signal.removeEventListener("abort", wake);
            resolve();
          };
          entry.wake = wake;
          signal.addEventListener("abort", wake);
        });
        signal.throwIfAborted();
      },
    };
  }

  list(): readonly Session[] {
    return [...this.#byNode.values()].map(({ session }) => session);
  }

  node(nodeId: NodeId, key: AssignmentKey): void {
    const entry = this.#byNode.get(nodeId);
    entry?.session.note(key);
    entry?.wake();
  }

  needs(nodeId: NodeId): void {
    const entry = this.#byNode.get(nodeId);
    entry?.session.noteNeeds();
    entry?.wake();
  }

  onNetworks(networks: Iterable<NetworkId>, key: AssignmentKey): void {
    for (const network of networks) {
      for (const entry of this.#byNetwork.get(network) ?? []) {
        entry.session.note(key);
        entry.wake();
      }
    }
  }

  peer(nodeId: NodeId, networks: Iterable<NetworkId>): void {
    const key = { kind: "peer", id: nodeId } as const;
    this.node(nodeId, key);
    this.onNetworks(networks, key);
    for (const entry of this.#takingFromAll) {
      entry.session.note(key);
      entry.wake();
    }
  }

  /** Those whose tasks name a secret or a config. */
  holders(key: AssignmentKey): void {
    for (const entry of this.#byNode.values()) {
      if (!entry.session.holds(key)) continue;
      entry.session.note(key);
      entry.wake();
    }
  }

  all(key: AssignmentKey): void {
    for (const entry of this.#byNode.values()) {
      entry.session.note(key);
      entry.wake();
    }
  }

  noteAll(): void {
    for (const entry of this.#byNode.values()) {
      entry.session.noteAll();
      entry.wake();
    }
  }

  /** The node's role, or where the managers are, is to be looked at again. */
  noteStanding(nodeId: NodeId): void {
    const entry = this.#byNode.get(nodeId);
    entry?.session.noteStanding();
    entry?.wake();
  }

  noteAllStanding(): void {
    for (const nodeId of this.#byNode.keys()) this.noteStanding(nodeId);
  }

  close(session: Session, reason: string): void {
    const entry = this.#byNode.get(session.nodeId);
    if (entry?.session === session) this.#close(entry, reason);
  }

  closeNode(nodeId: NodeId, reason: string): void {
    const entry = this.#byNode.get(nodeId);
    if (entry !== undefined) this.#close(entry, reason);
  }

  closeId(id: SessionId, reason: string): void {
    for (const entry of this.#byNode.values()) if (entry.session.id === id) this.#close(entry, reason);
  }

  closeAll(reason: string): void {
    for (const entry of this.#byNode.values()) this.#close(entry, reason);
  }

  /** @returns how many there were to close, at most `max`. */
  closeSome(max: number, reason: string): number {
    const some = [...this.#byNode.values()].slice(0, max);
    for (const entry of some) this.#close(entry, reason);
    return some.length;
  }

  #close(entry: Entry, reason: string): void {
    if (entry.controller.signal.aborted) return;
    entry.reason = reason;
    if (this.#byNode.get(entry.session.nodeId) === entry) this.#byNode.delete(entry.session.nodeId);
    for (const network of entry.networks) this.#byNetwork.get(network)?.delete(entry);
    entry.networks = new Set();
    this.#takingFromAll.delete(entry);
    entry.controller.abort();
  }

  #index(entry: Entry): void {
    if (!entry.controller.signal.aborted && entry.session.needs.takesFromAll) this.#takingFromAll.add(entry);
    else this.#takingFromAll.delete(entry);
    if (entry.controller.signal.aborted || entry.networks === entry.session.needs.networks) return;
    for (const network of entry.networks) this.#byNetwork.get(network)?.delete(entry);
    entry.networks = entry.session.needs.networks;
    for (const network of entry.networks) {
      const members = this.#byNetwork.get(network) ?? new Set();
      this.#byNetwork.set(network, members.add(entry));
    }
  }
}
