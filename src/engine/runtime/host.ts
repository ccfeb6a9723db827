import type { Duplex } from "node:stream";
import type { Exec } from "../../ports/exec.ts";
import type { Spawner } from "../../ports/process.ts";

/** What the shim needs of the system. The real one is put together from `src/system`. */
export interface RuntimeHost {
  readonly spawner: Spawner;
  readonly exec: Exec;
  /** What to run in a program's place so that it need not protect itself from being overwritten. @param file - Absolute. */
  sealedProgram(file: string): Promise<string>;
  /** @throws when nobody listens. */
  connectPacketSocket(path: string, listener: PacketListener): PacketSocket;
  /** @returns a function that ends the watch; `undefined` when there is no such process. @throws Error where it cannot be watched. */
  watchProcess(pid: number, onEnd: () => void): (() => void) | undefined;
  /** A socket on which a runtime hands over the terminal it made. */
  listenForConsole(path: string): Promise<ConsoleListener>;
  /** Bytes in a pipe that nobody has read yet. @param fd - Either end. */
  unreadBytes(fd: number): number;
  /** The null device by a file of its own, for a program that may do to it what it wants. */
  openNull(): { readonly fd: number } & Disposable;
}

export interface PacketListener {
  onPacket(packet: Uint8Array): void;
  onEnd(): void;
}

export interface PacketSocket {
  write(data: Uint8Array): Promise<void>;
  endWriting(): void;
  pause(): void;
  resume(): void;
  close(): void;
}

export interface ConsoleListener {
  /** `undefined` when it was closed first. */
  readonly console: Promise<TerminalConsole | undefined>;
  close(): void;
}

export interface TerminalConsole {
  readonly stream: Duplex;
  resize(size: { readonly heightCells: number; readonly widthCells: number }): void;
}
