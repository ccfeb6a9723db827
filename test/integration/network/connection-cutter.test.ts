import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asId, type NetworkId } from "../../../src/model/ids.ts";
import type { Endpoint } from "../../../src/model/session.ts";
import { cutConnections, cutsFor } from "../../../src/network/connection-cutter.ts";
import type { Exec } from "../../../src/ports/exec.ts";
import type { KernelNetwork } from "../../../src/ports/kernel-network.ts";
import { createExec } from "../../../src/system/exec.ts";
import { openKernelNetwork } from "../../../src/system/kernel-network.ts";

const NETWORK = asId<NetworkId>("back");

/** The kernel's own table of connections, in namespaces of two containers. */
describe("connections to tasks that are gone", () => {
  const directory = mkdtempSync(join(tmpdir(), "cuts-"));
  const paths = ["one", "two"].map(name => join(directory, name));
  let kernel: KernelNetwork & AsyncDisposable;
  const system = createExec();
  let runs = 0;
  const exec: Exec = {
    run: (...call) => {
      runs++;
      return system.run(...call);
    },
  };

  before(async () => {
    kernel = await openKernelNetwork();
    for (const path of paths) (await kernel.createNamespace(path))[Symbol.dispose]();
  });

  beforeEach(() => {
    runs = 0;
    for (const path of paths) {
      inside(path, "-F");
      for (const host of [1, 2, 3]) {
        for (const state of ["ESTABLISHED", "SYN_SENT"]) insert(path, host, ["-p", "tcp", "--state", state]);
        insert(path, host, ["-p", "udp"]);
      }
    }
  });

  after(async () => {
    for (const path of paths) await kernel.deleteNamespace(path);
    await kernel[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  let port = 1_000;

  /** From 10.0.0.9 to a virtual address, answered by 10.0.2.`host`. */
  function insert(path: string, host: number, kind: readonly string[]): void {
    const ports = ["--sport", String(++port), "--dport", "80", "--reply-port-src", "80", "--reply-port-dst", String(port)];
    const addresses = ["-s", "10.0.0.9", "-d", "10.0.1.1", "-r", `10.0.2.${host}`, "-q", "10.0.0.9"];
    inside(path, "-I", ...kind, ...addresses, ...ports, "--timeout", "100");
  }

  function inside(path: string, ...command: readonly string[]): string {
    return execFileSync("nsenter", [`--net=${path}`, "conntrack", ...command], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  }

  /** `2 tcp SYN_SENT`: by the host that answers. */
  function kept(path = paths[0] ?? ""): readonly string[] {
    const lines = inside(path, "-L").trim().split("\n");
    const seen = lines.map(line => [
      / src=10\.0\.2\.(\d)/.exec(line)?.[1],
      /^\w+/.exec(line)?.[0],
      /ESTABLISHED|SYN_SENT/.exec(line)?.[0],
    ]);
    return seen.map(words => words.filter(Boolean).join(" ")).toSorted();
  }

  const endpoint = (host: number): Endpoint => ({
    ...{ taskId: asId(`t${host}`), serviceId: asId("web"), taskName: `web.${host}`, nodeId: asId("node1"), isServing: true },
    networks: [{ networkId: NETWORK, address: `10.0.2.${host}/24`, aliases: [] }],
  });
  const cuts = (hosts: readonly number[], what: "all" | "unanswered") =>
    cutsFor(hosts.map(endpoint), { what, ingressId: undefined, namespacesOn: id => (id === NETWORK ? paths : []) });

  const OF_TWO = ["2 tcp ESTABLISHED", "2 tcp SYN_SENT", "2 udp"];

  it("are ended in each container, those to others stay, with one program for each however many tasks have gone", async () => {
    await cutConnections(exec, cuts([1, 3, 4], "all"));
    for (const path of paths) assert.deepEqual(kept(path), OF_TWO);
    assert.equal(runs, paths.length);
  });

  it("are ended where nobody has answered yet when a node is down", async () => {
    await cutConnections(exec, cuts([1, 3], "unanswered"));
    for (const path of paths) assert.deepEqual(kept(path), ["1 tcp ESTABLISHED", ...OF_TWO, "3 tcp ESTABLISHED"]);
  });

  it("are ended in the other containers when one has ended meanwhile", async () => {
    const [one = "", two = ""] = paths;
    const gone = [{ namespacePath: `${one}-gone`, backends: ["10.0.2.1"], what: "all" }] as const;
    await cutConnections(exec, [...gone, ...cuts([1, 3], "all")]);
    assert.deepEqual(kept(two), OF_TWO);
  });
});
