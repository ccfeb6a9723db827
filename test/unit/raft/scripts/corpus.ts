import { existsSync, readdirSync, readFileSync } from "node:fs";
import { Interaction } from "./interaction.ts";
import { MemberLists } from "./member-lists.ts";
import { runQuorum } from "./quorum.ts";
import { type Block, parseScript } from "./script.ts";

/** The scripts of github.com/etcd-io/raft (Apache-2.0), which are not part of this project. */
export const CORPUS = "../shared/data/etcd-raft";
export const isCorpusHere = existsSync(CORPUS);

export type LeftOut = "joint consensus" | "asynchronous storage";

export interface ScriptFile {
  /** Within the corpus. */
  readonly name: string;
  readonly blocks: readonly Block[];
  /** What it uses that ours does not have. */
  readonly leftOut: LeftOut | undefined;
}

export interface Outcome {
  readonly name: string;
  readonly line: number;
  /** Both without log lines. */
  readonly expected: string;
  readonly ours: string;
}

export function readCorpus(): readonly ScriptFile[] {
  const names = readdirSync(CORPUS, { recursive: true, encoding: "utf8" }).filter(name => name.endsWith(".txt"));
  return names.sort().map(name => {
    const text = readFileSync(`${CORPUS}/${name}`, "utf8");
    return { name, blocks: parseScript(text), leftOut: leftOut(text) };
  });
}

/** Told by what a script says and shows, not by its name. */
function leftOut(text: string): LeftOut | undefined {
  if (text.includes("async-storage-writes=true")) return "asynchronous storage";
  const isJoint = /^(enter-joint|leave-joint)|transition=(explicit|implicit)|cfgj=|\)&&\(|VotersOutgoing:\[\d/m.test(text);
  return isJoint ? "joint consensus" : undefined;
}

export function runFile({ name, blocks }: ScriptFile): readonly Outcome[] {
  const run = runnerFor(name);
  return blocks.map(block => {
    const { line, expected } = block;
    return { name, line, expected: withoutLog(expected), ours: withoutLog(run(block)) };
  });
}

function runnerFor(name: string): (block: Block) => string {
  if (name.startsWith("quorum/")) return runQuorum;
  if (name.startsWith("confchange/")) {
    const lists = new MemberLists();
    return block => lists.run(block);
  }
  const interaction = new Interaction();
  return block => interaction.run(block);
}

/** The wording of the log is not compared: a block that only logs did what it should if it did not fail. */
function withoutLog(output: string): string {
  const lines = output.split("\n").filter(line => !/^\s*(DEBUG|INFO|WARN|ERROR) /.test(line));
  const text = lines.join("\n").trimEnd();
  return text === "" ? "ok" : text;
}
