import { undoAfter } from "../../lib/undo.ts";
import type { IpFamily } from "../../lib/ip-address.ts";
import type { Exec } from "../../ports/exec.ts";
import { FamilyFirewall } from "./family-firewall.ts";
import { baseRules, type FirewallChange, type Rule } from "./firewall-rules.ts";

const NO_CHANGE: FirewallChange = { add: [], remove: [] };

/** What a start of the daemon makes of the rules. */
export interface FirewallLoad {
  readonly rules: readonly Rule[];
  /** Families in which this host was no router before: nothing else is to be forwarded. */
  readonly dropsForwarding: readonly IpFamily[];
}

/** This host's rules for both families. */
export class Firewall {
  readonly #ipv4: FamilyFirewall;
  readonly #ipv6: FamilyFirewall | undefined;

  /** @param hasIpv6 - Without it there are no rules for IPv6, whatever is asked for. */
  constructor(exec: Exec, { hasIpv6 }: { readonly hasIpv6: boolean }) {
    this.#ipv4 = new FamilyFirewall(exec, 4);
    this.#ipv6 = hasIpv6 ? new FamilyFirewall(exec, 6) : undefined;
  }

  /** Makes our chains hold the base rules and `rules`, whatever they held. */
  async load({ rules, dropsForwarding }: FirewallLoad): Promise<void> {
    const loaded = ([this.#ipv4, this.#ipv6] as const).map(async firewall => {
      if (firewall === undefined) return;
      const { family } = firewall;
      await firewall.load([...baseRules(family), ...ofFamily(rules, family)], {
        dropsForwarding: dropsForwarding.includes(family),
      });
    });
    for (const result of await Promise.allSettled(loaded)) if (result.status === "rejected") throw result.reason;
  }

  add(rules: readonly Rule[]): Promise<void> {
    return this.change({ ...NO_CHANGE, add: rules });
  }

  /** Tried twice: a rule that stayed would lead to whoever has the address next. */
  remove(rules: readonly Rule[]): Promise<void> {
    const change = { ...NO_CHANGE, remove: rules };
    return this.change(change).catch(() => this.change(change));
  }

  /** Both families, or neither. */
  async change(change: FirewallChange): Promise<void> {
    const ipv4 = part(change, 4);
    await this.#ipv4.change(ipv4);
    try {
      await this.#ipv6?.change(part(change, 6));
    } catch (error) {
      return undoAfter(error, [() => this.#ipv4.change({ add: ipv4.remove, remove: ipv4.add })]);
    }
  }

  /** From now on this host forwards IPv6 for its containers alone. */
  async dropForwardedIpv6(): Promise<void> {
    await this.#ipv6?.dropForwarded();
  }
}

function part({ add, remove }: FirewallChange, family: IpFamily): FirewallChange {
  return { add: ofFamily(add, family), remove: ofFamily(remove, family) };
}

function ofFamily(rules: readonly Rule[], family: IpFamily): readonly Rule[] {
  return rules.filter(rule => rule.family === family);
}
