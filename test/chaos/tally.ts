import type { FaultKind } from "./fault.ts";
import type { FaultCount } from "./summary.ts";

/** Which faults have been inflicted, and which were seen to be there: a fault that does nothing tests nothing. */
export class Tally {
  readonly #counts: Map<FaultKind, FaultCount>;

  constructor(kinds: readonly FaultKind[]) {
    this.#counts = new Map(kinds.map(kind => [kind, { inflicted: 0, felt: 0 }]));
  }

  note(kind: FaultKind, { wasFelt }: { readonly wasFelt: boolean }): void {
    const { inflicted, felt } = this.#counts.get(kind) ?? { inflicted: 0, felt: 0 };
    this.#counts.set(kind, { inflicted: inflicted + 1, felt: felt + (wasFelt ? 1 : 0) });
  }

  /** Kinds that were not felt once. */
  get missing(): readonly FaultKind[] {
    return [...this.#counts].filter(([, { felt }]) => felt === 0).map(([kind]) => kind);
  }

  get counts(): Readonly<Partial<Record<FaultKind, FaultCount>>> {
    return Object.fromEntries(this.#counts);
  }
}
