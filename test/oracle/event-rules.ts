/** What an engine told. */
export interface Told {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

/** In this two engines may differ, or one from itself; everything else that is told is compared. */
export interface EventRule {
  readonly name: string;
  readonly because: string;
  readonly apply: (told: readonly Told[]) => readonly Told[];
}

/** An exec that is killed. */
const KILLED = new Set(["137", "127"]);

const without =
  (isDropped: (event: Told, told: readonly Told[]) => boolean): EventRule["apply"] =>
  told =>
    told.filter(event => !isDropped(event, told));

/** It was made, and never started. */
function failedToStart(told: readonly Told[], id: string): boolean {
  return saysOf(told, "create", id) && !saysOf(told, "start", id);
}

function saysOf(told: readonly Told[], action: string, id: string): boolean {
  return told.some(({ Type, Action, Actor }) => Type === "container" && Action === action && Actor.ID === id);
}

function comesAfter(event: Told, told: readonly Told[], action: string): boolean {
  return saysOf(told.slice(0, told.indexOf(event)), action, event.Actor.ID);
}

export const EVENT_RULES: readonly EventRule[] = [
  {
    name: "resize",
    because: "a terminal's size is sent beside the start of its process, and told or not as they fall",
    apply: without(({ Action }) => Action === "resize"),
  },
  {
    name: "killed-exec",
    because:
      "its end is told before or after its container's, or never, and as 127 where the kill came before the start was heard of",
    apply: without(
      (event, told) =>
        event.Action === "exec_die" && (KILLED.has(event.Actor.Attributes["exitCode"] ?? "") || comesAfter(event, told, "die")),
    ),
  },
  {
    name: "networks-of-failed-start",
    because: "a real engine tells that networks were left that were never joined",
    apply: without(({ Type, Actor }, told) => Type === "network" && failedToStart(told, Actor.Attributes["container"] ?? "")),
  },
  {
    name: "detach-of-failed-start",
    because: "a real engine tells now and then that the client left",
    apply: without(({ Action, Actor }, told) => Action === "detach" && failedToStart(told, Actor.ID)),
  },
  {
    name: "destroy-of-refused",
    because: "a real engine tells that a container is gone that was never made",
    apply: without(
      ({ Type, Action, Actor }, told) => Type === "container" && Action === "destroy" && !saysOf(told, "create", Actor.ID),
    ),
  },
  {
    name: "oom-count",
    because: "as often as the kernel says so",
    apply: without((event, told) => {
      const own = told.filter(({ Actor }) => Actor.ID === event.Actor.ID);
      return event.Action === "oom" && own[own.indexOf(event) - 1]?.Action === "oom";
    }),
  },
  {
    name: "die-before-stop",
    because: "a real engine tells that a container was stopped beside telling that its process ended: which is first is chance",
    apply: dieFirst,
  },
  {
    name: "unpause-among-kills",
    because: "a real engine hears from the runtime that what it killed went on, before or after it tells of the next signal",
    apply: unpauseLast,
  },
  {
    name: "duration",
    because: "how many seconds it ran is the machine's",
    apply: told =>
      told.map(event =>
        withAttributes(event, each => (each["execDuration"] === undefined ? each : { ...each, execDuration: "<seconds>" })),
      ),
  },
  {
    name: "underscore",
    because: "it would be taken for a made-up name's",
    apply: told => told.map(event => ({ ...event, Action: event.Action.replaceAll("_", "-") })),
  },
];

function withAttributes(event: Told, change: (attributes: Told["Actor"]["Attributes"]) => Told["Actor"]["Attributes"]): Told {
  return { ...event, Actor: { ...event.Actor, Attributes: change(event.Actor.Attributes) } };
}

/** Other objects' events may stand between the two. */
function dieFirst(told: readonly Told[]): readonly Told[] {
  const result = [...told];
  for (const [index, event] of result.entries()) {
    if (event.Action !== "stop") continue;
    const next = result.findIndex(({ Actor }, other) => other > index && Actor.ID === event.Actor.ID);
    const following = result[next];
    if (following?.Action === "die") [result[index], result[next]] = [following, event];
  }
  return result;
}

/** One that is told right after a signal comes after all signals that are told in a row. */
function unpauseLast(told: readonly Told[]): readonly Told[] {
  const result = [...told];
  for (const [index, event] of result.entries()) {
    const own = result.flatMap(({ Actor }, place) => (Actor.ID === event.Actor.ID ? [place] : []));
    const here = own.indexOf(index);
    const [before, next] = [result[own[here - 1] ?? -1], own[here + 1] ?? -1];
    const following = result[next];
    if (event.Action === "unpause" && before?.Action === "kill" && following?.Action === "kill")
      [result[index], result[next]] = [following, event];
  }
  return result;
}

type Shown = Readonly<Record<string, string>>;
interface ObjectEvents {
  readonly object: string;
  readonly events: readonly Shown[];
}

/**
 * What was told, by object: things done to two objects at once are told in any order. Objects of one kind stay in the order in which they
 * were first heard of, as their names may be made up; volumes of one container, which are taken up in any order, go by where they are mounted.
 */
export function comparableEvents(told: readonly Told[]): readonly ObjectEvents[] {
  const kept = EVENT_RULES.reduce((current, { apply }) => apply(current), told);
  const objects = new Map<string, { readonly object: string; readonly events: Shown[] }>();
  for (const { Type, Action, Actor } of kept) {
    const known = objects.get(`${Type} ${Actor.ID}`) ?? { object: Type, events: [] };
    known.events.push({ ...Actor.Attributes, action: Action });
    objects.set(`${Type} ${Actor.ID}`, known);
  }
  return [...objects.values()].toSorted((left, right) => {
    const [a, b] = [keyOf(left), keyOf(right)];
    return a < b ? -1 : a > b ? 1 : 0;
  });
}

function keyOf({ object, events }: ObjectEvents): string {
  if (object !== "volume") return object;
  return `${object} ${JSON.stringify(events.map(({ destination = "", action }) => [destination, action]))}`;
}
