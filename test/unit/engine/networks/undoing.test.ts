import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ContainerSandboxes, type ContainerSandboxesOptions } from "../../../../src/engine/networks/container-sandboxes.ts";
import { readText } from "../../../../src/engine/networks/host-files.ts";
import { NamespacePool } from "../../../../src/engine/networks/namespace-pool.ts";
import { NetworkNames } from "../../../../src/engine/networks/network-names.ts";
import type { EndpointRecord, SandboxRecord } from "../../../../src/engine/networks/sandbox-record.ts";
import { OperationError } from "../../../../src/lib/errors.ts";
import type { Container } from "../../../../src/model/container.ts";
import type { KernelNetwork } from "../../../../src/ports/kernel-network.ts";

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

function fail(message: string): never {
  throw new OperationError("internal", message);
}

describe("pins of namespaces", () => {
  let directory: string;
  let deleted: string[];
  let pool: NamespacePool;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "shoal-pins-"));
    deleted = [];
    const kernel = {
      deleteNamespace: async (path: string) => {
        if (path.endsWith("/stuck")) fail("the pin is stuck");
        deleted.push(path.slice(directory.length + 1));
      },
    } as unknown as KernelNetwork;
    pool = new NamespacePool({ kernel, directory } as unknown as ConstructorParameters<typeof NamespacePool>[0]);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("all go, but for one that cannot, which is told", async () => {
    for (const name of ["a", "kept", "stuck", "z"]) writeFileSync(join(directory, name), "");
    await assert.rejects(pool.discardOthers(new Set([join(directory, "kept")])), { message: "the pin is stuck" });
    assert.deepEqual(deleted, ["a", "z"]);
  });

  it("go for the user namespace too, when that of the network cannot", async () => {
    const pins = { path: join(directory, "stuck"), userPath: join(directory, "user") };
    await assert.rejects(pool.discard(pins), { message: "the pin is stuck" });
    assert.deepEqual(deleted, ["user"]);
  });
});

describe("a container's network", () => {
  const container = { id: "c1", name: "web", config: { hostname: "web" }, networks: { endpoints: {} } } as unknown as Container;
  const onIt = {
    ...container,
    networks: { endpoints: { back: { endpointId: "e2", ipAddress: "10.0.0.2" } } },
  } as unknown as Container;
  const endpoint = { networkId: "n2", networkName: "back", endpointId: "e2", dnsNames: [] } as unknown as EndpointRecord;
  const record = {
    containerId: "c1",
    containerName: "web",
    path: "/ns",
    endpoints: [],
    published: [],
  } as unknown as SandboxRecord;
  const network = { id: "n2", name: "bridge", driver: "bridge", options: {}, ipam: [], scope: "local" };
  let done: string[];

  /** @param failing - What each of these says instead. */
  function sandboxes(failing: Readonly<Record<string, string>>): ContainerSandboxes {
    const step = (name: string) => async () => {
      const message = failing[name];
      if (message !== undefined) fail(message);
      done.push(name);
    };
    return new ContainerSandboxes({
      kernel: { linksIn: () => ({ [Symbol.dispose]: () => void done.push("links") }) },
      table: { find: () => network },
      names: new NetworkNames(),
      planner: { planEndpoint: () => endpoint, freeEndpoint: () => void done.push("address") },
      devices: { raise: step("raise"), lower: step("lower") },
      firewall: { remove: step("rules"), change: step("rules") },
      namespaces: { discard: step("namespace") },
      files: {
        write: async ({ endpoints }: SandboxRecord) => void done.push(`record of ${endpoints.length}`),
        remove: step("record"),
      },
      log: SILENT,
      cluster: () => ({ leave: step("leave") }),
    } as unknown as ContainerSandboxesOptions);
  }
  beforeEach(() => void (done = []));

  it("is what it was after an interface that could neither be raised nor taken away", async () => {
    const made = sandboxes({ raise: "no such bridge", lower: "no answer" });
    await made.adopt(record, { container, ports: [] });
    await assert.rejects(made.attach(container, { network, config: {} } as unknown as Parameters<typeof made.attach>[1]), {
      message: "no such bridge; no answer",
    });
    assert.deepEqual(done, ["record of 1", "address", "record of 0", "links"]);
  });

  it("is let go of whole, though its cluster does not answer", async () => {
    const made = sandboxes({ leave: "no manager" });
    await made.adopt({ ...record, endpoints: [endpoint] }, { container: onIt, ports: [held(done)] });
    done.splice(0);
    await made.release(container.id);
    await made.settle();
    assert.deepEqual(done, ["rules", "port", "lower", "namespace", "record", "address"]);
  });

  it("keeps its record, and its address, where something of it is left", async () => {
    const made = sandboxes({ lower: "no answer" });
    await made.adopt({ ...record, endpoints: [endpoint] }, { container: onIt, ports: [held(done)] });
    done.splice(0);
    await made.release(container.id);
    await made.settle();
    assert.deepEqual(done, ["leave", "rules", "port", "namespace"]);
  });
});

function held(done: string[]) {
  return { published: {}, [Symbol.dispose]: () => void done.push("port") } as unknown as Parameters<
    ContainerSandboxes["adopt"]
  >[1]["ports"][number];
}

describe("a file of the host's", () => {
  it("is empty where it is not there, and not where it cannot be read", async () => {
    const directory = mkdtempSync(join(tmpdir(), "shoal-text-"));
    try {
      assert.equal(await readText(join(directory, "resolv.conf")), "");
      mkdirSync(join(directory, "hosts"));
      await assert.rejects(readText(join(directory, "hosts")), { code: "EISDIR" });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
