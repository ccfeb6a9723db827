/** One call of a client, as it saw it. Times are of one clock, in any unit. */
export interface Operation<Input, Output> {
  readonly input: Input;
  /** `undefined`: the client was not told. It took effect once, at any time after the call, or never. */
  readonly output: Output | undefined;
  readonly calledAt: number;
  /** Of no meaning when the outcome is unknown. */
  readonly returnedAt: number;
}

/** What the object under test does when one call is made after another. */
export interface Model<State, Input, Output> {
  readonly initial: State;
  /**
   * @param output - `undefined`: whatever the answer would have been; there is always a state after that.
   * @returns the state after the call, or `undefined` when the object would not have answered so.
   */
  step(state: State, input: Input, output: Output | undefined): State | undefined;
  /** Equal for equal states. */
  key(state: State): string;
}

export type Verdict<Input, Output> =
  | { readonly isLinearizable: true }
  | {
      readonly isLinearizable: false;
      /** The longest order that was found, and what could not come next. */
      readonly order: readonly Operation<Input, Output>[];
      readonly stuck: readonly Operation<Input, Output>[];
    };

interface Call<Input, Output> {
  readonly operation: Operation<Input, Output>;
  readonly at: number;
  readonly isKnown: boolean;
  isOrdered: boolean;
  before: Call<Input, Output> | undefined;
  after: Call<Input, Output> | undefined;
}

/**
 * Whether some order of the calls, in which each takes effect between its call and its return, explains all answers.
 *
 * The search is Wing and Gong's with Lowe's memory: calls are ordered one after another, and a set of ordered calls that has led to
 * the same state before is not tried again. The set is kept small: how far everything is ordered, what is ordered beyond that, and
 * which calls of unknown outcome are.
 *
 * @see Lowe, Testing for linearizability (2017)
 */
export function checkLinearizable<State, Input, Output>(
  history: readonly Operation<Input, Output>[],
  model: Model<State, Input, Output>,
): Verdict<Input, Output> {
  return new Search(history, model).run();
}

/** As `checkLinearizable`, for each part of the history by itself. Right when no call concerns two parts. @returns the first that fails. */
export function checkByPart<State, Input, Output>(
  history: readonly Operation<Input, Output>[],
  model: Model<State, Input, Output>,
  partOf: (input: Input) => string,
): Verdict<Input, Output> {
  const parts = new Map<string, Operation<Input, Output>[]>();
  for (const operation of history) {
    const part = partOf(operation.input);
    const operations = parts.get(part) ?? [];
    operations.push(operation);
    parts.set(part, operations);
  }
  for (const part of parts.values()) {
    const verdict = checkLinearizable(part, model);
    if (!verdict.isLinearizable) return verdict;
  }
  return { isLinearizable: true };
}

interface Choice<State, Input, Output> {
  readonly call: Call<Input, Output>;
  readonly stateBefore: State;
}

