import { type ClientRequest, request } from "node:http";
import type { Outcome } from "./compare.ts";
import type { Engine } from "./engines.ts";
import { comparableEvents, type Told } from "./event-rules.ts";
import { send } from "./http.ts";

const MARKER = "oracle-marker";
const ARRIVAL_MS = 5000;

/** Listens to an engine for as long as it is compared, and hands out what each scenario brought about. */
export class EventListener {
  readonly #engine: Engine;
  #told: Told[] = [];
  #onTold: (() => void) | undefined;
  #outgoing: ClientRequest | undefined;

  private constructor(engine: Engine) {
    this.#engine = engine;
  }

  static async open(engine: Engine): Promise<EventListener> {
    const listener = new EventListener(engine);
    await listener.#listen();
    return listener;
  }

  /** Listens again, to a daemon that was started anew. */
  async reopen(): Promise<void> {
    this.#outgoing?.destroy();
    await this.#listen();
  }

  /** Waits until something is told; it and what was told before are forgotten. */
  async forgetUntil(action: string): Promise<void> {
    await this.#heard(told => told.Action === action);
    this.#told = [];
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      const outgoing = request({ socketPath: this.#engine.dockerHost.replace("unix://", ""), path: "/v1.50/events" });
      this.#outgoing = outgoing;
      outgoing.on("error", reject);
      outgoing.on("response", response => {
        let rest = "";
        response.setEncoding("utf8");
        response.on("error", () => undefined); // The engine goes when all is compared.
        response.on("data", (chunk: string) => {
          const lines = (rest + chunk).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) if (line.trim() !== "") this.#told.push(JSON.parse(line));
          this.#onTold?.();
        });
        resolve();
      });
      outgoing.end();
    });
  }

  /** Everything that was told since the last time, by object: things done to two objects at once are told in any order. */
  async take(): Promise<Outcome> {
    await send(this.#engine, { method: "POST", path: "/volumes/create", body: { Name: MARKER } });
    await send(this.#engine, { method: "DELETE", path: `/volumes/${MARKER}` });
    await this.#heard(({ Action, Actor }) => Action === "destroy" && Actor.ID === MARKER);
    const told = this.#told.filter(({ Actor }) => Actor.ID !== MARKER);
    this.#told = [];
    return { exitCode: 0, stdout: JSON.stringify(comparableEvents(told)), stderr: "" };
  }

  async #heard(isMeant: (told: Told) => boolean): Promise<void> {
    const deadlineMs = performance.now() + ARRIVAL_MS;
    while (!this.#told.some(isMeant) && performance.now() < deadlineMs) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, ARRIVAL_MS);
        this.#onTold = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
