/** Objects looked at before Raft's messages get their turn: some 5 ms. */
const SLICE_OBJECTS = 2_000;

/** Cuts a long read into slices. Snapshots do not change, so it may take its time. */
export class Pace {
  #seen = 0;

  /** @param objects - How many more were looked at. */
  isDue(objects = 1): boolean {
    this.#seen += objects;
    if (this.#seen < SLICE_OBJECTS) return false;
    this.#seen = 0;
    return true;
  }

  nextTurn(): Promise<void> {
    return new Promise(resolve => setImmediate(resolve));
  }
}
