import assert from "node:assert/strict";
import { OperationError } from "../../../../src/lib/errors.ts";
import { type HeldPort, PortAllocator } from "../../../../src/engine/networks/port-allocator.ts";
import { hostAddressesOf, portsState, wantedPorts } from "../../../../src/engine/networks/published-ports.ts";

const binding = (hostPort: string, hostIp = "") => ({ hostIp, hostPort });

describe("wantedPorts", () => {
  it("puts fixed ports before ranges and free ones", () => {
    const wanted = wantedPorts({
      portBindings: { "80/tcp": [binding("")], "81/tcp": [binding("8000-8002")], "82/udp": [binding("53", "127.0.0.1")] },
      exposedPorts: ["80/tcp", "81/tcp", "82/udp", "90/tcp"],
      publishAllPorts: true,
    });
    assert.deepEqual(
      wanted.map(({ containerPort, protocol, hostAddress, hostPorts }) => [containerPort, protocol, hostAddress, hostPorts]),
      [
        [82, "udp", "127.0.0.1", [53, 53]],
        [81, "tcp", "", [8000, 8002]],
        [80, "tcp", "", undefined],
        [90, "tcp", "", undefined],
      ],
    );
  });

  it("are of exposed ports alone, whatever else is bound", () => {
    const portBindings = { "80/tcp": [binding("8080")], "81/tcp": [binding("8081")] };
    const wanted = wantedPorts({ portBindings, exposedPorts: ["81/tcp", "82/tcp"], publishAllPorts: false });
    assert.deepEqual(
      wanted.map(({ containerPort }) => containerPort),
      [81],
    );
  });

  const refused = [
    { key: "http/tcp", port: "1", words: /invalid port specification: "http\/tcp"/ },
    { key: "80/icmp", port: "1", words: /invalid proto: icmp/ },
    { key: "80/sctp", port: "1", words: /SCTP is not supported/ },
    { key: "80/tcp", port: "70000", words: /invalid port specification: "70000"/ },
    { key: "80/tcp", port: "20-10", words: /invalid port specification: "20-10"/ },
  ];
  for (const { key, port, words } of refused) {
    it(`refuses ${port}:${key}`, () => {
      assert.throws(
        () => wantedPorts({ portBindings: { [key]: [binding(port)] }, exposedPorts: [], publishAllPorts: false }),
        words,
      );
    });
  }
});

describe("portsState", () => {
  it("lists exposed ports without a binding", () => {
    const published = [{ protocol: "tcp", containerPort: 80, hostAddress: "0.0.0.0", hostPort: 8080 }] as const;
    assert.deepEqual(portsState(published, { exposedPorts: ["53/udp", "80/tcp"] }), {
      "53/udp": [],
      "80/tcp": [{ hostIp: "0.0.0.0", hostPort: "8080" }],
    });
  });
});

describe("hostAddressesOf", () => {
  const reach = { defaultAddress: "0.0.0.0", hasIpv4: true, hasIpv6: false, isForwarded: true };
  const cases = [
    { what: "every address", of: "", with: reach, are: ["0.0.0.0", "::"] },
    { what: "every address, with nothing that forwards", of: "", with: { ...reach, isForwarded: false }, are: ["0.0.0.0"] },
    {
      what: "every address of a container of both families",
      of: "",
      with: { ...reach, hasIpv6: true, isForwarded: false },
      are: ["0.0.0.0", "::"],
    },
    {
      what: "every address of a container of IPv6 alone",
      of: "",
      with: { ...reach, hasIpv4: false, hasIpv6: true },
      are: ["::"],
    },
    { what: "the administrator's address", of: "", with: { ...reach, defaultAddress: "127.0.0.1" }, are: ["127.0.0.1"] },
    { what: "an IPv4 address", of: "127.0.0.2", with: reach, are: ["127.0.0.2"] },
    { what: "an IPv6 address", of: "::1", with: reach, are: ["::1"] },
    { what: "an IPv6 address, with nothing that forwards", of: "::1", with: { ...reach, isForwarded: false }, are: [] },
  ];
  for (const { what, of, with: options, are } of cases) {
    it(`${what}: ${are.join(" and ")}`, () => assert.deepEqual(hostAddressesOf(of, options), are));
  }
});

describe("PortAllocator", () => {
  const setUp = (occupied: readonly string[] = [], { hasIpv6 = true } = {}) => {
    const open = new Set<string>();
    const allocator = new PortAllocator({
      hasIpv6: () => hasIpv6,
      reservePort({ address, port }) {
        const name = `${address} ${port}`;
        if (occupied.includes(name)) throw new OperationError("conflict", "in use");
        open.add(name);
        return { port, forward: () => assert.fail("nothing is forwarded"), [Symbol.dispose]: () => void open.delete(name) };
      },
    });
    const hold = (hostPorts: readonly [number, number] | undefined, hostAddress = "") =>
      allocator.hold(
        { protocol: "tcp", containerPort: 80, hostAddress, hostPorts },
        { defaultAddress: "0.0.0.0", hasIpv4: true, hasIpv6: false, isForwarded: true },
      );
    return { hold, open, portOf: (held: readonly HeldPort[]) => held[0]?.published.hostPort };
  };

  it("holds a port of both families until it is disposed", () => {
    const { hold, open, portOf } = setUp();
    const held = hold([80, 80]);
    assert.deepEqual([...open], ["0.0.0.0 80", ":: 80"]);
    assert.throws(() => hold([80, 80]), /^OperationError: Bind for 0\.0\.0\.0:80 failed: port is already allocated$/);
    for (const port of held) port[Symbol.dispose]();
    assert.deepEqual([...open], []);
    assert.equal(portOf(hold([80, 80])), 80);
  });

  it("forwards what comes over IPv6 alone", () => {
    const { hold } = setUp();
    assert.deepEqual(
      hold([80, 80]).map(({ published, forward }) => [published.hostAddress, forward !== undefined]),
      [
        ["0.0.0.0", false],
        ["::", true],
      ],
    );
  });

  it("does without IPv6 on a host that has none", () => {
    assert.equal(setUp([], { hasIpv6: false }).hold([80, 80]).length, 1);
  });

  it("lets two addresses have one port, and the families too, but not beside every address", () => {
    const { hold } = setUp();
    hold([80, 80], "127.0.0.1");
    hold([80, 80], "127.0.0.2");
    hold([80, 80], "::");
    assert.throws(() => hold([80, 80]), /Bind for 0\.0\.0\.0:80 failed: port is already allocated/);
    assert.throws(() => hold([80, 80], "::1"), /Bind for ::1:80 failed: port is already allocated/);
  });

  it("takes the first port of a range that is free in both families, and free ports one after another", () => {
    const { hold, open, portOf } = setUp(["0.0.0.0 8000", ":: 8001", ":: 32768"]);
    assert.equal(portOf(hold([8000, 8002])), 8002);
    assert.deepEqual([...open], ["0.0.0.0 8002", ":: 8002"]);
    assert.equal(portOf(hold(undefined)), 32_769);
    assert.equal(portOf(hold(undefined)), 32_770);
  });

  it("tells another program's port from a container's", () => {
    const reason = "80\\/tcp for container port 80: address already in use";
    assert.throws(() => setUp(["0.0.0.0 80"]).hold([80, 80]), new RegExp(`failed to bind host port 0\\.0\\.0\\.0:${reason}`));
    assert.throws(() => setUp([":: 80"]).hold([80, 80]), new RegExp(`failed to bind host port \\[::\\]:${reason}`));
  });
});
