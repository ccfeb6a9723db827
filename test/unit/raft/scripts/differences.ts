/** Where our output is another, and why that is as safe. The key is the script and the line of the command. */
export const DIFFERENCES: Readonly<Record<string, string>> = {
  "testdata/forget_leader_read_only_lease_based.txt:26":
    "Their node 2 keeps its leader, since reads by lease rely on nobody electing another before the lease is over. Ours has no such reads: each is confirmed by a majority, " +
    "so a leader that is forgotten and replaced can answer none from an old state, and a follower may forget it at any time.",
};
