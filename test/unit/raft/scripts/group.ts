import { decodeEnvelope, encodeEnvelope } from "../../../../src/raft/encoding.ts";
import type { Message } from "../../../../src/raft/types.ts";
import { describeMessage, MESSAGE_NAMES } from "./description.ts";
import { type NodeSetup, ScriptedNode } from "./node.ts";

/** Nodes and the messages between them, which move only when a script says so. */
export class Group {
  readonly nodes = new Map<number, ScriptedNode>();
  readonly changeNames = new Map<string, string>();
  #messages: Message[] = [];

  add(setup: Omit<NodeSetup, "raftId">): void {
    const raftId = this.nodes.size + 1;
    this.nodes.set(raftId, new ScriptedNode({ ...setup, raftId }));
  }

  node(raftId: number): ScriptedNode {
    const node = this.nodes.get(raftId);
    if (node === undefined) throw new Error(`there is no node ${raftId}`);
    return node;
  }

  send(message: Message): void {
    this.#messages.push(message);
  }

  handleReady(raftId: number): string {
    const node = this.node(raftId);
    if (!node.hasReady) return "<empty Ready>";
    const { text, messages } = node.handleReady(this.changeNames);
    this.#messages.push(...messages);
    return text;
  }

  /** Takes the messages for one node out of the network, whole, or those of one type. */
  #take(to: number, type: string | undefined): readonly Message[] {
    const isTaken = (message: Message) => message.to === to && (type === undefined || MESSAGE_NAMES[message.kind] === type);
    const taken = this.#messages.filter(isTaken);
    this.#messages = this.#messages.filter(message => !isTaken(message));
    return taken;
  }

  deliver(to: number, { type }: { readonly type?: string | undefined } = {}): readonly string[] {
    return this.#take(to, type).map(message => {
      const text = describeMessage(message, this.changeNames);
      this.node(to).input(core => core.step(overTheWire(message)));
      return text;
    });
  }

  drop(to: number, { type }: { readonly type?: string | undefined } = {}): readonly string[] {
    return this.#take(to, type).map(message => `dropped: ${describeMessage(message, this.changeNames)}`);
  }

  /** Until these nodes have nothing more to do among themselves: all handle what is ready, then all receive. */
  stabilize(raftIds: readonly number[]): string {
    const lines: string[] = [];
    for (let isBusy = true; isBusy; ) {
      isBusy = false;
      for (const raftId of raftIds) {
        if (!this.node(raftId).hasReady) continue;
        isBusy = true;
        lines.push(`> ${raftId} handling Ready`, indented(this.handleReady(raftId)));
      }
      for (const raftId of raftIds) {
        const received = this.deliver(raftId);
        if (received.length === 0) continue;
        isBusy = true;
        lines.push(`> ${raftId} receiving messages`, ...received.map(indented));
      }
    }
    return lines.join("\n");
  }
}

function overTheWire(message: Message): Message {
  return decodeEnvelope(encodeEnvelope({ message, fromAddress: "" })).message;
}

export function indented(text: string): string {
  return text.replace(/^/gm, "  ");
}
