import assert from "node:assert/strict";
import { type AddressInfo, connect, type Socket } from "node:net";
import { EventEmitter, once } from "node:events";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import { pacedServer } from "../../../src/rpc/paced-server.ts";

const CONNECTIONS = 50;
const PER_TURN = 2;

describe("a paced server", () => {
  /** What stands in for the TLS server: connections as they are handed on. */
  const handedOn = new EventEmitter();
  const { server } = pacedServer(handedOn as TlsServer, PER_TURN);
  const clients: Socket[] = [];
  before(done => void server.listen(0, "127.0.0.1", done));
  after(() => {
    for (const client of clients) client.destroy();
    server.close();
  });

  function dial(): Socket {
    const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
    clients.push(client);
    return client;
  }

  it("hands on a few connections a turn, each with all that it said", async () => {
    const perTurn: number[] = [0];
    let isOver = false;
    const count = (): void => {
      perTurn.push(0);
      if (!isOver) setImmediate(count);
    };
    const heard: Promise<string>[] = [];
    const all = new Promise<void>(resolve =>
      handedOn.on("connection", (socket: Socket) => {
        perTurn.push((perTurn.pop() ?? 0) + 1);
        heard.push(once(socket, "data").then(([data]) => String(data)));
        socket.resume();
        if (heard.length === CONNECTIONS) resolve();
      }),
    );
    for (let index = 0; index < CONNECTIONS; index++) dial().write(`hello ${index}`);
    count();
    await all;
    isOver = true;
    assert.ok(Math.max(...perTurn) <= PER_TURN, perTurn.join(" "));
    const said = await Promise.all(heard);
    assert.deepEqual(said.sort(), Array.from({ length: CONNECTIONS }, (_, index) => `hello ${index}`).sort());
  });

  it("cuts those that wait when it is closed", async () => {
    const { server: other, close } = pacedServer(new EventEmitter() as TlsServer, 0);
    await new Promise<void>(resolve => void other.listen(0, "127.0.0.1", resolve));
    const client = connect((other.address() as AddressInfo).port, "127.0.0.1");
    clients.push(client);
    const ended = once(client, "close");
    client.on("error", () => undefined).resume();
    await once(other, "connection");
    await Promise.all([ended, close()]);
  });

  it("cuts those whose handshake is under way when it is closed", async () => {
    const tls = createTlsServer();
    const { server: other, close } = pacedServer(tls);
    await new Promise<void>(resolve => void other.listen(0, "127.0.0.1", resolve));
    const handedOver = once(tls, "connection");
    const client = connect((other.address() as AddressInfo).port, "127.0.0.1"); // And says nothing.
    clients.push(client);
    const ended = once(client, "close");
    client.on("error", () => undefined).resume();
    await handedOver;
    await Promise.all([ended, close()]);
  });
});
