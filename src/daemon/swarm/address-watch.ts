import { errorMessage } from "../../lib/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { isOwnAddress } from "../../system/own-address.ts";
import type { Engine } from "../engine.ts";
import { addressInstead } from "./addresses.ts";
import { ownAddress } from "./manager-calls.ts";
import type { MemberState } from "./member-state.ts";

/** Before the managers take a node for down whose sessions ended with its address. */
const LOOK_MS = 1_000;
/** A host that comes up has its addresses one after the other: one that comes back is not given up for the next best. */
const PATIENCE_MS = 3_000;

export interface AddressWatchOptions {
  readonly state: MemberState;
  /** Its own networks tell nothing of where the host is. */
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Log;
  /** What was open ended with the address, without a word. */
  readonly onGone: () => void;
  /** There is another one: the record has it. */
  readonly onMoved: () => void;
}

/** Keeps a node's address true that was found, not said: a host has another one when it comes up again, or in another network. */
export class AddressWatch implements AsyncDisposable {
  readonly #options: AddressWatchOptions;
  readonly #over = new AbortController();
  readonly #running: Promise<void>;
  /** On the monotonic clock. */
  #goneSinceMs: number | undefined;

  constructor(options: AddressWatchOptions) {
    this.#options = options;
    const { addressFrom } = options.state.record;
    this.#running = addressFrom === undefined ? Promise.resolve() : this.#run(addressFrom, this.#over.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#running;
  }

  async #run(addressFrom: string, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#look(addressFrom, signal);
      } catch (error) {
        log.error({ error: errorMessage(error) }, "this node's address could not be looked for");
      }
      await clock.sleep(LOOK_MS, { signal }).catch(() => undefined); // It rejects when the watch is to end, and only then.
    }
  }

  async #look(addressFrom: string, signal: AbortSignal): Promise<void> {
    const { state, engine, log, onMoved } = this.#options;
    const { record } = state;
    if (!(await this.#isGone(record.advertiseHost))) return;
    const managers = record.managers.filter(address => address !== ownAddress(record));
    const address = await addressInstead({ ...record, addressFrom }, { managers, devices: engine.networks.ownDevices() });
    if (address === undefined || signal.aborted) return;
    log.info({ before: record.advertiseHost, address }, "this node has another address");
    await state.save({ ...state.record, advertiseHost: address }).catch((error: unknown) => {
      log.error({ error: errorMessage(error) }, "this node's address could not be kept"); // It is in force, and found again.
    });
    onMoved();
  }

  /** For so long that it will hardly come back. */
  async #isGone(address: string): Promise<boolean> {
    const { clock, onGone } = this.#options;
    if (await isOwnAddress(address)) {
      this.#goneSinceMs = undefined;
      return false;
    }
    const nowMs = clock.monotonicMs();
    if (this.#goneSinceMs === undefined) {
      this.#goneSinceMs = nowMs;
      onGone();
    }
    return nowMs - this.#goneSinceMs >= PATIENCE_MS;
  }
}
