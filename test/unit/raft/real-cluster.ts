import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RaftMember, StateMachine } from "../../../src/ports/consensus.ts";
import type { Log } from "../../../src/ports/log.ts";
import { RaftDriver } from "../../../src/raft/driver.ts";
import type { RaftDriverSetup } from "../../../src/raft/driver-setup.ts";
import type { RaftDriverOptions } from "../../../src/raft/driver-options.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { openDisk } from "../../../src/system/disk.ts";
import { systemRandom } from "../../../src/system/random.ts";

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** Keeps every entry's text; its snapshot is all of them. */
export class TextMachine implements StateMachine {
  texts: string[] = [];

  apply({ data }: { readonly data: Uint8Array }): number {
    this.texts.push(Buffer.from(data).toString());
    return this.texts.length;
  }

  async *snapshot(): AsyncGenerator<Uint8Array> {
    for (const text of [...this.texts]) yield Buffer.from(text);
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const texts: string[] = [];
    for await (const chunk of chunks) texts.push(Buffer.from(chunk).toString());
    this.texts = texts;
  }
}

/** Managers in this process: real clock and disk, messages by function call. */
export class RealCluster implements AsyncDisposable {
  readonly #root: string;
  readonly #options: Partial<RaftDriverOptions>;
  readonly drivers = new Map<number, RaftDriver>();
  readonly machines = new Map<number, TextMachine>();

  private constructor(root: string, options: Partial<RaftDriverOptions>) {
    this.#root = root;
    this.#options = options;
  }

  /** @param parent - The folder for the disks. */
  static async create(options: Partial<RaftDriverOptions> = {}, parent = tmpdir()): Promise<RealCluster> {
    return new RealCluster(await mkdtemp(join(parent, "shoal-raft-")), { tickMs: 10, ...options });
  }

  /** All that is in the files of one's log and snapshots. */
  async onDisk(raftId: number): Promise<Buffer> {
    const folder = join(this.#root, `raft-${raftId}`);
    return Buffer.concat(await Promise.all((await readdir(folder)).map(name => readFile(join(folder, name)))));
  }

  /** Snapshots on disk, of one. */
  async snapshotCount(raftId: number): Promise<number> {
    return (await readdir(join(this.#root, `raft-${raftId}`))).filter(name => name.endsWith(".manifest")).length;
  }

  static member(raftId: number): RaftMember {
    return { raftId, address: `m${raftId}:2377` };
  }

  async start(
    raftId: number,
    beginning: { readonly members: readonly number[]; readonly forceNewCluster?: true } | { readonly join: true },
    more: Partial<Pick<RaftDriverSetup, "cipher" | "onOldestKey" | "settings" | "clock" | "transport">> = {},
  ): Promise<RaftDriver> {
    const stateMachine = new TextMachine();
    const driver = await RaftDriver.create({
      raftId,
      ...("join" in beginning ? beginning : { ...beginning, members: beginning.members.map(id => RealCluster.member(id)) }),
      disk: openDisk({ root: this.#root }),
      directory: `raft-${raftId}`,
      clock: systemClock,
      random: systemRandom,
      transport: {
        send: (to, message) => this.deliver(to, message),
        sendSnapshot: async (to, chunks) => {
          await this.drivers.get(to.raftId)?.receiveSnapshot(chunks);
        },
      },
      stateMachine,
      log: silentLog,
      options: this.#options,
      ...more,
    });
    this.drivers.set(raftId, driver);
    this.machines.set(raftId, stateMachine);
    return driver;
  }

  deliver(to: RaftMember, message: Uint8Array): void {
    setImmediate(() => this.drivers.get(to.raftId)?.receive(message));
  }

  async stop(raftId: number): Promise<void> {
    const driver = this.drivers.get(raftId);
    this.drivers.delete(raftId);
    await driver?.stop();
  }

  async leader(): Promise<RaftDriver> {
    return await eventually(() => [...this.drivers.values()].find(driver => driver.status().role === "leader"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.drivers.keys()].map(raftId => this.stop(raftId)));
    await rm(this.#root, { recursive: true });
  }
}

/** The first value that is there, within 10 s. */
export async function eventually<T>(probe: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  for (const deadlineMs = performance.now() + 10_000; ; ) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadlineMs) throw new Error("it did not come to pass within 10 s");
    await systemClock.sleep(5);
  }
}