class Search<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  /** Of calls that are not ordered yet, by the time they were made. */
  #first: Call<Input, Output> | undefined;
  #knownLeft = 0;
  #state: State;
  readonly #chosen: Choice<State, Input, Output>[] = [];
  readonly #calls: Call<Input, Output>[] = [];
  readonly #orderedUnknown = new Set<number>();
  readonly #seen = new Set<string>();
  #best: readonly Operation<Input, Output>[] = [];
  #bestStuck: readonly Operation<Input, Output>[] = [];

  constructor(history: readonly Operation<Input, Output>[], model: Model<State, Input, Output>) {
    this.#model = model;
    this.#state = model.initial;
    let last: Call<Input, Output> | undefined;
    for (const [at, operation] of history.toSorted((a, b) => a.calledAt - b.calledAt).entries()) {
      const call: Call<Input, Output> = {
        operation,
        at,
        isKnown: operation.output !== undefined,
        isOrdered: false,
        before: last,
        after: undefined,
      };
      if (last === undefined) this.#first = call;
      else last.after = call;
      last = call;
      this.#calls.push(call);
      if (call.isKnown) this.#knownLeft++;
    }
  }

  run(): Verdict<Input, Output> {
    let candidate = this.#first;
    while (this.#knownLeft > 0) {
      const next = this.#nextFit(candidate);
      if (next !== undefined) {
        candidate = this.#first;
        continue;
      }
      this.#noteStuck();
      const undone = this.#undo();
      if (undone === undefined) return { isLinearizable: false, order: this.#best, stuck: this.#bestStuck };
      candidate = undone.after;
    }
    return { isLinearizable: true };
  }

  /** Orders the first call from `candidate` on that may come next, fits, and leads to something new. */
  #nextFit(candidate: Call<Input, Output> | undefined): Call<Input, Output> | undefined {
    const deadline = this.#earliestReturn();
    for (let call = candidate; call !== undefined && call.operation.calledAt <= deadline; call = call.after) {
      const { input, output } = call.operation;
      const state = this.#model.step(this.#state, input, output);
      if (state === undefined) continue;
      // It may as well never have taken effect, and if it did later that can still be said.
      if (state === this.#state && !call.isKnown) continue;
      const stateBefore = this.#state;
      this.#take(call);
      this.#state = state;
      const key = this.#key();
      if (!this.#seen.has(key)) {
        this.#seen.add(key);
        this.#chosen.push({ call, stateBefore });
        return call;
      }
      this.#state = stateBefore;
      this.#putBack(call);
    }
    return undefined;
  }

  /** What is called after that cannot come before: a call that is not ordered yet has returned by then. */
  #earliestReturn(): number {
    let earliest = Infinity;
    for (let call = this.#first; call !== undefined; call = call.after) {
      if (call.operation.calledAt > earliest) break;
      if (call.isKnown) earliest = Math.min(earliest, call.operation.returnedAt);
    }
    return earliest;
  }

  #take(call: Call<Input, Output>): void {
    if (call.before === undefined) this.#first = call.after;
    else call.before.after = call.after;
    if (call.after !== undefined) call.after.before = call.before;
    if (call.isKnown) this.#knownLeft--;
    else this.#orderedUnknown.add(call.at);
    call.isOrdered = true;
  }

  #putBack(call: Call<Input, Output>): void {
    if (call.before === undefined) this.#first = call;
    else call.before.after = call;
    if (call.after !== undefined) call.after.before = call;
    if (call.isKnown) this.#knownLeft++;
    else this.#orderedUnknown.delete(call.at);
    call.isOrdered = false;
  }

  #undo(): Call<Input, Output> | undefined {
    const last = this.#chosen.pop();
    if (last === undefined) return undefined;
    this.#putBack(last.call);
    this.#state = last.stateBefore;
    return last.call;
  }

  /**
   * The ordered calls and the state they led to. Of the known calls, all before the first that is not ordered are; those that are
   * ordered behind it were made before it returned.
   */
  #key(): string {
    let first = this.#first;
    while (first !== undefined && !first.isKnown) first = first.after;
    const from = first?.at ?? this.#calls.length;
    const ahead: number[] = [];
    for (let at = from + 1; at < this.#calls.length; at++) {
      const call = this.#calls[at];
      if (call === undefined || call.operation.calledAt > (first?.operation.returnedAt ?? 0)) break;
      if (call.isKnown && call.isOrdered) ahead.push(at);
    }
    const unknown = [...this.#orderedUnknown].sort((a, b) => a - b);
    return `${from}|${ahead.join()}|${unknown.join()}|${this.#model.key(this.#state)}`;
  }

  #noteStuck(): void {
    if (this.#chosen.length < this.#best.length) return;
    this.#best = this.#chosen.map(({ call }) => call.operation);
    const deadline = this.#earliestReturn();
    const stuck: Operation<Input, Output>[] = [];
    for (let call = this.#first; call !== undefined && call.operation.calledAt <= deadline; call = call.after)
      stuck.push(call.operation);
    this.#bestStuck = stuck;
  }
}
