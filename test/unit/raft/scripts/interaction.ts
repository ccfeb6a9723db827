import type { MembershipChange } from "../../../../src/raft/membership.ts";
import type { ProposeResult } from "../../../../src/raft/core.ts";
import type { Member } from "../../../../src/raft/types.ts";
import { describeMessage, describeProgress, raftIds, ROLE_NAMES } from "./description.ts";
import { Group, indented } from "./group.ts";
import { ELECTION_TICKS, type ScriptedNode } from "./node.ts";
import { type Block, valueOf, valuesOf, words } from "./script.ts";

type Command = (group: Group, block: Block) => string | void;

const DROPPED = "raft proposal dropped";

/** Runs the commands of one script, each on what those before it left. */
export class Interaction {
  readonly #group = new Group();
  #isQuiet = false;

  run(block: Block): string {
    if (block.command === "log-level") {
      this.#isQuiet = words(block)[0] === "none";
      return "ok";
    }
    const command = COMMANDS[block.command];
    if (command === undefined) throw new Error(`line ${block.line}: no command ${block.command}`);
    const output = command(this.#group, block);
    const isQuiet = this.#isQuiet || valueOf(block, "log-level") === "none";
    return isQuiet || output === undefined || output === "" ? "ok" : output;
  }
}

const COMMANDS: Record<string, Command> = {
  "add-nodes": addNodes,
  campaign: onNode(node => node.input(core => core.campaign())),
  "tick-heartbeat": onNode(node => tick(node, 1)),
  "tick-election": onNode(node => tick(node, ELECTION_TICKS)),
  "set-randomized-election-timeout": onNode((node, block) => node.setElectionTimeout(Number(valueOf(block, "timeout")))),
  "forget-leader": onNode(node => node.input(core => core.forgetLeader())),
  "report-unreachable": onNode((node, block) => node.input(core => core.unreachable(Number(words(block)[1])))),
  "transfer-leadership": (group, block) => {
    const [from, to] = [Number(valueOf(block, "from")), Number(valueOf(block, "to"))];
    group.node(from).input(core => core.transfer(to));
  },
  propose: onNode((node, block) => {
    const data = Buffer.from(words(block)[1] ?? "");
    return placed(node.input(core => core.propose(data)));
  }),
  "propose-conf-change": proposeChange,
  "process-ready": processReady,
  "deliver-msgs": deliver,
  stabilize: (group, block) => {
    const chosen = numbers(words(block));
    return group.stabilize(chosen.length > 0 ? chosen : [...group.nodes.keys()]);
  },
  compact: (group, block) => {
    const [raftId = 0, index = 0] = numbers(words(block));
    group.node(raftId).compactTo(index);
    return group.node(raftId).describeLog(group.changeNames);
  },
  "send-snapshot": (group, block) => {
    const [from = 0, to = 0] = numbers(words(block));
    const message = group.node(from).snapshotFor(to);
    group.send(message);
    return describeMessage(message, group.changeNames);
  },
  "raft-log": (group, block) => group.node(Number(words(block)[0])).describeLog(group.changeNames),
  "raft-state": group => [...group.nodes].map(([raftId, { core }]) => describeState(raftId, core)).join("\n"),
  status: onNode(({ core }) => describeProgress(core.inspected.progress, core.members)),
};

function onNode(run: (node: ScriptedNode, block: Block) => string | void): Command {
  return (group, block) => run(group.node(Number(words(block)[0])), block);
}

function numbers(texts: readonly string[]): readonly number[] {
  return texts.map(Number);
}

function tick(node: ScriptedNode, count: number): void {
  for (let at = 0; at < count; at++) node.input(core => core.tick());
}

function placed(result: ProposeResult): string | undefined {
  return result.kind === "accepted" ? undefined : DROPPED;
}

function addNodes(group: Group, block: Block): void {
  const isSet = (key: string) => valueOf(block, key) === "true";
  const rules = {
    hasPreVote: isSet("prevote"),
    checksQuorum: isSet("checkquorum"),
    leavesWhenRemoved: isSet("step-down-on-removal"),
  };
  const member = (raftId: number, isLearner: boolean): Member => ({ raftId, address: `m${raftId}`, isLearner });
  const members = [
    ...numbers(valuesOf(block, "voters")).map(raftId => member(raftId, false)),
    ...numbers(valuesOf(block, "learners")).map(raftId => member(raftId, true)),
  ];
  const index = Number(valueOf(block, "index") ?? 0);
  const inflightMessagesMax = Number(valueOf(block, "inflight") ?? 256);
  for (let count = Number(words(block)[0]); count > 0; count--) group.add({ members, index, inflightMessagesMax, rules });
}

function describeState(raftId: number, core: ScriptedNode["core"]): string {
  const isVoter = raftIds(core.members, false).includes(raftId);
  return `${raftId}: ${ROLE_NAMES[core.role]} (${isVoter ? "Voter" : "Non-Voter"}) Term:${core.term} Lead:${core.leaderId}`;
}

/** `v1 l2 r3 u4`: make a voter, make a learner, remove, update. */
export function parseChanges(text: string): readonly MembershipChange[] {
  const kinds = { v: "add-voter", l: "add-learner", r: "remove", u: "move" } as const;
  return text
    .split(/\s+/)
    .filter(word => word !== "")
    .map(word => {
      const [letter, raftId] = [word.slice(0, 1), Number(word.slice(1))];
      if (letter !== "v" && letter !== "l" && letter !== "r" && letter !== "u") throw new Error(`no change ${word}`);
      return { kind: kinds[letter], raftId, address: `m${raftId}` };
    });
}

function proposeChange(group: Group, block: Block): string | undefined {
  const node = group.node(Number(words(block)[0]));
  const result = node.input(core => core.proposeMembership(...parseChanges(block.input)));
  if (result.kind === "accepted") {
    const type = valueOf(block, "v1") === "true" ? "EntryConfChange" : "EntryConfChangeV2";
    group.changeNames.set(`${result.term}/${result.index}`, `${type} ${block.input}`);
  }
  return placed(result);
}

function processReady(group: Group, block: Block): string {
  const raftIdsGiven = numbers(words(block));
  const texts = raftIdsGiven.map(raftId => group.handleReady(raftId));
  if (texts.length === 1) return texts[0] ?? "";
  return texts.map((text, at) => `> ${raftIdsGiven[at]} handling Ready\n${indented(text)}`).join("\n");
}

function deliver(group: Group, block: Block): string {
  const type = valueOf(block, "type");
  const delivered = numbers(words(block)).flatMap(raftId => group.deliver(raftId, { type }));
  const dropped = numbers(valuesOf(block, "drop")).flatMap(raftId => group.drop(raftId, { type }));
  return [...delivered, ...dropped].join("\n");
}
