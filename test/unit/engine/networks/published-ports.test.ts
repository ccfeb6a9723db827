import assert from "node:assert/strict";
import { OperationError } from "../../../../src/lib/errors.ts";
import { PortAllocator } from "../../../../src/engine/networks/port-allocator.ts";
import { portsState, wantedPorts } from "../../../../src/engine/networks/published-ports.ts";

const binding = (hostPort: string, hostIp = "") => ({ hostIp, hostPort });

describe("wantedPorts", () => {
  it("puts fixed ports before ranges and free ones", () => {
    const wanted = wantedPorts({
      portBindings: { "80/tcp": [binding("")], "81/tcp": [binding("8000-8002")], "82/udp": [binding("53", "127.0.0.1")] },
      exposedPorts: ["80/tcp", "90/tcp"],
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
    assert.deepEqual(portsState(published, { portBindings: { "80/tcp": [binding("8080")] }, exposedPorts: ["53/udp"] }), {
      "53/udp": [],
      "80/tcp": [{ hostIp: "0.0.0.0", hostPort: "8080" }],
    });
  });
});

describe("PortAllocator", () => {
  const setUp = (occupied: readonly number[] = []) => {
    const open = new Set<number>();
    const allocator = new PortAllocator({
      reservePort({ port }) {
        if (occupied.includes(port)) throw new OperationError("conflict", "in use");
        open.add(port);
        return { port, [Symbol.dispose]: () => void open.delete(port) };
      },
    });
    const hold = (hostPorts: readonly [number, number] | undefined, hostAddress = "") =>
      allocator.hold({ protocol: "tcp", containerPort: 80, hostAddress, hostPorts }, { defaultAddress: "0.0.0.0" });
    return { hold, open };
  };

  it("holds a port until it is disposed", () => {
    const { hold, open } = setUp();
    const held = hold([80, 80]);
    assert.deepEqual([...open], [80]);
    assert.throws(() => hold([80, 80]), /^OperationError: Bind for 0\.0\.0\.0:80 failed: port is already allocated$/);
    held[Symbol.dispose]();
    assert.deepEqual([...open], []);
    assert.equal(hold([80, 80]).published.hostPort, 80);
  });

  it("lets two addresses have one port, but not beside every address", () => {
    const { hold } = setUp();
    hold([80, 80], "127.0.0.1");
    hold([80, 80], "127.0.0.2");
    assert.throws(() => hold([80, 80]), /port is already allocated/);
  });

  it("takes the first free port of a range, and free ports one after another", () => {
    const { hold } = setUp([8000, 32_768]);
    assert.equal(hold([8000, 8002]).published.hostPort, 8001);
    assert.equal(hold(undefined).published.hostPort, 32_769);
    assert.equal(hold(undefined).published.hostPort, 32_770);
  });

  it("tells another program's port from a container's", () => {
    const { hold } = setUp([80]);
    assert.throws(
      () => hold([80, 80]),
      /failed to bind host port 0\.0\.0\.0:80\/tcp for container port 80: address already in use/,
    );
  });
});
