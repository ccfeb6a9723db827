import type { Explanation } from "./compare.ts";

/** Differences that are as they should be. "Not built yet" is none: it is a miss. */
const EXPLANATIONS: readonly Explanation[] = [
  {
    scenario: /^build fails: no Dockerfile$/,
    where: /(nope|UPPER): exit code$/,
    reason: "a bug of Docker's",
    because: "what the client got wrong is answered as a failure of the engine (500)",
  },
  {
    scenario: /^build: settings of every kind$/,
    where: /^\d+ history/,
    reason: "the machine's own",
    because: "this build of the real engine shows a health check without the quotes that its release puts there",
  },
  {
    scenario: /^system dial-stdio$/,
    where: /: stdout|: stderr/,
    reason: "the machine's own",
    because: "the headers name the program and its version; that the server closed first, the CLI tells by chance",
  },
  {
    scenario: /^(made|run): --blkio-weight 5/,
    where: /: exit code$|: stdout|: stderr|^at the end/,
    reason: "more on purpose",
    because: "what can never work is refused when it is asked for; the real engine takes it, and fails or forgets it later",
  },
  {
    where: /\.LogPath$/,
    reason: "more on purpose",
    because: "conmon writes the log, so that nothing is lost while the daemon is away: a CRI file, not JSON lines",
  },
  {
    where: /\.HostConfig\.Runtime$/,
    reason: "more on purpose",
    because: "crun starts a container in a fraction of runc's time; both can be chosen",
  },
  {
    scenario: /^refused, as the version is too/,
    where: /: stdout/,
    reason: "more on purpose",
    because:
      "newer versions of the API are served than the real engine's, and as in the release they come from, the oldest are gone",
  },
  {
    scenario:
      /^refused, as (a bind's target is|a bind has too many parts|a task's state is unknown|a limit is no number|events are since never|a restart is of nothing|a join token is none|a swarm has a bad|a service's network is not there|a login names no server)/,
    where: /: exit code$/,
    reason: "a bug of Docker's",
    because: "what the client got wrong is answered as a failure of the engine (500)",
  },
  { where: /\.GraphDriver\b/, reason: "the machine's own", because: "paths of the layers inside the data root" },
  { where: /\.(ResolvConfPath|HostnamePath|HostsPath)$/, reason: "the machine's own", because: "paths inside the data root" },
  { where: /\.SandboxKey$/, reason: "the machine's own", because: "path of the network namespace inside the exec root" },
  {
    scenario:
      /^refused, as (an exposed port is too high|a port has an unknown protocol|a weight is too small|the user namespace is of nowhere|a name server is none|a hostname is too long|a health check's kind is unknown|a published port is too high|a port has no target|a service's mount has no target)/,
    where:
      /: exit code$|: stdout\.(Id|ID|Warnings?|message)$|^at the end|all that is there: stdout\.(containers|networks|services)\.length$/,
    reason: "more on purpose",
    because: "what can never work is refused when it is asked for; the real engine takes it, and fails or forgets it later",
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
    where: /\[\d+\]\.Created$/,
    reason: "the machine's own",
    because: "a time, in seconds",
  },
  {
    where: /Dispatcher\.HeartbeatPeriod$/,
    reason: "more on purpose",
    because: "a beat a second, so that tasks of a node that is lost are replaced within ten",
  },
  {
    scenario: /^log options$/,
    where: /max-file=x .*: stderr line 1$/,
    reason: "more on purpose",
    because: "a bad value is refused when the container is made, and by its name",
  },
  {
    scenario: /^load of what is no archive$/,
    where: /: stderr line 1$|: stdout\.(error|errorDetail\.message)$/,
    reason: "more on purpose",
    because: "it is told what is wrong with it",
  },
  {
    scenario: /^events of all that can happen to a container$/,
    where: /stdout line (13|14|19|20)$/,
    reason: "a bug of Docker's",
    because: "stop and die of one container are told in either order there; here the process ends first",
  },
  { where: /\.State\.Pid$|\.ContainerStatus\.PID$/, reason: "the machine's own", because: "a process id" },
  { where: /\.EngineVersion$/, reason: "the machine's own", because: "two programs have two versions" },
  {
    where: /\.Swarm\.NodeAddr$|\.Status\.Addr$|\.ManagerStatus\.Addr$/,
    reason: "the machine's own",
    because: "two hosts have two addresses",
  },
  {
    where: /\.Version\.Index$|\.(EndpointSpec|Meta)\.Version/,
    reason: "the machine's own",
    because: "an index of the Raft log: how many entries came before is each implementation's own",
  },
];

/** Those that hold in one scenario. */
export function explanationsFor(name: string): readonly Explanation[] {
  return EXPLANATIONS.filter(({ scenario }) => scenario?.test(name) ?? true);
}
