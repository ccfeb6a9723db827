import assert from "node:assert/strict";
import packet, { type DecodedPacket } from "dns-packet";
import { OperationError } from "../../../../src/lib/errors.ts";
import { NameServer } from "../../../../src/engine/dns/name-server.ts";

const HOSTS: Readonly<Record<string, readonly string[]>> = {
  web: ["10.0.0.2", "10.0.0.3", "10.0.0.4"],
  gone: [],
  both: ["10.0.0.9", "fd00::9", "fd00::a"],
  many: Array.from({ length: 100 }, (_, index) => `10.0.1.${index}`),
};

/** @param upstream - What each server says; `undefined`: nothing. */
function setUp({ upstream = {}, draw = 0 }: { upstream?: Record<string, string | undefined>; draw?: number } = {}) {
  const asked: string[] = [];
  const server = new NameServer({
    kernel: {
      async queryNameServer({ address, transport }, query) {
        asked.push(`${address} ${transport}`);
        const rcode = upstream[address];
        if (rcode === undefined) throw new OperationError("unavailable", "timed out");
        const { id, questions = [] } = packet.decode(Buffer.from(query));
        const flags = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 }[rcode] ?? 0;
        return packet.encode({ type: "response", id: id ?? 0, flags, questions });
      },
    },
    clock: { nowMs: () => 0, monotonicMs: () => 0, sleep: async () => {}, timeout: () => new AbortController().signal },
    random: { uint32: () => draw, bytes: count => new Uint8Array(count) },
  });
  const handler = server.handlerFor({
    resolve: name => HOSTS[name],
    reverse: address => ({ "10.0.0.2": "web.net", "fd00::9": "both.net" })[address],
    servers: ["192.0.2.1", "192.0.2.2", "192.0.2.3"],
  });
  return { handler, asked };
}

type Ask = {
  readonly name: string;
  readonly type?: "A" | "AAAA" | "PTR" | "MX";
  readonly transport?: "udp" | "tcp";
  readonly edns?: number;
};

async function ask(
  handler: ReturnType<typeof setUp>["handler"],
  { name, type = "A", transport = "udp", edns }: Ask,
): Promise<DecodedPacket & { readonly rcode: string }> {
  const query = packet.encode({
    type: "query",
    id: 7,
    flags: packet.RECURSION_DESIRED,
    questions: [{ type, name }],
    additionals: edns === undefined ? [] : [{ type: "OPT", name: ".", udpPayloadSize: edns, flags: 0, options: [] } as never],
  });
  const reply = await handler(query, { transport });
  assert.ok(reply !== undefined);
  return packet.decode(Buffer.from(reply)) as DecodedPacket & { readonly rcode: string };
}

const data = ({ answers = [] }: DecodedPacket) => answers.map(answer => ("data" in answer ? answer.data : undefined));

describe("NameServer", () => {
  it("answers a known name, whatever its case, and starts elsewhere each time", async () => {
    assert.deepEqual(data(await ask(setUp().handler, { name: "WEB" })), ["10.0.0.2", "10.0.0.3", "10.0.0.4"]);
    assert.deepEqual(data(await ask(setUp({ draw: 4 }).handler, { name: "web" })), ["10.0.0.3", "10.0.0.4", "10.0.0.2"]);
  });

  for (const type of ["AAAA", "MX"] as const) {
    it(`says of a known name that it has no ${type}, and asks nobody else`, async () => {
      const { handler, asked } = setUp();
      const reply = await ask(handler, { name: "web", type });
      assert.deepEqual([data(reply), reply.rcode, asked], [[], "NOERROR", []]);
    });
  }

  it("answers a known name without addresses by nothing", async () => {
    const reply = await ask(setUp().handler, { name: "gone" });
    assert.deepEqual([data(reply), reply.rcode], [[], "NOERROR"]);
  });

  it("answers with the addresses of the family that is asked for", async () => {
    const { handler } = setUp();
    assert.deepEqual(data(await ask(handler, { name: "both" })), ["10.0.0.9"]);
    assert.deepEqual(data(await ask(handler, { name: "both", type: "AAAA" })), ["fd00::9", "fd00::a"]);
  });

  it("answers the name of an address of its networks", async () => {
    const digits = "fd00".padEnd(31, "0") + "9";
    const name = `${digits.split("").reverse().join(".")}.ip6.arpa`;
    assert.deepEqual(data(await ask(setUp().handler, { name, type: "PTR" })), ["both.net"]);
    assert.deepEqual(data(await ask(setUp().handler, { name: "2.0.0.10.in-addr.arpa", type: "PTR" })), ["web.net"]);
  });

  it("sends as many addresses as fit rather than a mark that it was cut", async () => {
    for (const { edns, transport, most } of [
      { edns: undefined, transport: "udp", most: 512 },
      { edns: 4096, transport: "udp", most: 1_232 },
      { edns: undefined, transport: "tcp", most: 65_535 },
    ] as const) {
      const reply = await ask(setUp().handler, { name: "many", transport, ...(edns === undefined ? {} : { edns }) });
      const count = data(reply).length;
      const fitting = Math.min(100, Math.floor((most - 22) / 16));
      assert.equal(count, fitting);
      assert.equal(reply.flag_tc, false);
    }
  });

  const forwards = [
    { when: "the first server knows", upstream: { "192.0.2.1": "NOERROR" }, rcode: "NOERROR", asked: 1 },
    { when: "the name does not exist", upstream: { "192.0.2.1": "NXDOMAIN" }, rcode: "NXDOMAIN", asked: 1 },
    { when: "the first is silent", upstream: { "192.0.2.2": "NOERROR" }, rcode: "NOERROR", asked: 2 },
    { when: "the first refuses", upstream: { "192.0.2.1": "REFUSED", "192.0.2.2": "NOERROR" }, rcode: "NOERROR", asked: 2 },
    { when: "all are silent", upstream: {}, rcode: "SERVFAIL", asked: 2 },
  ];
  for (const { when, upstream, rcode, asked } of forwards) {
    it(`forwards other names: ${rcode} when ${when}`, async () => {
      const setup = setUp({ upstream });
      const reply = await ask(setup.handler, { name: "example.org", transport: "tcp" });
      assert.deepEqual([reply.rcode, reply.id, setup.asked.length], [rcode, 7, asked]);
      assert.ok(setup.asked.every(server => server.endsWith(" tcp")));
    });
  }

  it("says nothing to what is no query", async () => {
    const { handler } = setUp();
    assert.equal(await handler(new Uint8Array([1, 2, 3]), { transport: "udp" }), undefined);
  });
});
