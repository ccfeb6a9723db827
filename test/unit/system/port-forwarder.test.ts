import assert from "node:assert/strict";
import dgram from "node:dgram";
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { KernelNetwork } from "../../../src/ports/kernel-network.ts";
import { openKernelNetwork } from "../../../src/system/kernel-network.ts";

describe("forwarded ports", function () {
  this.timeout(20_000);
  let kernel: KernelNetwork & AsyncDisposable;
  const server = net.createServer({ allowHalfOpen: true }, client => {
    // Answers once the client has said all, then ends; `reset` ends by force.
    let said = "";
    client.on("data", (chunk: Buffer) => (said += chunk.toString()));
    client.on("end", () => (said === "reset" ? client.resetAndDestroy() : client.end(`heard ${said.length}`)));
    client.on("error", () => undefined);
  });
  const echo = dgram.createSocket("udp4");

  before(async () => {
    kernel = await openKernelNetwork();
    server.listen(0, "127.0.0.1");
    echo.bind(0, "127.0.0.1");
    echo.on("message", (packet, { port, address }) => echo.send(`heard ${String(packet)}`, port, address));
    await Promise.all([once(server, "listening"), once(echo, "listening")]);
  });

  after(async () => {
    server.close();
    echo.close();
    await kernel[Symbol.asyncDispose]();
  });

  const destination = () => ({ address: "127.0.0.1", port: (server.address() as AddressInfo).port });
  const reserve = (protocol: "tcp" | "udp", port = 0) =>
    kernel.reservePort({ protocol, address: "::1", port }, { isForwarded: true });

  it("carry connections of clients that were there first, with each side's end", async () => {
    using port = reserve("tcp");
    const early = net.connect({ host: "::1", port: port.port, allowHalfOpen: true });
    await once(early, "connect");
    early.end("x".repeat(3_000_000));
    await using _ = await port.forward(destination());
    assert.equal(await text(early), "heard 3000000");
  });

  it("carry an end by force", async () => {
    using port = reserve("tcp");
    await using _ = await port.forward(destination());
    const client = net.connect({ host: "::1", port: port.port, allowHalfOpen: true });
    client.end("reset");
    const [error] = (await once(client, "error")) as [NodeJS.ErrnoException];
    assert.equal(error.code, "ECONNRESET");
  });

  it("end with their connections, and are free at once", async () => {
    const port = reserve("tcp");
    const forward = await port.forward(destination());
    const client = net.connect({ host: "::1", port: port.port });
    await once(client, "connect");
    const closed = new Promise(resolve => client.once("close", resolve));
    client.on("error", () => undefined); // It may be reset instead of ended.
    await forward[Symbol.asyncDispose]();
    port[Symbol.dispose](); // A connection that nobody has accepted yet ends with it.
    await closed;
    using again = reserve("tcp", port.port);
    assert.equal(again.port, port.port);
  });

  it("carry packets of several clients, and the answers back to each", async () => {
    using port = reserve("udp");
    await using _ = await port.forward({ address: "127.0.0.1", port: echo.address().port });
    const answers = ["a", "b"].map(async said => {
      const client = dgram.createSocket("udp6");
      client.send(said, port.port, "::1");
      const [packet] = (await once(client, "message")) as [Buffer];
      client.close();
      return String(packet);
    });
    assert.deepEqual(await Promise.all(answers), ["heard a", "heard b"]);
  });

  it("are held against other programs while nothing is forwarded yet", async () => {
    using port = reserve("tcp");
    const other = net.createServer().listen(port.port, "::1");
    const [error] = (await once(other, "error")) as [NodeJS.ErrnoException];
    assert.equal(error.code, "EADDRINUSE");
    assert.throws(() => reserve("tcp", port.port), {
      kind: "conflict",
      message: /^listen tcp6 \[::1\]:\d+: bind: address already in use$/,
    });
  });
});
