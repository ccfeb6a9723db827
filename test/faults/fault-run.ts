import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FAILPOINTS, type FailpointName } from "../../src/ports/failpoint.ts";
import { importBusybox } from "../integration/lab/lab.ts";
import { Acknowledged } from "./acknowledged.ts";
import { FaultHost } from "./fault-host.ts";
import { settledLeftovers } from "./leftovers.ts";
import { create, type Operation } from "./operation.ts";
import { cleanUp, OPERATIONS } from "./operations.ts";
import type { Passed } from "./plan.ts";
import { playRound, type Round, type RoundResult } from "./round.ts";

const BEHIND_MS = 200;

/** A host with containers that have nothing to do with what happens, and rounds played on it. After one that failed it is a new host. */
export class FaultRun implements AsyncDisposable {
  #host: FaultHost;
  #known: Acknowledged;
  #count = 0;

  private constructor(host: FaultHost, known: Acknowledged) {
    this.#host = host;
    this.#known = known;
  }

  static async begin(): Promise<FaultRun> {
    return new FaultRun(...(await populatedHost()));
  }

  /** Plays each operation without a fault. @throws Error when one leaves something. */
  async learn(operations: readonly Operation[] = OPERATIONS): Promise<readonly Passed[]> {
    const passed: Passed[] = [];
    for (const operation of operations) {
      const world = { host: this.#host, known: this.#known, name: `op${this.#count++}` };
      await operation.prepare?.(world);
      this.#host.takeHits();
      const startedMs = performance.now();
      await operation.run(world);
      const lastsMs = performance.now() - startedMs;
      await new Promise(resolve => setTimeout(resolve, BEHIND_MS)); // What goes on behind the user's back counts too.
      passed.push({ operation, lastsMs, hits: this.#host.takeHits().filter(isName) });
      const differences = [...(await this.#known.compare()), ...(await settledLeftovers(this.#host))];
      if (differences.length > 0) throw new Error(`${operation.name} without a fault:\n${differences.join("\n")}`);
      await cleanUp(world);
      await this.#known.compare();
    }
    return passed;
  }

  async play(round: Round): Promise<RoundResult> {
    const name = `op${this.#count++}`;
    const result = await playRound(this.#host, this.#known, { ...round, name }).catch((error: unknown) => ({
      problems: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
      isHit: false,
      ending: "broken off",
    }));
    if (result.problems.length === 0) return result;
    const log = this.#keepLog(name);
    await this.#host[Symbol.asyncDispose]();
    [this.#host, this.#known] = await populatedHost();
    return { ...result, problems: [...result.problems, `the daemon's log: ${log}`] };
  }

  /** The host goes, and its log with it. @returns where it is kept. */
  #keepLog(name: string): string {
    const path = join(mkdtempSync(join(tmpdir(), "shoal-fault-")), `${name}.log`);
    writeFileSync(path, this.#host.log());
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host[Symbol.asyncDispose]();
  }
}

function isName(text: string): text is FailpointName {
  return (FAILPOINTS as readonly string[]).includes(text);
}

async function populatedHost(): Promise<[FaultHost, Acknowledged]> {
  const host = await FaultHost.up();
  const known = new Acknowledged(host.socket);
  await importBusybox([{ name: "m1", address: "", socket: host.socket }]);
  const at = (name: string) => ({ host, known, name });
  const start = (name: string) =>
    known.change({ method: "POST", path: `/containers/${name}/start` }, [`container:${name}`, "running"]);
  const world = at("standing");
  await known.change({ method: "POST", path: "/networks/create", body: { Name: "standing" } }, ["network:standing", "there"]);
  await create(world, {
    ExposedPorts: { "80/tcp": {} },
    HostConfig: {
      NetworkMode: "standing",
      Binds: ["standing:/data"],
      PortBindings: { "80/tcp": [{ HostPort: "19999" }] },
      RestartPolicy: { Name: "always" },
    },
  });
  await start("standing");
  await create(at("standing-alone"), { HostConfig: { NetworkMode: "none", RestartPolicy: { Name: "always" } } });
  await start("standing-alone");
  await known.compare();
  return [host, known];
}
