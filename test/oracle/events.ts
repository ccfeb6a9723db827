import { request } from "node:http";
import type { Outcome } from "./compare.ts";
import type { Engine } from "./engines.ts";
import { send } from "./http.ts";

const MARKER = "oracle-marker";
const ARRIVAL_MS = 5000;

interface Told {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

/** Listens to an engine for as long as it is compared, and hands out what each scenario brought about. */
export class EventListener {
  readonly #engine: Engine;
  #told: Told[] = [];
  #onTold: (() => void) | undefined;

  private constructor(engine: Engine) {
    this.#engine = engine;
  }

  static open(engine: Engine): Promise<EventListener> {
    const listener = new EventListener(engine);
    return new Promise((resolve, reject) => {
      const outgoing = request({ socketPath: engine.dockerHost.replace("unix://", ""), path: "/v1.50/events" });
      outgoing.on("error", reject);
      outgoing.on("response", response => {
        let rest = "";
        response.setEncoding("utf8");
        response.on("error", () => undefined); // The engine goes when all is compared.
        response.on("data", (chunk: string) => {
          const lines = (rest + chunk).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) if (line.trim() !== "") listener.#told.push(JSON.parse(line));
          listener.#onTold?.();
        });
        resolve(listener);
      });
      outgoing.end();
    });
  }

  /** Everything that was told since the last time, by object: things done to two objects at once are told in any order. */
  async take(): Promise<Outcome> {
    await send(this.#engine, { method: "POST", path: "/volumes/create", body: { Name: MARKER } });
    await send(this.#engine, { method: "DELETE", path: `/volumes/${MARKER}` });
    const deadlineMs = performance.now() + ARRIVAL_MS;
    while (
      !this.#told.some(({ Action, Actor }) => Action === "destroy" && Actor.ID === MARKER) &&
      performance.now() < deadlineMs
    ) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, ARRIVAL_MS);
        this.#onTold = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const told = this.#told.filter(({ Actor }) => Actor.ID !== MARKER);
    this.#told = [];
    return { exitCode: 0, stdout: JSON.stringify(byObject(told)), stderr: "" };
  }
}

/** A terminal's size is sent beside the start of its process, and told or not as they fall. */
const UNCERTAIN = new Set(["resize"]);
/** An exec that is killed: a real engine tells so before or after its container's end, and 127 where the kill came before it had heard of the start. */
const KILLED = new Set(["137", "127"]);

/**
 * A start that fails: the real engine tells that networks were left that were never joined, and now and then that the client detached.
 * A container that was refused: the real one tells that it was destroyed, though it was never made.
 */
function isTold(told: readonly Told[], { Type, Action, Actor }: Told): boolean {
  const saysOf = (action: string, id: string) =>
    told.some(each => each.Type === "container" && each.Action === action && each.Actor.ID === id);
  if (UNCERTAIN.has(Action)) return false;
  if (Action === "exec_die" && KILLED.has(Actor.Attributes["exitCode"] ?? "")) return false;
  const { container } = Actor.Attributes;
  if (Type === "network" && container !== undefined) return saysOf("start", container) || !saysOf("create", container);
  if (Type === "container" && Action === "detach") return saysOf("start", Actor.ID) || !saysOf("create", Actor.ID);
  return Type !== "container" || Action !== "destroy" || saysOf("create", Actor.ID);
}

function byObject(told: readonly Told[]): readonly { readonly object: string; readonly events: readonly Event[] }[] {
  const objects = new Map<string, { readonly object: string; readonly events: Event[] }>();
  for (const { Type, Action, Actor } of told.filter(each => isTold(told, each))) {
    const known = objects.get(`${Type} ${Actor.ID}`) ?? { object: Type, events: [] };
    if (Action === "oom" && known.events.at(-1)?.["action"] === "oom") continue; // As often as the kernel says so.
    known.events.push(comparable(Action, Actor.Attributes));
    objects.set(`${Type} ${Actor.ID}`, known);
  }
  for (const { events } of objects.values()) dieFirst(events);
  // Of one kind they stay in the order in which they were first heard of: names may be made up.
  // Volumes of one container are taken up in any order.
  const keyOf = ({ object, events }: { readonly object: string; readonly events: readonly Event[] }): string =>
    object === "volume"
      ? `${object} ${JSON.stringify(events.map(({ destination = "", action }) => [destination, action]))}`
      : object;
  return [...objects.values()].toSorted((left, right) => {
    const [a, b] = [keyOf(left), keyOf(right)];
    return a < b ? -1 : a > b ? 1 : 0;
  });
}

type Event = Readonly<Record<string, string>>;

/** How many seconds it ran is the machine's; an underscore is taken for a made-up name's. */
function comparable(action: string, { execDuration, ...attributes }: Event): Event {
  return {
    ...attributes,
    action: action.replaceAll("_", "-"),
    ...(execDuration === undefined ? {} : { execDuration: "<seconds>" }),
  };
}

/** A real engine tells that a container was stopped beside telling that its process ended: which is first is chance. */
function dieFirst(events: Event[]): void {
  for (const [index, event] of events.entries()) {
    const next = events[index + 1];
    if (event["action"] === "stop" && next?.["action"] === "die") [events[index], events[index + 1]] = [next, event];
  }
}
