import type { Exec } from "../../ports/exec.ts";
import { BASE_RULES, changeScript, type FirewallChange, loadScript, type Rule } from "./firewall-rules.ts";
import { failpoint, type FailpointName } from "../../ports/failpoint.ts";

const LOCK_WAIT_SECONDS = 10;
const NO_CHANGE: FirewallChange = { add: [], remove: [] };

interface Waiting {
  readonly change: FirewallChange;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** This host's iptables rules. Changes that come while one is under way share the next run; each is whole or not made. */
export class Firewall {
  readonly #exec: Exec;
  #waiting: Waiting[] = [];
  #isRunning = false;

  constructor(exec: Exec) {
    this.#exec = exec;
  }

  /** Makes our chains hold the base rules and `rules`, whatever they held. */
  async load(rules: readonly Rule[], { dropsForwarding }: { readonly dropsForwarding: boolean }): Promise<void> {
    const { stdout: saved } = await this.#exec.run("iptables-save", []);
    await this.#restore(loadScript([...BASE_RULES, ...rules], { saved, dropsForwarding }), "networks/firewall.load");
  }

  add(rules: readonly Rule[]): Promise<void> {
    return this.change({ ...NO_CHANGE, add: rules });
  }

  /** Tried twice: a rule that stayed would lead to whoever has the address next. */
  remove(rules: readonly Rule[]): Promise<void> {
    const change = { ...NO_CHANGE, remove: rules };
    return this.change(change).catch(() => this.change(change));
  }

  async change(change: FirewallChange): Promise<void> {
    if (change.add.length + change.remove.length === 0) return;
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject });
      if (!this.#isRunning) void this.#runAll();
    });
  }

  async #runAll(): Promise<void> {
    this.#isRunning = true;
    await Promise.resolve(); // Lets callers of the same turn come along.
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#restore(
          changeScript({
            add: batch.flatMap(({ change }) => change.add),
            remove: batch.flatMap(({ change }) => change.remove),
          }),
        );
        for (const { resolve } of batch) resolve();
      } catch (error) {
        await this.#runEach(batch, error);
      }
    }
    this.#isRunning = false;
  }

  /** One of them was refused: the others must not suffer. */
  async #runEach(batch: readonly Waiting[], error: unknown): Promise<void> {
    if (batch.length === 1) return batch[0]?.reject(error);
    for (const { change, resolve, reject } of batch) await this.#restore(changeScript(change)).then(resolve, reject);
  }

  async #restore(script: string, name: FailpointName = "networks/firewall.apply"): Promise<void> {
    const args = ["--noflush", "-w", String(LOCK_WAIT_SECONDS)];
    await failpoint(name, () => this.#exec.run("iptables-restore", args, { stdin: script }));
  }
}
