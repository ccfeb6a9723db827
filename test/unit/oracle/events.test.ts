import assert from "node:assert/strict";
import { compareOutcomes } from "../../oracle/compare.ts";
import { comparableEvents, EVENT_RULES, type Told } from "../../oracle/event-rules.ts";

const of =
  (type: string, id: string, common: Readonly<Record<string, string>> = {}) =>
  (action: string, attributes: Readonly<Record<string, string>> = {}): Told => ({
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: { ...common, ...attributes } },
  });
const box = of("container", "box", { name: "box", image: "busybox" });
const other = of("container", "other", { name: "other", image: "busybox" });
const joined = of("network", "net", { name: "bridge", type: "bridge", container: "box" });
const volume = (name: string) => of("volume", name, { driver: "local" });

/** A life from its beginning to its end, with an exec. */
const LIFE: readonly Told[] = [
  box("create"),
  joined("connect"),
  box("start"),
  box("exec_create: true "),
  box("exec_start: true "),
  box("exec_die", { exitCode: "0", execID: "e" }),
  box("kill", { signal: "15" }),
  joined("disconnect"),
  box("die", { exitCode: "143", execDuration: "3" }),
  box("stop"),
  box("destroy"),
];

function differences(real: readonly Told[], ours: readonly Told[]): number {
  const outcome = (told: readonly Told[]) => ({ exitCode: 0, stdout: JSON.stringify(comparableEvents(told)), stderr: "" });
  return compareOutcomes("events", outcome(real), outcome(ours)).length;
}

const without = (action: string, told = LIFE): readonly Told[] => told.filter(({ Action }) => Action !== action);
const changed = (action: string, to: Told): readonly Told[] => LIFE.map(event => (event.Action === action ? to : event));

describe("the comparison of events", () => {
  const planted: Readonly<Record<string, readonly [real: readonly Told[], ours: readonly Told[]]>> = {
    "an event that is not told": [LIFE, without("kill")],
    "an event that only ours tells": [without("kill"), LIFE],
    "one that is told twice": [LIFE, [...LIFE, box("destroy")]],
    "two in another order": [LIFE, [LIFE[2] as Told, LIFE[0] as Told, LIFE[1] as Told, ...LIFE.slice(3)]],
    "another signal": [LIFE, changed("kill", box("kill", { signal: "9" }))],
    "another exit code": [LIFE, changed("die", box("die", { exitCode: "0", execDuration: "3" }))],
    "no duration": [LIFE, changed("die", box("die", { exitCode: "143" }))],
    "a missing attribute": [LIFE, changed("start", of("container", "box", { name: "box" })("start"))],
    "an attribute too many": [LIFE, changed("start", box("start", { extra: "1" }))],
    "another object": [LIFE, changed("stop", other("stop"))],
    "a network that is not left": [LIFE, without("disconnect")],
    "a container that is not stopped": [LIFE, without("stop")],
    "a container that does not die": [LIFE, without("die")],
    "a container that is not destroyed": [LIFE, without("destroy")],
    "an exec that ends by itself and is not told": [LIFE, without("exec_die")],
    "an exec that ends in another way": [LIFE, changed("exec_die", box("exec_die", { exitCode: "1", execID: "e" }))],
    "a network joined by one that started": [LIFE, without("connect")],
    "a detach from one that started": [[...LIFE, box("detach")], LIFE],
    "a kill for memory that is not told": [
      [box("create"), box("start"), box("oom"), box("die")],
      [box("create"), box("start"), box("die")],
    ],
    "a container stopped before it is killed": [
      [box("kill", { signal: "9" }), box("stop")],
      [box("stop"), box("kill", { signal: "9" })],
    ],
    "that it never goes on": [
      [box("kill", { signal: "15" }), box("unpause"), box("kill", { signal: "9" })],
      [box("kill", { signal: "15" }), box("kill", { signal: "9" })],
    ],
    "one that goes on by hand, before it is killed": [
      [box("pause"), box("unpause"), box("kill", { signal: "9" })],
      [box("pause"), box("kill", { signal: "9" }), box("unpause")],
    ],
    "a volume mounted elsewhere": [[volume("a")("mount", { destination: "/x" })], [volume("a")("mount", { destination: "/y" })]],
    "a prune with another size": [[of("image", "")("prune", { reclaimed: "0" })], [of("image", "")("prune", { reclaimed: "1" })]],
  };
  for (const [what, [real, ours]] of Object.entries(planted)) {
    it(`finds ${what}`, () => assert.ok(differences(real, ours) > 0));
  }

  const failed: readonly Told[] = [box("create"), box("destroy")];
  const same: Readonly<Record<string, readonly [rule: string, real: readonly Told[], ours: readonly Told[]]>> = {
    "a terminal's size": ["resize", [...LIFE, box("resize", { width: "80", height: "24" })], LIFE],
    "the end of an exec that was killed": ["killed-exec", [...LIFE, box("exec_die", { exitCode: "137", execID: "f" })], LIFE],
    "networks of a start that failed": [
      "networks-of-failed-start",
      [box("create"), joined("disconnect"), box("destroy")],
      failed,
    ],
    "a client that leaves a start that failed": [
      "detach-of-failed-start",
      [box("create"), box("detach"), box("destroy")],
      failed,
    ],
    "the destruction of what was never made": ["destroy-of-refused", [box("destroy")], []],
    "how often memory ran out": [
      "oom-count",
      [box("create"), box("oom"), box("oom"), box("die")],
      [box("create"), box("oom"), box("die")],
    ],
    "stop and die in either order": [
      "die-before-stop",
      [...LIFE.slice(0, 8), LIFE[9] as Told, LIFE[8] as Told, LIFE[10] as Told],
      LIFE,
    ],
    "when a container that is killed goes on": [
      "unpause-among-kills",
      [box("kill", { signal: "15" }), box("unpause"), box("kill", { signal: "9" }), box("die", { exitCode: "137" })],
      [box("kill", { signal: "15" }), box("kill", { signal: "9" }), box("unpause"), box("die", { exitCode: "137" })],
    ],
    "how long it ran": ["duration", LIFE, changed("die", box("die", { exitCode: "143", execDuration: "4" }))],
  };
  for (const [what, [rule, real, ours]] of Object.entries(same)) {
    it(`lets pass ${what} (${rule})`, () => {
      assert.equal(differences(real, ours), 0);
      assert.ok(EVENT_RULES.some(({ name }) => name === rule));
    });
  }

  it("lets pass what is told of two objects at once, and of one container's volumes, in any order", () => {
    const both = [box("create"), other("create"), box("start"), other("start")];
    assert.equal(differences(both, [box("create"), box("start"), other("create"), other("start")]), 0);
    const [first, second] = [volume("a")("mount", { destination: "/x" }), volume("b")("mount", { destination: "/y" })];
    assert.equal(differences([first, second], [second, first]), 0);
  });

  it("has no rule that nothing here needs", () => {
    const needed = [...Object.values(same).map(([rule]) => rule), "underscore"];
    assert.deepEqual(
      EVENT_RULES.map(({ name }) => name).filter(name => !needed.includes(name)),
      [],
    );
  });
});
