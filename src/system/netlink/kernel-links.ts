import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { LinkChange, Links } from "../../ports/kernel-network.ts";
import { closeFd } from "../libc.ts";
import { describe, messagesFor } from "./link-messages.ts";
import type { NetlinkMessage } from "./message.ts";
import { NetlinkSocket } from "./netlink-socket.ts";

/** The interfaces of one network namespace. Both files keep it alive as long as they are open. */
export class KernelLinks implements Links {
  readonly namespaceFd: number;
  readonly #socket: NetlinkSocket;
  #isClosed = false;

  /** @param files - Become this object's: a socket that was opened in the namespace, and the namespace. */
  constructor({ socketFd, namespaceFd }: { readonly socketFd: number; readonly namespaceFd: number }) {
    this.#socket = new NetlinkSocket(socketFd);
    this.namespaceFd = namespaceFd;
  }

  async change(
    changes: readonly LinkChange[],
    { allowFailure = false }: { readonly allowFailure?: boolean } = {},
  ): Promise<void> {
    const asked: LinkChange[] = [];
    const failures: string[] = [];
    const outcomes = await this.#socket.send(() =>
      changes.flatMap(change => {
        const messages = this.#encoded(change, failures);
        asked.push(...messages.map(() => change));
        return messages;
      }),
    );
    for (const [index, change] of asked.entries()) {
      const code = outcomes[index];
      if (code !== undefined) failures.push(`${describe(change)}: ${code}`);
    }
    if (failures.length > 0 && !allowFailure) throw new OperationError("internal", failures.join("; "));
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket[Symbol.dispose]();
    closeFd(this.namespaceFd);
  }

  /** None when a device is not there that it names. */
  #encoded(change: LinkChange, failures: string[]): readonly NetlinkMessage[] {
    try {
      return messagesFor(change, name => this.#socket.deviceNumber(name));
    } catch (error) {
      failures.push(`${describe(change)}: ${errorMessage(error)}`);
      return [];
    }
  }
}
