import assert from "node:assert/strict";
import { Forwarding } from "./forwarding.ts";
import { DatagramServer, StreamServer, until } from "./servers.ts";

/** `line N` of what a syslog server was sent, in order, each once. */
function lineNumbers(text: string): readonly number[] {
  return [...new Set([...text.matchAll(/]: line (\d+)\n/g)].map(([, number]) => Number(number)))];
}

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

describe("LogForwarder", function () {
  this.timeout(20_000);

  it("sends what is there and what comes", async () => {
    await using server = await StreamServer.create();
    await using forwarding = await Forwarding.create("syslog", { "syslog-address": `tcp://127.0.0.1:${server.port}` });
    forwarding.files.lines(3);
    await forwarding.forwarder.connect();
    forwarding.forwarder.run();
    await until(() => lineNumbers(server.text).length === 3, "three lines came");
    forwarding.files.lines(2, 4);
    await until(() => lineNumbers(server.text).length === 5, "five lines came");
    assert.deepEqual(lineNumbers(server.text), upTo(5));
    assert.equal(server.connections, 1);
  });

  it("says that nobody listens, in Docker's words", async () => {
    await using forwarding = await Forwarding.create("syslog", { "syslog-address": "tcp://127.0.0.1:1" });
    await assert.rejects(forwarding.forwarder.connect(), {
      kind: "unavailable",
      message: "dial tcp 127.0.0.1:1: connect: connection refused",
    });
  });

  it("goes on where an earlier daemon stopped", async () => {
    await using server = await StreamServer.create();
    await using forwarding = await Forwarding.create("syslog", { "syslog-address": `tcp://127.0.0.1:${server.port}` });
    forwarding.files.lines(1000);
    forwarding.files.log.finish();
    forwarding.forwarder.run();
    await until(async () => !(await forwarding.forwarder.isBehind()), "all was sent");
    await forwarding.close();
    forwarding.files.log.begin();
    forwarding.files.lines(1000, 1001); // While no daemon runs.
    await forwarding.open();
    assert.equal(await forwarding.forwarder.isBehind(), true);
    forwarding.forwarder.run();
    await until(() => lineNumbers(server.text).length === 2000, "the rest came");
    assert.deepEqual(lineNumbers(server.text), upTo(2000));
    assert.equal(server.text.match(/]: line 500\n/g)?.length, 1);
  });

  it("loses nothing when the server cuts the connection and comes back later", async () => {
    const first = await StreamServer.create();
    const { port } = first;
    await using forwarding = await Forwarding.create("syslog", { "syslog-address": `tcp://127.0.0.1:${port}` });
    forwarding.forwarder.run();
    forwarding.files.lines(500);
    await until(() => lineNumbers(first.text).length > 0, "some came");
    await first[Symbol.asyncDispose]();
    forwarding.files.lines(500, 501);
    await until(() => forwarding.warnings.includes("a log cannot be sent"), "it is noticed");
    await using second = await StreamServer.create({ port });
    await until(() => lineNumbers(first.text + second.text).length === 1000, "all came");
    const all = new Set([...lineNumbers(first.text), ...lineNumbers(second.text)]);
    assert.deepEqual(
      [...all].sort((a, b) => a - b),
      upTo(1000),
    );
  });

  it("keeps what a server that is away has still to get, though there are too many files", async () => {
    await using forwarding = await Forwarding.create("syslog", { "syslog-address": "tcp://127.0.0.1:1" }, { fileBytesMax: 1000 });
    forwarding.forwarder.run();
    for (let round = 0; round < 10; round++) {
      forwarding.files.lines(20, round * 20 + 1);
      await forwarding.files.rotate();
    }
    assert.equal(forwarding.files.log.oldestFile, 1);
  });

  it("in mode non-blocking keeps no more files than the log has, and says so", async () => {
    await using server = await StreamServer.create();
    await using forwarding = await Forwarding.create(
      "syslog",
      { "syslog-address": `tcp://127.0.0.1:${server.port}` },
      { fileBytesMax: 1000, keepsUnsent: false },
    );
    for (let round = 0; round < 10; round++) {
      forwarding.files.lines(20, round * 20 + 1);
      await forwarding.files.rotate();
    }
    forwarding.files.log.finish();
    forwarding.forwarder.run();
    await until(() => server.text.includes("line 200\n"), "the last line came");
    assert.ok(!server.text.includes("line 100\n"));
    assert.deepEqual(forwarding.warnings, ["part of a log was dropped before it could be sent"]);
  });

  it("gives up what a server that never comes would get, when the options say after how many tries", async () => {
    await using forwarding = await Forwarding.create("fluentd", {
      "fluentd-address": "127.0.0.1:1",
      "fluentd-max-retries": "2",
      "fluentd-retry-wait": "1ms",
    });
    forwarding.files.lines(3);
    forwarding.files.log.finish();
    forwarding.forwarder.run();
    await until(async () => !(await forwarding.forwarder.isBehind()), "it gave up");
    assert.match(forwarding.warnings.at(-1) ?? "", /as many tries as its log options allow/);
  });

  it("ends at once though a server takes nothing", async () => {
    await using server = await StreamServer.create();
    server.isDeaf = true;
    await using forwarding = await Forwarding.create(
      "syslog",
      { "syslog-address": `tcp://127.0.0.1:${server.port}` },
      { fileBytesMax: 100_000_000 },
    );
    for (let line = 0; line < 2000; line++) forwarding.files.write("x".repeat(8000));
    forwarding.forwarder.run();
    await until(() => server.connections === 1, "it is connected");
    const startedMs = Date.now();
    await forwarding.forwarder.finish(AbortSignal.timeout(300));
    assert.ok(Date.now() - startedMs < 2000);
    assert.match(forwarding.warnings.join(), /removed before all of its log could be sent/);
  });

  it("sends again what a datagram server that was not there did not get", async () => {
    const { port } = await closedPort();
    await using forwarding = await Forwarding.create("syslog", { "syslog-address": `udp://127.0.0.1:${port}` });
    forwarding.forwarder.run();
    forwarding.files.lines(2);
    await until(() => {
      forwarding.files.write("again"); // The answer to one datagram is told to the next one.
      return forwarding.warnings.length > 0;
    }, "it is noticed");
    using server = await DatagramServer.create(port);
    await until(() => server.received.some(data => data.toString().endsWith("line 2\n")), "they came");
    assert.match(String(server.received[0]), /line 1\n$/);
  });
});

async function closedPort(): Promise<{ readonly port: number }> {
  using server = await DatagramServer.create();
  return { port: server.port };
}
