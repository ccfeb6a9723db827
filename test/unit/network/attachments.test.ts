import assert from "node:assert/strict";
import { OperationError } from "../../../src/lib/errors.ts";
import type { AttachmentRequest } from "../../../src/model/control.ts";
import { asId, type ContainerId, type NodeId } from "../../../src/model/ids.ts";
import { Attachments, type WantedAttachment } from "../../../src/network/attachments.ts";
import { clusterView, type NetworkAssignment } from "../../../src/network/cluster-view.ts";
import { simulatedClock, VirtualTime } from "../../sim/virtual-time.ts";
import { CountingRandom } from "../manager/ca/fakes.ts";

const WEB: WantedAttachment = { network: "open", containerId: "web", containerName: "web", aliases: [], addresses: [] };
const CONTAINER = asId<ContainerId>("web");

/** A host whose managers keep a list, which it is told of when the test says so. */
class World {
  readonly time = new VirtualTime();
  readonly list = new Map<string, AttachmentRequest>();
  readonly over = new AbortController();
  /** Containers that are on the network. */
  readonly held = new Set<string>();
  readonly warnings: string[] = [];
  failure: OperationError | undefined;
  attachments = this.host();

  host(): Attachments {
    const log = { debug() {}, info() {}, warn: (_: object, message: string) => void this.warnings.push(message), error() {} };
    const attachments = new Attachments({
      ...{ log, clock: simulatedClock(this.time), random: new CountingRandom(), nodeId: asId<NodeId>("n1") },
      isHeld: ({ containerId = "" }) => this.held.has(containerId),
      signal: this.over.signal,
    });
    attachments.useCalls({
      attach: async request => {
        if (this.failure !== undefined) throw this.failure;
        this.list.set(request.id, request);
      },
      detach: async id => {
        if (this.failure !== undefined) throw this.failure;
        this.list.delete(id);
      },
    });
    return attachments;
  }

  tell(): void {
    const endpoints = [...this.list.values()].map(({ id: taskId, nodeId, containerId, containerName: taskName }) => ({
      kind: "endpoint",
      endpoint: { taskId, nodeId, containerId, taskName, networks: [{ networkId: "net", address: "10.9.0.2/24", aliases: [] }] },
    }));
    const network = { kind: "network", network: { id: "net" } };
    this.attachments.update(clusterView([network, ...endpoints] as unknown as readonly NetworkAssignment[]));
  }
}

describe("a host's places on networks of the cluster", () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.over.abort());

  it("are there once the managers have told of them, and go back with the container", async () => {
    const attaching = world.attachments.attach(WEB);
    await world.time.runUntil(1_000);
    world.tell();
    assert.deepEqual(await attaching, { networkId: "net", address: "10.9.0.2/24", aliases: [] });
    world.held.add("web");
    await world.attachments.letGo(CONTAINER);
    assert.equal(world.list.size, 1, "it is on the network");
    world.held.delete("web");
    await world.attachments.letGo(CONTAINER);
    assert.equal(world.list.size, 0);
  });

  it("are refused in Docker's words", async () => {
    world.failure = new OperationError(
      "forbidden",
      "rpc error: code = PermissionDenied desc = network open not manually attachable",
    );
    await assert.rejects(world.attachments.attach(WEB), {
      kind: "forbidden",
      message: "Could not attach to network open: rpc error: code = PermissionDenied desc = network open not manually attachable",
    });
  });

  it("are asked for again while there is no leader, and given up after 20 s", async () => {
    world.failure = new OperationError("unavailable", "no leader");
    const attaching = world.attachments.attach(WEB);
    await world.time.runUntil(5_000);
    world.failure = undefined;
    await world.time.runUntil(6_000);
    world.tell();
    await attaching;
    world.failure = new OperationError("unavailable", "no leader");
    const failing = assert.rejects(world.attachments.attach(WEB), { message: "Could not attach to network open: no leader" });
    await world.time.runUntil(30_000);
    await failing;
  });

  it("that never come are given up in Docker's words, and given back should they come later", async () => {
    const failing = assert.rejects(world.attachments.attach(WEB), {
      message:
        "attaching to network failed, make sure your network options are correct and check manager logs: context deadline exceeded",
    });
    await world.time.runUntil(21_000);
    await failing;
    assert.equal(world.list.size, 0);
  });

  it("of containers that ended while the daemon was away go back; of those that run, not", async () => {
    for (const name of ["web", "gone"]) {
      const id = asId<never>(name);
      world.list.set(name, { ...WEB, id, nodeId: asId("n1"), containerId: name, containerName: name });
    }
    world.list.set("other", { ...WEB, id: asId("other"), nodeId: asId("n2"), containerId: "far" });
    world.held.add("web");
    world.attachments = world.host();
    world.tell();
    await world.time.runUntil(1_000);
    assert.deepEqual([...world.list.keys()], ["web", "other"]);
    assert.deepEqual(
      world.attachments.held().map(({ containerId }) => containerId),
      ["web"],
    );
  });

  it("go back also when no manager answers at first", async () => {
    const attaching = world.attachments.attach(WEB);
    await world.time.runUntil(100);
    world.tell();
    await attaching;
    world.failure = new OperationError("unavailable", "no leader");
    const letting = world.attachments.letGo(CONTAINER);
    await world.time.runUntil(6_000);
    await letting; // The container's end does not wait for ever.
    assert.equal(world.list.size, 1);
    world.failure = undefined;
    await world.time.runUntil(12_000);
    assert.equal(world.list.size, 0);
  });
});
