// Mistakes that Raft implementations were found to have, each planted in ours.
import { readFileSync } from "node:fs";

/** Mistakes that Raft implementations were found to have. */
const PLANTED = [
  {
    name: "answers leave before the disk has what they promise",
    file: "src/raft/driver.ts",
    find: "    await writing;",
    put: "    for (const message of ready.messages) this.#send(message);\n    await writing;",
  },
  { name: "writes are not synced", file: "src/raft/wal.ts", find: "    await this.#synced(file.sync());", put: "" },
  { name: "a torn tail is not cut", file: "src/raft/wal.ts", find: "    await this.#file.truncate(scan.end);", put: "" },
  {
    name: "candidates with older logs get votes",
    file: "src/raft/election.ts",
    find: "mayVote && log.isUpToDate",
    put: "mayVote || log.isUpToDate",
  },
  {
    name: "more than one vote a term",
    file: "src/raft/election.ts",
    find: "state.vote === 0 && state.leaderId === 0",
    put: "state.leaderId === 0",
  },
  {
    name: "entries of older terms are committed by counting",
    file: "src/raft/replication.ts",
    find: "!log.matches(index, state.term) || ",
    put: "",
  },
  {
    name: "one voter less than a majority commits",
    file: "src/raft/quorum.ts",
    find: "descending[majority(voters.length) - 1]",
    put: "descending[Math.max(0, majority(voters.length) - 2)]",
  },
  {
    name: "the leader counts entries that its disk does not have",
    file: "src/raft/replication.ts",
    find: "accepted(log.persisted)",
    put: "accepted(log.lastIndex)",
  },
  { name: "reads are answered unconfirmed", file: "src/raft/read-index.ts", find: "if (round > confirmed) break;", put: "" },
  {
    name: "a new leader answers reads before it knows what is committed",
    file: "src/raft/read-index.ts",
    find: "if (!hasCommittedInTerm(state)) {",
    put: "if (state.term < 0) {",
  },
  {
    name: "conflicting entries stay",
    file: "src/raft/replication.ts",
    find: "const fresh = log.newAmong(entries);",
    put: "const fresh = entries.filter(entry => entry.index > log.lastIndex);",
  },
  {
    name: "the snapshot's members are not taken over",
    file: "src/raft/replication.ts",
    find: "  state.membership.restore(meta.index, meta.members);",
    put: "",
  },
  {
    name: "a lost snapshot is not noticed",
    file: "src/raft/snapshot-exchange.ts",
    find: "    core.snapshotSent(to.raftId, { isOk });",
    put: "    if (isOk) core.snapshotSent(to.raftId, { isOk });",
  },
  {
    name: "what a full disk took of a write stays",
    file: "src/raft/wal.ts",
    find: "if (isDiskFull(error)) await file.truncate(this.#fileBytes);",
    put: "",
  },
  {
    name: "a full disk counts as written",
    file: "src/raft/disk-watch.ts",
    find: "      return false;",
    put: "      return true;",
  },
  { name: "what was lost is not asked for", file: "src/raft/replication.ts", find: "  askForGap(state, from);", put: "" },
];

/** What is to find them: no unit test was written for one of these. */
export const PLANTED_TARGET = {
  name: "planted",
  stages: [{ name: "simulation", files: ["test/sim/raft/raft.test.ts"], env: { SEEDS: "100" } }],
};

/** @throws Error where the code is no longer what the mistake changes. */
export function plantedMistakes() {
  return PLANTED.map(({ name, file, find, put }) => {
    const source = readFileSync(file, "utf8");
    if (source.split(find).length !== 2) throw new Error(`${file} does not hold this once: ${find}`);
    const at = source.slice(0, source.indexOf(find)).split("\n").length - 1;
    return { key: name, file, at, rule: name, line: find.trim(), changed: put, source: source.replace(find, () => put) };
  });
}
