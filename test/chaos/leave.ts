import { call, newRequestId, type NodeJson, ok, type TestHost, type TestLab } from "../integration/lab/lab.ts";
import { sleep } from "./sleep.ts";

/** Managers may be away, all of them at once: so long it is tried again. */
const PATIENCE_MS = 60_000;
const RETRY_MS = 500;
const LEAVE_MS = 30_000;
const JOIN_MS = 40_000;

/** A worker that leaves its swarm, for good as far as the swarm knows, and comes back as another node. */
export class Leaver {
  readonly #lab: TestLab;
  readonly #host: TestHost;
  #nodeId = "";

  constructor(lab: TestLab, host: string) {
    this.#lab = lab;
    this.#host = lab.host(host);
  }

  async leave(): Promise<void> {
    this.#nodeId = (await this.#membership()).NodeID;
    const { status, body } = await call(this.#host, "POST", "/swarm/leave", { timeoutMs: LEAVE_MS });
    if (status >= 300) throw new Error(`${this.#host.name} could not leave: ${status} ${JSON.stringify(body)}`);
  }

  /** Some manager says that the node is down. */
  async isKnown(): Promise<boolean> {
    return await this.#atSomeManager(async manager => {
      const nodes = await ok<readonly NodeJson[]>(manager, "GET", "/nodes");
      return nodes.some(({ ID, Status }) => ID === this.#nodeId && Status.State === "down");
    }).catch(() => false);
  }

  /** @throws Error when no manager takes it in for a minute. */
  async comeBack(): Promise<void> {
    await this.#untilDone(async () => {
      if ((await this.#membership()).LocalNodeState !== "active") await this.#atSomeManager(manager => this.#join(manager));
      if (this.#nodeId !== "") await this.#atSomeManager(manager => this.#forget(manager));
    });
  }

  async #membership(): Promise<{ readonly NodeID: string; readonly LocalNodeState: string }> {
    return (
      await ok<{ readonly Swarm: { readonly NodeID: string; readonly LocalNodeState: string } }>(this.#host, "GET", "/info")
    ).Swarm;
  }

  async #join(manager: TestHost): Promise<void> {
    const { JoinTokens } = await ok<{ readonly JoinTokens: { readonly Worker: string } }>(manager, "GET", "/swarm");
    const own = { ListenAddr: "0.0.0.0:2377", AdvertiseAddr: this.#host.address };
    const body = { ...own, RemoteAddrs: [manager.address], JoinToken: JoinTokens.Worker };
    const answer = await call(this.#host, "POST", "/swarm/join", { body, timeoutMs: JOIN_MS });
    if (answer.status >= 300) throw new Error(`join: ${answer.status} ${JSON.stringify(answer.body)}`);
  }

  /** The node that it was is taken out of the list. */
  async #forget(manager: TestHost): Promise<void> {
    const headers = { "x-shoal-request-id": newRequestId() };
    const { status, body } = await call(manager, "DELETE", `/nodes/${this.#nodeId}?force=true`, { headers });
    if (status >= 300 && status !== 404) throw new Error(`node rm: ${status} ${JSON.stringify(body)}`);
  }

  async #atSomeManager<T>(work: (manager: TestHost) => Promise<T>): Promise<T> {
    let failure: unknown = new Error("no managers");
    for (const manager of this.#lab.managers) {
      try {
        return await work(manager);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  async #untilDone(work: () => Promise<void>): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (performance.now() > deadlineMs) throw new Error(`${this.#host.name} did not come back: ${String(error)}`);
        await sleep(RETRY_MS);
      }
    }
  }
}
