import { mkdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LAB_ROOT } from "../../deploy/lab/paths.ts";
import { call, importBusybox, TestLab } from "../integration/lab/lab.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { crashReports, type Holdings, holdings, removeEverything, unrest } from "./aftermath.ts";
import { ControlClient } from "./client.ts";
import { enableHostClocks, setClock } from "./clock.ts";
import { Deck } from "./deck.ts";
import { HostDisk } from "./disk.ts";
import { canHave, describeFault, drawFault, drawFaults, type Fault } from "./fault.ts";
import { History } from "./history.ts";
import { inflict } from "./inflict.ts";
import { keepLogs, OUTPUT } from "./keep-logs.ts";
import type { ChaosOptions } from "./options.ts";
import { sleep } from "./sleep.ts";
import type { Summary } from "./summary.ts";
import { Tally } from "./tally.ts";
import { judgeCalls } from "./verdict.ts";
import { FIRST_REPLICAS, Workload } from "./workload.ts";

const CLIENTS = 4;
const REPLICAS = 5;
/** What the hosts hold has not changed for so long: nothing of what was removed is still on its way out. */
const QUIET_MS = 5_000;
const LOOK_EVERY_MS = 1_000;
/** Between two rounds of faults at most: time for what was hidden to show. */
const CALM_MAX_MS = 8_000;
/** Everything is as its users asked so long after all is healed. */
const SETTLE_MS = 90_000;
const GONE_MS = 30_000;
/** A kind of fault that was not felt when the time is over gets so many more tries. */
const TRIES_MAX = 3;

/** One run on a lab of its own, which whoever started it takes away. */
export class Player {
  readonly #options: ChaosOptions;
  readonly #startMs = performance.now();
  readonly #disks = new Map<string, HostDisk>();
  readonly #findings: string[] = [];
  readonly #tally: Tally;
  readonly #random: SeededRandom;
  #lab: TestLab | undefined;

  constructor(options: ChaosOptions) {
    this.#options = options;
    this.#tally = new Tally(options.kinds);
    this.#random = new SeededRandom(options.seed);
  }

  async play(labName: string): Promise<Summary> {
    const { managers, workers, kinds } = this.#options;
    mkdirSync(OUTPUT, { recursive: true });
    if (kinds.includes("clock step")) enableHostClocks();
    const beforeBoot = (name: string, hosts: readonly string[]) => this.#mountDisks(name, hosts);
    const lab = await TestLab.up({ name: labName, managers, workers, beforeBoot });
    this.#lab = lab;
    try {
      return await this.#playOn(lab);
    } catch (error) {
      await this.#keepState("failure").catch(() => undefined); // What failed is told.
      throw error;
    }
  }

  async #playOn(lab: TestLab): Promise<Summary> {
    await importBusybox(lab.hosts);
    const workload = new Workload({ managers: lab.managers, random: this.#random.fork() });
    const atFirst = await this.#rehearse(workload);
    const history = new History(join(OUTPUT, `history-${this.#options.seed}.jsonl`));
    await workload.begin();
    await this.#withUsers({ workload, history }, () => this.#rounds(this.#random.fork()));
    await history.close();
    return await this.#judge({ workload, history, atFirst });
  }

  get #theLab(): TestLab {
    if (this.#lab === undefined) throw new Error("the lab is not up");
    return this.#lab;
  }

  #mountDisks(lab: string, hosts: readonly string[]): void {
    for (const host of hosts) {
      const disk = new HostDisk(lab, host);
      this.#disks.set(host, disk);
      disk.mount();
    }
  }

  /** Once up and down: what stays of the first service stays for good, the ingress network for one. */
  async #rehearse(workload: Workload): Promise<Holdings> {
    await workload.begin();
    await this.#untilNone("the workload does not run", SETTLE_MS, () => unrest(this.#theLab, { replicas: FIRST_REPLICAS }));
    await removeEverything(this.#theLab);
    return await this.#untilQuiet();
  }

