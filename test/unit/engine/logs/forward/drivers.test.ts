import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, inflateSync } from "node:zlib";
import { journalEntry, journalFields } from "../../../../../src/engine/logs/drivers/journald.ts";
import { systemLogNetwork } from "../../../../../src/system/log-network.ts";
import { aSubject } from "../log-subject.ts";
import { DatagramReceiver } from "./datagram-receiver.ts";
import { Forwarding } from "./forwarding.ts";
import { DatagramServer, StreamServer, until } from "./servers.ts";
import { unpackAll } from "./unpack.ts";
import { skip } from "../../../../skip.ts";

const LONG_LINE = Array.from({ length: 3 }, (_, index) => String(index).repeat(8192));

/** A line of output, one of errors, one too long for a message, and one without an end. */
function writeAll({ files }: Forwarding): void {
  files.write("hello");
  files.write("oops", { stream: "stderr" });
  for (const piece of LONG_LINE) files.write(piece, { tag: "P" });
  files.write("end");
  files.write("no newline", { tag: "P" });
  files.log.finish();
}

describe("the driver syslog", () => {
  const formats = [
    { format: "", head: "<30>Nov 21 00:00:00 tag[42]: ", errorHead: "<27>Nov 21 00:00:01 tag[42]: " },
    { format: "rfc3164", head: "<30>Nov 21 00:00:00 the-host tag[42]: ", errorHead: "<27>Nov 21 00:00:01 the-host tag[42]: " },
    {
      format: "rfc5424",
      head: "<30>1 2026-11-21T00:00:00Z the-host tag 42 tag - ",
      errorHead: "<27>1 2026-11-21T00:00:01Z the-host tag 42 tag - ",
    },
    {
      format: "rfc5424micro",
      head: "<30>1 2026-11-21T00:00:00.000000Z the-host tag 42 tag - ",
      errorHead: "<27>1 2026-11-21T00:00:01.000000Z the-host tag 42 tag - ",
    },
  ];
  const isUtc = new Date(2026, 10, 21).getTimezoneOffset() === 0;
  for (const { format, head, errorHead } of formats) {
    it(`writes the format ${format || "of unix"}`, async function () {
      if (!isUtc) skip(this, "the machine is not on UTC");
      using server = await DatagramServer.create();
      const address = { "syslog-address": `udp://127.0.0.1:${server.port}`, "syslog-format": format, tag: "tag" };
      await using forwarding = await Forwarding.create("syslog", address);
      writeAll(forwarding);
      forwarding.forwarder.run();
      await until(() => server.received.length === 5, "all came");
      const text = server.received.map(String);
      assert.equal(text[0], `${head}hello\n`);
      assert.equal(text[1], `${errorHead}oops\n`);
      assert.ok(text[2]?.endsWith(` ${LONG_LINE[0]}${LONG_LINE[1]}\n`));
      assert.ok(text[3]?.endsWith(` ${LONG_LINE[2]}end\n`));
      assert.ok(text[4]?.endsWith(" no newline\n"));
    });
  }

  it("sends over TLS, with lengths where RFC 5425 wants them, and trusts whom it is told to", async () => {
    const directory = mkdtempSync(join(tmpdir(), "shct-tls-"));
    try {
      const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
      const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
      const made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
      execFileSync("openssl", [...made, "-keyout", key, "-out", cert, ...subject], { stdio: "ignore" });
      await using server = await StreamServer.create({
        tls: { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") },
      });
      const options = {
        "syslog-address": `tcp+tls://127.0.0.1:${server.port}`,
        "syslog-format": "rfc5424",
        "syslog-facility": "local0",
      };
      {
        await using stranger = await Forwarding.create("syslog", options);
        await assert.rejects(stranger.forwarder.connect(), { kind: "unavailable" });
      }
      await using forwarding = await Forwarding.create("syslog", { ...options, "syslog-tls-ca-cert": cert });
      await forwarding.forwarder.connect();
      forwarding.files.write("hello");
      forwarding.forwarder.run();
      await until(() => server.text.endsWith("hello\n"), "it came");
      const [length = "", rest = ""] = server.text.split(/ (.*)/s);
      assert.equal(Number(length), rest.length);
      assert.match(rest, /^<134>1 2026-11-21T/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("sends to a socket of this host", async () => {
    const directory = mkdtempSync(join(tmpdir(), "shct-unix-"));
    const path = join(directory, "log");
    using receiver = new DatagramReceiver(path);
    await using forwarding = await Forwarding.create("syslog", { "syslog-address": `unixgram://${path}`, tag: "t" });
    for (let line = 0; line < 1000; line++) forwarding.files.write(`line ${line}`);
    forwarding.files.log.finish();
    forwarding.forwarder.run();
    await until(() => receiver.received.length === 1000, "all came, though the receiver's queue holds a few");
    assert.ok(receiver.received.every((data, line) => data.toString().endsWith(`]: line ${line}\n`)));
    rmSync(directory, { recursive: true });
  });
});

describe("the driver gelf", () => {
  for (const type of ["gzip", "zlib", "none"]) {
    it(`sends datagrams, in chunks, compressed by ${type}`, async () => {
      using server = await DatagramServer.create();
      await using forwarding = await Forwarding.create("gelf", {
        "gelf-address": `udp://127.0.0.1:${server.port}`,
        "gelf-compression-type": type,
        labels: "team",
        env: "REGION",
      });
      writeAll(forwarding);
      forwarding.forwarder.run();
      const messages = () => joinChunks(server.received).map(data => JSON.parse(unpacked(type, data)) as Record<string, unknown>);
      await until(() => messages().length === 5, "all came");
      const { _created, ...first } = messages()[0] ?? {};
      assert.equal(_created, "2026-11-21T12:00:00.000Z");
      assert.deepEqual(first, {
        version: "1.1",
        host: "the-host",
        short_message: "hello",
        timestamp: Date.UTC(2026, 10, 21) / 1000,
        level: 6,
        _command: "sh -c true",
        _container_id: aSubject().id,
        _container_name: "web",
        _image_id: aSubject().imageId,
        _image_name: "busybox:latest",
        _tag: "0123456789ab",
        _team: "red",
        _REGION: "eu",
      });
      assert.equal(messages()[1]?.["level"], 3);
      assert.equal(messages()[2]?.["short_message"], `${LONG_LINE[0]}${LONG_LINE[1]}`);
    });
  }

  it("sends over TCP, with a zero byte after each", async () => {
    await using server = await StreamServer.create();
    await using forwarding = await Forwarding.create("gelf", { "gelf-address": `tcp://127.0.0.1:${server.port}` });
    writeAll(forwarding);
    forwarding.files.write("");
    forwarding.forwarder.run();
    await until(() => server.text.split("\0").length === 6, "all came");
    const texts = server.text
      .split("\0")
      .filter(text => text !== "")
      .map(text => (JSON.parse(text) as { readonly short_message: string }).short_message);
    assert.deepEqual([texts[0], texts[1], texts[4]], ["hello", "oops", "no newline"]);
  });

  it("says that nobody listens, in Docker's words", async () => {
    await using forwarding = await Forwarding.create("gelf", { "gelf-address": "tcp://127.0.0.1:1" });
    await assert.rejects(forwarding.forwarder.connect(), {
      message: "gelf: cannot connect to GELF endpoint: 127.0.0.1:1 dial tcp 127.0.0.1:1: connect: connection refused",
    });
  });
});

describe("the driver fluentd", () => {
  it("sends events", async () => {
    await using server = await StreamServer.create();
    await using forwarding = await Forwarding.create("fluentd", {
      "fluentd-address": `127.0.0.1:${server.port}`,
      tag: "docker.{{.Name}}",
      labels: "team",
    });
    writeAll(forwarding);
    forwarding.forwarder.run();
    await until(() => unpackAll(server.data).length === 5, "all came");
    const [first, second, third, fourth] = unpackAll(server.data) as readonly [string, number, Record<string, string>, object][];
    const common = { container_id: aSubject().id, container_name: "/web", team: "red" };
    const seconds = Date.UTC(2026, 10, 21) / 1000;
    assert.deepEqual(first, ["docker.web", seconds, { ...common, source: "stdout", log: "hello" }, {}]);
    assert.deepEqual(second, ["docker.web", seconds + 1, { ...common, source: "stderr", log: "oops" }, {}]);
    const { partial_id: id, ...part } = third?.[2] ?? {};
    assert.match(id ?? "", /^[0-9a-f]{64}$/);
    assert.deepEqual(part, {
      ...{ ...common, source: "stdout", log: `${LONG_LINE[0]}${LONG_LINE[1]}` },
      ...{ partial_message: "true", partial_ordinal: "1", partial_last: "false" },
    });
    const { partial_id: sameId, partial_ordinal: ordinal, partial_last: isLast } = fourth?.[2] ?? {};
    assert.deepEqual([sameId, ordinal, isLast], [id, "2", "true"]);
  });

  it("waits for acknowledgements, and sends again what has none", async () => {
    await using server = await StreamServer.create();
    let isAnswering = false;
    server.answer = (data, socket) => {
      const [batch] = unpackAll(data) as readonly [string, unknown[], { readonly chunk: string }][];
      const chunk = batch?.[2].chunk ?? "";
      if (isAnswering)
        socket.write(
          Buffer.concat([Buffer.from([0x81, 0xa3]), Buffer.from("ack"), Buffer.from([0xa0 | chunk.length]), Buffer.from(chunk)]),
        );
    };
    await using forwarding = await Forwarding.create("fluentd", {
      "fluentd-address": `127.0.0.1:${server.port}`,
      "fluentd-request-ack": "true",
      "fluentd-sub-second-precision": "true",
      "fluentd-read-timeout": "200ms",
      "fluentd-retry-wait": "10ms",
    });
    forwarding.files.lines(3);
    forwarding.files.log.finish();
    forwarding.forwarder.run();
    await until(() => server.connections === 2, "it tries again");
    assert.equal(await forwarding.forwarder.isBehind(), true);
    isAnswering = true;
    await until(async () => !(await forwarding.forwarder.isBehind()), "it is acknowledged");
    const [batch] = unpackAll(server.data) as readonly [string, [unknown, Record<string, string>][], object][];
    assert.deepEqual(
      batch?.[1].map(([time, { log }]) => [time, log]),
      [1, 2, 3].map(number => [{ seconds: Date.UTC(2026, 10, 21) / 1000 + number - 1, nanoseconds: 1 }, `line ${number}`]),
    );
  });
});

describe("the driver journald", () => {
  it("makes entries with Docker's fields", () => {
    const fields = journalFields(aSubject({ labels: "org.x/level", env: "REGION", tag: "{{.Name}}" }));
    const entry = journalEntry({ stream: "stderr", timeNs: 1_500_000_000n, line: Buffer.from("a\nb") }, fields);
    const length = Buffer.from([3, 0, 0, 0, 0, 0, 0, 0]).toString();
    assert.equal(
      Buffer.from(entry).toString(),
      `PRIORITY=3\nMESSAGE\n${length}a\nb\nCONTAINER_ID=0123456789ab\nCONTAINER_ID_FULL=${aSubject().id}\nCONTAINER_NAME=web\n` +
        "CONTAINER_TAG=web\nIMAGE_NAME=busybox:latest\nSYSLOG_IDENTIFIER=web\nORG_X_LEVEL=7\nREGION=eu\n" +
        "SYSLOG_TIMESTAMP=1970-01-01T00:00:01.5Z\n",
    );
  });

  it("hands over what is too large for a datagram as a sealed file", async () => {
    const directory = mkdtempSync(join(tmpdir(), "shct-unix-"));
    const path = join(directory, "socket");
    using receiver = new DatagramReceiver(path);
    const connection = await systemLogNetwork.openDatagram({ kind: "unixgram", path });
    const data = Buffer.alloc(1_000_000, "x");
    await connection.send(data, { signal: new AbortController().signal });
    await until(() => receiver.received.length === 1, "it came");
    assert.ok(receiver.received[0]?.equals(data));
    connection.close();
    rmSync(directory, { recursive: true });
  });
});

/** GELF messages of datagrams that came in order. */
function joinChunks(datagrams: readonly Buffer[]): readonly Buffer[] {
  const messages: Buffer[] = [];
  let parts: Buffer[] = [];
  for (const datagram of datagrams) {
    if (datagram.readUInt16BE(0) !== 0x1e0f) {
      messages.push(datagram);
      continue;
    }
    assert.ok(datagram.length <= 1420);
    assert.equal(datagram[10], parts.length);
    parts.push(datagram.subarray(12));
    if (datagram[11] !== parts.length) continue;
    messages.push(Buffer.concat(parts));
    parts = [];
  }
  return messages;
}

function unpacked(type: string, data: Buffer): string {
  return (type === "gzip" ? gunzipSync(data) : type === "zlib" ? inflateSync(data) : data).toString();
}
