import type { Explanation } from "./compare.ts";

/** What the documentation of the API says of each of these operations: a bad parameter is answered with 400. */
const DOCUMENTED = "https://docs.docker.com/reference/api/engine/version/v1.51/";

/** Differences that are as they should be. "Not built yet" is none: it is a miss. Which there are stands in docs/differences.md. */
const EXPLANATIONS: readonly Explanation[] = [
  {
    scenario: /^refused, as (a limit is no number|a restart is of nothing)/,
    where: /: exit code$/,
    reason: "a bug of Docker's",
    because: "a number that is none is answered as a failure of the engine (500)",
    link: "https://github.com/moby/moby/pull/52263",
  },
  {
    scenario:
      /^refused, as (a bind's target is|a bind has too many parts|a task's state is unknown|events are since never|a join token is none|a swarm has a bad|a service's network is not there|a login names no server)/,
    where: /: exit code$/,
    reason: "a bug of Docker's",
    because: "what the client got wrong is answered as a failure of the engine (500), not as a bad request (400)",
    link: DOCUMENTED,
  },
  {
    scenario:
      /^refused, as (an exposed port is too high|a port has an unknown protocol|the user namespace is of nowhere|a name server is none|a hostname is too long|a health check's kind is unknown|a service's seccomp mode is unknown|a published port is too high|a port has no target|a service's mount has no target)/,
    where:
      /: exit code$|: stdout\.(Id|ID|Warnings?|message)$|^at the end|all that is there: stdout\.(containers|networks|services)\.length$/,
    reason: "more on purpose",
    because: "what can never work is refused when it is asked for; the real engine takes it, and fails or forgets it later",
  },
  {
    scenario: /^build fails: no Dockerfile$/,
    where: /(nope|UPPER): exit code$/,
    reason: "a bug of Docker's",
    because: "what the client got wrong in a build is answered as a failure of the engine (500), not as a bad request (400)",
    link: DOCUMENTED,
  },
  {
    scenario: /^build: settings of every kind$/,
    where: /^\d+ history/,
    reason: "a bug of Docker's",
    because: "the history shows a health check without the quotes of its words, so that the line reads as another command",
    link: "https://docs.docker.com/reference/dockerfile/#healthcheck",
  },
  {
    scenario: /^refused, as events are since never/,
    where: /: stdout\.message$/,
    reason: "more on purpose",
    because: "the message names the field",
  },
  {
    scenario: /^refused, as a login names no server/,
    where: /: stdout\.message$/,
    reason: "more on purpose",
    because: "the message says that it is of the body, as it does for any other request",
  },
  {
    scenario: /^what services are taken with that never work$/,
    where: /: exit code$|: (stdout|stderr) line \d+$|: stdout\.(ID|Warnings|message)$|^at the end/,
    reason: "more on purpose",
    because: "what can never work is refused when it is asked for; the real engine takes it, and fails or forgets it later",
  },
  {
    scenario: /^a service's mount is read-only at its top$/,
    where: /ReadOnlyNonRecursive$/,
    reason: "more on purpose",
    because: "how far down a mount is read-only holds for a service's as for a container's; the real engine forgets it",
  },
  {
    scenario: /^words that an update does not know$/,
    where: /: exit code$/,
    reason: "a bug of Docker's",
    because: "what the client got wrong is answered as a failure of the engine (500), not as a bad request (400)",
    link: DOCUMENTED,
  },
  {
    scenario: /^words that an update does not know$/,
    where: /: stdout\.message$/,
    reason: "more on purpose",
    because: "the message names the field",
  },
  {
    scenario: /^a swarm updated past the client$/,
    where: /Cluster\.Spec\S* .*: stdout line 1$|^9 info/,
    reason: "more on purpose",
    because: "what a request leaves out stays as it is; the real engine puts zeros there, and so keeps no history of tasks",
  },
  {
    scenario: /^the swarm as inspect shows it$/,
    where: /Dispatcher\.HeartbeatPeriod$/,
    reason: "more on purpose",
    because: "a beat a second, so that tasks of a node that is lost are replaced within ten",
  },
  {
    scenario: /^(a file mounted over a folder|run: --cpu-rt-runtime 5000|update in every form)$/,
    where: /: stderr line 1$|\.State\.Error$/,
    reason: "more on purpose",
    because:
      "crun starts containers, in a fraction of runc's time: what it says of a file that it cannot write or mount is passed on as it is",
  },
  {
    scenario: /^load of what is no archive$/,
    where: /: stderr line 1$|: stdout\.(error|errorDetail\.message)$/,
    reason: "more on purpose",
    because: "it is told what is wrong with it",
  },
];

/** Those that hold in one scenario. */
export function explanationsFor(name: string): readonly Explanation[] {
  return EXPLANATIONS.filter(({ scenario }) => scenario.test(name));
}

/** Those that explained nothing. */
export function unusedExplanations(used: ReadonlySet<Explanation>): readonly Explanation[] {
  return EXPLANATIONS.filter(explanation => !used.has(explanation));
}

/** A bug of Docker's without its link. */
export function unprovenExplanations(): readonly Explanation[] {
  return EXPLANATIONS.filter(({ reason, link }) => reason === "a bug of Docker's" && link === undefined);
}