  /** @throws Error when the hosts do not come to rest. */
  async #untilQuiet(): Promise<Holdings> {
    const deadlineMs = performance.now() + SETTLE_MS;
    let held = await holdings(this.#theLab);
    for (let sinceMs = performance.now(); performance.now() - sinceMs < QUIET_MS; ) {
      if (performance.now() > deadlineMs) throw new Error(`what the hosts hold keeps changing: ${[...held].join("; ")}`);
      await sleep(LOOK_EVERY_MS);
      const now = await holdings(this.#theLab);
      if (String([...now]) !== String([...held])) sinceMs = performance.now();
      held = now;
    }
    return held;
  }

  async #withUsers(
    { workload, history }: { readonly workload: Workload; readonly history: History },
    work: () => Promise<void>,
  ): Promise<void> {
    const over = new AbortController();
    const hosts = this.#theLab.managers;
    const clients = Array.from(
      { length: CLIENTS },
      (_, number) => new ControlClient(`c${number + 1}`, { hosts, random: this.#random.fork(), history }),
    );
    // All of them are waited for, whatever one of them came to: none is to change anything once the cluster is judged.
    const ends = [workload, ...clients].map(async user => {
      try {
        await user.run({ signal: over.signal });
      } catch (error) {
        this.#findings.push(`a client was answered what it should not: ${String(error)}`);
      }
    });
    const users = Promise.all(ends);
    try {
      await work();
      this.#say("all healed");
    } finally {
      over.abort();
      await users;
    }
  }

  /** Faults, then calm, until the time is over and each kind was felt. Each round ends with everything healed. */
  async #rounds(random: SeededRandom): Promise<void> {
    const hosts = this.#theLab.hosts.map(({ name }) => name);
    const kinds = new Deck(random.fork(), this.#options.kinds);
    while (performance.now() - this.#startMs < this.#options.forMs)
      await this.#round(drawFaults(random, { hosts, kinds }), random);
    for (let tries = 0; tries < TRIES_MAX; tries++)
      for (const kind of this.#tally.missing)
        await this.#round(
          [drawFault(random, { host: random.pick(hosts.filter(host => canHave(host, kind))) ?? "m1", kind })],
          random,
        );
    this.#findings.push(...this.#tally.missing.map(kind => `no ${kind} was felt: it was not tested`));
  }

  async #round(faults: readonly Fault[], random: SeededRandom): Promise<void> {
    this.#say(faults.map(describeFault).join(" + "));
    await Promise.all(faults.map(fault => this.#inflict(fault)));
    await this.#theLab.do("restart", ...this.#disks.keys()); // What ended by itself, as a service manager would; why it did is among the crash reports.
    await sleep(random.below(CALM_MAX_MS));
  }

  async #inflict(fault: Fault): Promise<void> {
    const disk = this.#disks.get(fault.host);
    if (disk === undefined) throw new Error(`${fault.host} has no disk`);
    try {
      this.#tally.note(fault.kind, { wasFelt: await inflict(fault, { lab: this.#theLab, disk }) });
    } catch (error) {
      this.#findings.push(`in ${describeFault(fault)}: ${String(error)}`);
    }
  }

  async #judge({
    workload,
    history,
    atFirst,
  }: {
    readonly workload: Workload;
    readonly history: History;
    readonly atFirst: Holdings;
  }): Promise<Summary> {
    const lab = this.#theLab;
    for (const { name } of lab.hosts) setClock(lab.name, name, 0);
    await workload
      .settleAt(REPLICAS)
      .catch((error: unknown) => this.#findings.push(`no manager took the last change: ${String(error)}`));
    const rest = () => unrest(lab, { replicas: REPLICAS });
    const settledMs = await this.#untilNone("the cluster did not come to rest", SETTLE_MS, rest);
    this.#say(`looking for an order of ${history.calls.length} calls`);
    const { findings, ...verdict } = judgeCalls(history.calls);
    this.#findings.push(...findings, ...crashReports(join(LAB_ROOT, lab.name), lab.hosts));
    if (this.#findings.length > 0) await this.#keepState("unrest");
    await this.#judgeRemoval(atFirst).catch((error: unknown) => this.#findings.push(String(error)));
    if (this.#findings.length > 0) await this.#keepState("end");
    const tookMs = performance.now() - this.#startMs;
    return { seed: this.#options.seed, tookMs, faults: this.#tally.counts, verdict, settledMs, findings: this.#findings };
  }

  /** All services go; then nothing of theirs is anywhere. */
  async #judgeRemoval(atFirst: Holdings): Promise<void> {
    await removeEverything(this.#theLab);
    await this.#untilNone("after all services were removed", GONE_MS, async () => {
      const now = await holdings(this.#theLab);
      return [...now]
        .filter(([host, held]) => held !== atFirst.get(host))
        .map(([host, held]) => `${host} holds ${held}, at first ${atFirst.get(host)}`);
    });
  }

  /** What a finding is explained by: every host's log, and what the managers and engines tell. */
  async #keepState(moment: string): Promise<void> {
    const { seed } = this.#options;
    await keepLogs(this.#theLab.name, { seed });
    for (const host of this.#theLab.hosts) {
      const paths = ["/containers/json?all=1", ...(host.name.startsWith("m") ? ["/nodes", "/services", "/tasks"] : [])];
      const answers = await Promise.all(
        paths.map(async path => [path, await call(host, "GET", path).catch((error: unknown) => String(error))] as const),
      );
      await writeFile(join(OUTPUT, `${seed}-${moment}-${host.name}.json`), JSON.stringify(Object.fromEntries(answers), null, 1));
    }
    this.#say(`logs, states and history are in ${OUTPUT}`);
  }

  /** Waits until a check finds nothing; what it found last is a finding then. @returns how long it took, in ms. */
  async #untilNone(what: string, ms: number, check: () => Promise<readonly string[]>): Promise<number> {
    const beganMs = performance.now();
    for (;;) {
      const found = await check().catch((error: unknown) => [String(error)]);
      if (found.length === 0) return performance.now() - beganMs;
      if (performance.now() - beganMs > ms) {
        this.#findings.push([`${what} within ${ms / 1_000} s:`, ...found].join("\n  "));
        return ms;
      }
      await sleep(300);
    }
  }

  #say(text: string): void {
    console.log(`[${((performance.now() - this.#startMs) / 1_000).toFixed(1)} s] ${text}`);
  }
}
