import type { IpFamily } from "../../lib/ip-address.ts";
import type { Exec } from "../../ports/exec.ts";
import { failpoint, type FailpointName } from "../../ports/failpoint.ts";
import { changeScript, type FirewallChange, loadScript, type Rule } from "./firewall-rules.ts";

const LOCK_WAIT_SECONDS = 10;
const COMMANDS = { 4: "iptables", 6: "ip6tables" } as const;

interface Waiting {
  readonly change: FirewallChange;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Rules of one family. Changes that come while one is under way share the next run; each is whole or not made. */
export class FamilyFirewall {
  readonly family: IpFamily;
  readonly #exec: Exec;
  #waiting: Waiting[] = [];
  #isRunning = false;

  constructor(exec: Exec, family: IpFamily) {
    this.#exec = exec;
    this.family = family;
  }

  /** Fills our chains anew. */
  async load(rules: readonly Rule[], { dropsForwarding }: { readonly dropsForwarding: boolean }): Promise<void> {
    const { family } = this;
    const { stdout: saved } = await this.#exec.run(`${COMMANDS[family]}-save`, []);
    await this.#restore(loadScript(rules, { family, saved, dropsForwarding }), "networks/firewall.load");
  }

  async change(change: FirewallChange): Promise<void> {
    if (change.add.length + change.remove.length === 0) return;
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject });
      if (!this.#isRunning) void this.#runAll();
    });
  }

  async dropForwarded(): Promise<void> {
    const args = ["-w", String(LOCK_WAIT_SECONDS), "-P", "FORWARD", "DROP"];
    await failpoint("networks/firewall.apply", () => this.#exec.run(COMMANDS[this.family], args));
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
    await failpoint(name, () => this.#exec.run(`${COMMANDS[this.family]}-restore`, args, { stdin: script }));
  }
}
