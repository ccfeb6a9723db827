import { once } from "node:events";
import type { Duplex } from "node:stream";
import { demultiplex } from "../../api/client/decode.ts";
import { CliError } from "../context.ts";
import { forRawTerminal } from "./raw-output.ts";
import { DEFAULT_DETACH_KEYS, DetachKeyFilter, parseDetachKeys } from "./detach-keys.ts";

export interface SessionOptions {
  readonly socket: Duplex;
  readonly isMultiplexed: boolean;
  /** Our standard input goes to the other side. */
  readonly hasInput: boolean;
  /** The other side has a terminal: ours passes every key on. */
  readonly isTty: boolean;
  readonly detachKeys?: string | undefined;
}

/** How a session ended: the other side closed it, or the user pressed the keys that detach. */
export type SessionEnd = "closed" | "detached";

/** Our standard streams joined to a container's until it closes them or the user leaves. */
export async function runSession(options: SessionOptions): Promise<SessionEnd> {
  const { socket, isTty, hasInput } = options;
  const restore = hasInput && isTty ? rawTerminal() : undefined;
  try {
    const output = copyOutput(socket, { isMultiplexed: options.isMultiplexed, isRaw: restore !== undefined });
    if (!hasInput) {
      await output;
      return "closed";
    }
    const leaving = new Promise<SessionEnd>(resolve => forwardInput(options, () => resolve("detached")));
    const end = await Promise.race([output.then((): SessionEnd => "closed"), leaving]);
    return end;
  } finally {
    restore?.();
    process.stdin.pause();
    socket.destroy();
  }
}

async function copyOutput(
  socket: Duplex,
  { isMultiplexed, isRaw }: { readonly isMultiplexed: boolean; readonly isRaw: boolean },
): Promise<void> {
  try {
    if (!isMultiplexed)
      for await (const chunk of socket as AsyncIterable<Uint8Array>)
        await write(process.stdout, isRaw && process.stdout.isTTY ? forRawTerminal(chunk) : chunk);
    else
      for await (const { stream, data } of demultiplex(socket as AsyncIterable<Uint8Array>))
        await write(stream === "stderr" ? process.stderr : process.stdout, data);
  } catch (error) {
    if (!isEnd(error)) throw error;
  }
}

/** A connection that goes away is how a session ends; the exit code comes from elsewhere. */
function isEnd(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    ["ERR_STREAM_PREMATURE_CLOSE", "ECONNRESET", "EPIPE"].includes(String(error.code))
  );
}

export async function write(stream: NodeJS.WriteStream, data: Uint8Array): Promise<void> {
  if (!stream.write(data)) await once(stream, "drain");
}

function forwardInput({ socket, isTty, detachKeys }: SessionOptions, onDetach: () => void): void {
  const filter = isTty ? new DetachKeyFilter(detachKeysOrDefault(detachKeys)) : undefined;
  process.stdin.on("data", (chunk: Uint8Array) => {
    const { data, isDetached } = filter?.push(chunk) ?? { data: chunk, isDetached: false };
    if (data.byteLength > 0 && !socket.destroyed && !socket.write(data)) {
      process.stdin.pause();
      socket.once("drain", () => process.stdin.resume());
    }
    if (isDetached) onDetach();
  });
  // The other side reads an end of input while its output goes on.
  process.stdin.on("end", () => socket.end());
  process.stdin.on("error", () => socket.end());
  socket.on("error", () => process.stdin.pause());
}

function detachKeysOrDefault(keys: string | undefined): Uint8Array {
  if (keys === undefined || keys === "") return DEFAULT_DETACH_KEYS;
  const parsed = parseDetachKeys(keys);
  if (parsed === undefined) throw new CliError(`invalid detach keys (${keys}) provided`);
  return parsed;
}

/** @returns what puts it back; nothing when we have no terminal. */
function rawTerminal(): (() => void) | undefined {
  if (!process.stdin.isTTY) return undefined;
  process.stdin.setRawMode(true);
  return () => process.stdin.setRawMode(false);
}

/** As Docker's CLI: a terminal inside needs one outside. */
export function checkTerminal(options: { readonly hasInput: boolean; readonly isTty: boolean }): void {
  if (options.hasInput && options.isTty && !process.stdin.isTTY) throw new CliError("the input device is not a TTY");
}

/** Tells the size of our terminal now and whenever it changes. @returns what ends that. */
export function followSize(resize: (size: { readonly h: number; readonly w: number }) => Promise<unknown>): () => void {
  if (!process.stdout.isTTY) return () => {};
  const tell = (): void => {
    const { rows, columns } = process.stdout;
    // The process may have ended meanwhile: then nobody minds its size.
    if (rows > 0 && columns > 0) resize({ h: rows, w: columns }).catch(() => {});
  };
  tell();
  process.stdout.on("resize", tell);
  return () => process.stdout.off("resize", tell);
}

const PROXIED: readonly NodeJS.Signals[] = [
  ...(["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGCONT", "SIGWINCH"] as const),
];

/** A change of size has the program inside draw its screen again: what one who attaches wants to see. */
export async function nudgeSize(resize: (size: { readonly h: number; readonly w: number }) => Promise<unknown>): Promise<void> {
  const { isTTY, rows, columns } = process.stdout;
  if (isTTY && rows > 0 && columns > 0) await resize({ h: rows + 1, w: columns + 1 }).catch(() => {});
}

/** Signals that reach us go to the container. @returns what ends that. */
export function proxySignals(send: (signal: string) => Promise<unknown>): () => void {
  const handlers = PROXIED.map(signal => {
    const handler = (): void => void send(signal.slice("SIG".length)).catch(() => {});
    process.on(signal, handler);
    return [signal, handler] as const;
  });
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}
