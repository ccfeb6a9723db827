import { quorumValue, voteOutcome } from "../../../../src/raft/quorum.ts";
import { type Block, valuesOf } from "./script.ts";

const OUTCOMES = { won: "VoteWon", lost: "VoteLost", pending: "VotePending" };

/** The commands of the quorum scripts, for majorities. */
export function runQuorum(block: Block): string {
  switch (block.command) {
    case "committed":
      return committed(block);
    case "vote": {
      const answers = voterAnswers(block, "votes").filter(([, answer]) => answer !== "_");
      return OUTCOMES[voteOutcome(votersOf(block), new Map(answers.map(([voter, answer]) => [voter, answer === "y"])))];
    }
    default:
      throw new Error(`line ${block.line}: no command ${block.command}`);
  }
}

function votersOf(block: Block): readonly number[] {
  return valuesOf(block, "cfg").map(Number);
}

function voterAnswers(block: Block, key: string): readonly (readonly [number, string])[] {
  const answers = valuesOf(block, key);
  return votersOf(block).map((voter, at) => [voter, answers[at] ?? "_"]);
}

function committed(block: Block): string {
  const answers = voterAnswers(block, "idx");
  const indexes = new Map(answers.map(([voter, answer]) => [voter, answer === "_" ? undefined : Number(answer)]));
  const value = quorumValue(votersOf(block), voter => indexes.get(voter) ?? 0);
  const text = value === Infinity ? "∞" : String(value);
  return indexes.size === 0 ? `<empty majority quorum>${text}` : `${drawn(indexes)}\n${text}`;
}

/** A bar for each voter, as long as there are voters behind it. */
function drawn(indexes: ReadonlyMap<number, number | undefined>): string {
  const width = indexes.size;
  const rows = [...indexes]
    .sort(([a], [b]) => a - b)
    .map(([voter, index]) => {
      const behind = [...indexes.values()].filter(other => (other ?? 0) < (index ?? 0)).length;
      const bar = (index === undefined ? "?" : `${"x".repeat(behind)}>`).padEnd(width + 1);
      return `${bar} ${String(index ?? 0).padStart(5)}    (id=${voter})`;
    });
  return [`${" ".repeat(width)}    idx`, ...rows].join("\n");
}
