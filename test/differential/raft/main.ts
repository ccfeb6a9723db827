import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { type Cluster, type Command, Cuts, NODES, type NodeState } from "./cluster.ts";
import { OurCluster } from "./ours.ts";
import { loadTheirPackage, type TheirPackage } from "./their-package.ts";
import { TheirCluster } from "./theirs.ts";

const { values } = parseArgs({
  options: {
    folder: { type: "string" },
    count: { type: "string", default: "1000" },
    seed: { type: "string" },
  },
});
const COMMANDS_PER_RUN = 60;

function randomCommand(random: SeededRandom, states: readonly NodeState[], cuts: Cuts): Command {
  const having = (role: string) => states.filter(state => state.role === role).map(({ raftId }) => raftId);
  const any = random.pick(NODES) ?? 1;
  const leaders = having("leader");
  const leader = random.chance(0.9) ? (random.pick(leaders) ?? any) : any;
  const draw = random.below(100);
  if (draw < 30) return { kind: "propose", on: leader, text: `value ${random.below(1e6)}` };
  if (draw < 50) return { kind: "heartbeat", on: leader };
  if (draw < 60) return { kind: "campaign", on: any };
  if (draw < 67) return { kind: "cut", on: any };
  if (draw < 79) return { kind: "heal", on: any };
  if (draw < 84) return { kind: "compact", on: any };
  if (draw < 88) return { kind: "restart", on: any };
  // To followers that hear it and have all: ours offers an office again that was not taken, and takes one while it asks for votes.
  const commit = states.find(({ raftId }) => raftId === leader)?.commit;
  const near = having("follower").filter(raftId => cuts.isOpen(leader, raftId) && states[raftId - 1]?.commit === commit);
  if (draw < 92) return { kind: "transfer", on: leader, to: random.pick(near) ?? leader };
  // Not of the leader itself: theirs then turns to a new member with its next heartbeat only, so that for a while both are right.
  const of = random.pick(NODES.filter(raftId => raftId !== leader)) ?? 1;
  return { kind: "change", on: leader, change: random.pick(["voter", "voter", "learner", "remove"] as const) ?? "voter", of };
}

function differenceOf(ours: NodeState, theirs: NodeState | undefined): readonly string[] {
  const [left, right] = [JSON.stringify(ours), JSON.stringify({ ...ours, ...theirs })];
  return left === right ? [] : [`ours   ${left}`, `theirs ${right}`];
}

/** One life of both clusters: after each command all that can be delivered is, and all that is known must be the same. */
function compare(theirPackage: TheirPackage, seed: number): { readonly commands: number; readonly applied: number } {
  const random = new SeededRandom(seed);
  const ours: Cluster = new OurCluster();
  const theirs: Cluster = new TheirCluster(theirPackage);
  const cuts = new Cuts();
  const history: string[] = [];
  let commands = 0;
  for (let at = 0; at < COMMANDS_PER_RUN; at++) {
    const command = randomCommand(random, ours.states(), cuts);
    if (command.kind === "cut" || command.kind === "heal") cuts.set(command.on, command.kind === "cut");
    history.push(JSON.stringify(command));
    // Both leaders then know what the successor holds.
    if (command.kind === "transfer") for (const cluster of [ours, theirs]) cluster.run({ kind: "heartbeat", on: command.on });
    if (!ours.run(command)) continue;
    assert.ok(theirs.run(command), `SEED=${seed}: ours took what theirs refused:\n${history.join("\n")}`);
    commands += 1;
    const apart = ours.states().flatMap((state, node) => differenceOf(state, theirs.states()[node]));
    assert.ok(apart.length === 0, `SEED=${seed}: after\n${[...history, ...apart].join("\n")}`);
  }
  return { commands, applied: Math.max(...ours.states().map(({ applied }) => applied.length)) };
}

const theirPackage = loadTheirPackage(values.folder ?? process.cwd());
const seeds = values.seed === undefined ? Array.from({ length: Number(values.count) }, (_, at) => at + 1) : [Number(values.seed)];
let [commands, applied] = [0, 0];
for (const seed of seeds) {
  const result = compare(theirPackage, seed);
  commands += result.commands;
  applied += result.applied;
}
console.log(`${seeds.length} runs, ${commands} commands taken by both, ${applied} values applied, no difference`);
