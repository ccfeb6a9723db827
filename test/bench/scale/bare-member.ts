// What one writer costs at the least: three processes that send an entry over bare TCP, write it with its sync, and answer. No TLS, no gRPC, no Raft.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { openDisk } from "../../../src/system/disk.ts";
import { summarize } from "../statistics.ts";
import { answer } from "./child.ts";
import type { BareCall, BareFigures, BareMemberOptions } from "./protocol.ts";

/** What a commit of 256 bytes sends and writes. */
const ENTRY_BYTES = 300;
const AHEAD_BYTES = 8 * 1024 * 1024;
const { directory, name } = JSON.parse(process.argv[2] ?? "") as BareMemberOptions;

const file = await openDisk({ root: directory }).openAppend(name, { aheadBytes: AHEAD_BYTES, syncsAppends: true });
await file.append(entry(0)); // With the zeros ahead that all others go into.
await file.sync();

const server = createServer(socket => {
  socket.setNoDelay(true);
  socket.on("error", () => {}); // The writer has ended.
  onEntries(socket, number => void file.append(entry(number)).then(() => socket.write(entry(number))));
});
await once(server.listen(0, "127.0.0.1"), "listening");

answer<BareCall>(async ({ peers, forMs }) => {
  const { port } = server.address() as AddressInfo;
  if (peers.length === 0) return { port, perSecond: 0, medianMs: 0 } satisfies BareFigures;
  const sockets = await Promise.all(peers.map(dial));
  const times = await write(sockets, forMs);
  for (const socket of sockets) socket.destroy();
  return { port, perSecond: times.length / (forMs / 1_000), medianMs: summarize(times).median } satisfies BareFigures;
});

/** An entry counts when it is on this disk and one other's. @returns how long each took, in ms. */
async function write(sockets: readonly Socket[], forMs: number): Promise<readonly number[]> {
  const times: number[] = [];
  let answered = 0;
  let heard = (): void => {};
  for (const socket of sockets)
    onEntries(socket, number => {
      answered = Math.max(answered, number);
      heard();
    });
  const endMs = performance.now() + forMs;
  for (let number = 1; performance.now() < endMs; number++) {
    const beganMs = performance.now();
    for (const socket of sockets) socket.write(entry(number));
    await file.append(entry(number));
    while (answered < number) await new Promise<void>(resolve => (heard = resolve));
    times.push(performance.now() - beganMs);
  }
  return times;
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket.setNoDelay(true);
}

function entry(number: number): Buffer {
  const bytes = Buffer.alloc(ENTRY_BYTES, 7);
  bytes.writeUInt32LE(number, 0);
  return bytes;
}

function onEntries(socket: Socket, tell: (number: number) => void): void {
  let held: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    for (; held.length >= ENTRY_BYTES; held = held.subarray(ENTRY_BYTES)) tell(held.readUInt32LE(0));
  });
}
