import { closeSync, fstatSync, readSync } from "node:fs";
import { setImmediate as turn, setTimeout as delay } from "node:timers/promises";
import { declareChecked, SystemCallError } from "../../../../../src/system/libc.ts";
import {
  descriptorControl,
  MSG_CMSG_CLOEXEC,
  MSG_DONTWAIT,
  messageOf,
  receivedDescriptor,
  receiveMessage,
} from "../../../../../src/system/message-header.ts";

const socket = declareChecked<[domain: number, type: number, protocol: number]>(
  "socket",
  "int socket(int domain, int type, int protocol)",
);
const bind = declareChecked<[fd: number, address: Buffer, length: number]>(
  "bind",
  "int bind(int fd, const void *address, int length)",
);
const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MESSAGE_BYTES_MAX = 256 * 1024;

/** A datagram socket at a path, as journald and syslog daemons have one. Takes what is sent, also as a file. */
export class DatagramReceiver implements Disposable {
  readonly received: Buffer[] = [];
  readonly #fd: number;
  #isOpen = true;

  constructor(path: string) {
    this.#fd = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
    const address = Buffer.alloc(110);
    address.writeUInt16LE(AF_UNIX, 0);
    address.write(path, 2);
    bind(this.#fd, address, 2 + path.length + 1);
    void this.#receive();
  }

  async #receive(): Promise<void> {
    while (this.#isOpen) {
      let count = 0;
      while (this.#receiveOne()) count++;
      await (count === 0 ? delay(1) : turn());
    }
    closeSync(this.#fd);
  }

  #receiveOne(): boolean {
    const data = Buffer.alloc(MESSAGE_BYTES_MAX);
    const control = descriptorControl();
    try {
      const bytes = receiveMessage(this.#fd, messageOf(data, control), MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
      const file = receivedDescriptor(control);
      this.received.push(file === undefined ? data.subarray(0, bytes) : contentOf(file));
      return true;
    } catch (error) {
      if (error instanceof SystemCallError && error.code === "EAGAIN") return false;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#isOpen = false;
  }
}

function contentOf(file: number): Buffer {
  const content = Buffer.alloc(fstatSync(file).size);
  readSync(file, content, 0, content.length, 0);
  closeSync(file);
  return content;
}
