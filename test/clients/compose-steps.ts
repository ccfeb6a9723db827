import { words } from "../oracle/scenario.ts";

/** Which of the two programs has a step: the first generation (1.29), or the second (2.x). */
export type Generation = 1 | 2;

export interface ComposeStep {
  readonly name: string;
  /** What follows the name of the program; or a shell command, in the project's folder. */
  readonly args: readonly string[] | string;
  /** The only generation that has it. */
  readonly only?: Generation;
  /** Exit code that it is to end with; 0 when left out. */
  readonly exitCode?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** It is done again until it prints this. */
  readonly until?: RegExp;
  /** Replaced before it is compared, beside what every engine makes up itself. */
  readonly masked?: readonly (readonly [pattern: RegExp, label: string])[];
  /** Events are told of while this is done. */
  readonly during?: readonly string[];
}

function step(name: string, line: string, options: Omit<ComposeStep, "name" | "args"> = {}): ComposeStep {
  return { name, args: words(line), ...options };
}

function shell(name: string, args: string, options: Omit<ComposeStep, "name" | "args"> = {}): ComposeStep {
  return { name, args, ...options };
}

/** Numbers of processes, times and their terminals. */
const PROCESSES = [[/\b\d[\d:.]*\b/g, "<n>"]] as const;
const PROJECT_LABEL = "--filter label=com.docker.compose.project=clients";

/** What a user does with the project, in this order. */
export const STEPS: readonly ComposeStep[] = [
  step("config", "config --services"),
  step("up", "up -d"),
  step("ps", "ps"),
  shell("what docker ps says", `docker ps -a --format '{{.Names}} {{.Status}} {{.Ports}}' ${PROJECT_LABEL} | sort`, {
    until: /web.*\(healthy\)/,
  }),
  shell(
    "networks",
    `docker network ls --format '{{.Name}} {{.Driver}} {{.Scope}} {{.Internal}} {{.Label "of"}}' ${PROJECT_LABEL} | sort`,
  ),
  shell("volumes", `docker volume ls --format '{{.Name}} {{.Driver}} {{.Scope}}' ${PROJECT_LABEL}`),
  step("logs", "logs", { until: /worker got served/ }),
  step("logs of one, followed by time", "logs -t web"),
  step("the last line", "logs --tail 1 worker"),
  shell("a published port", "busybox wget -q -O - http://127.0.0.1:8099/"),
  step("port", "port web 80"),
  step("a service by its name", "exec -T worker wget -q -O - http://web/"),
  step("a service by its alias", "exec -T worker wget -q -O - http://www/"),
  step("an alias on the other network", "exec -T worker nslookup db"),
  step("what is not on its network", "exec -T store nslookup web", { exitCode: 1 }),
  step("environment", "exec -T worker env"),
  step("who and where", "exec -T worker sh -c 'id; pwd'"),
  step("an exit code", "exec -T worker false", { exitCode: 1 }),
  step("exec of nothing there", "exec -T worker nothing-there", { exitCode: 127 }),
  step("a secret by file", "exec -T store cat /run/secrets/token"),
  step("mounts", "exec -T store cat /given/file /etc/hostname"),
  step("a mount that is read-only", "exec -T store touch /given/other", { exitCode: 1 }),
  step("hosts", "exec -T store grep somewhere /etc/hosts"),
  // The soft limit of open files is what was asked for, or the hard one, as the real engine's runtime happens to start.
  step("limits", "exec -T store sh -c 'ulimit -Hn; cat /proc/sys/net/ipv4/ip_default_ttl; df /scratch | tail -n 1'"),
  step("top", "top store worker", { masked: PROCESSES }),
  step("images", "images", { masked: [[/\b[0-9a-f]{12}\b/g, "<id>"]] }),
  step("run once", "run --rm -T worker echo once"),
  step("run that fails", "run --rm -T --no-deps worker sh -c 'exit 4'", { exitCode: 4 }),
  step("scale up", "up -d --scale worker=3"),
  step("three of it", "ps worker"),
  step("scale down", "up -d --scale worker=1"),
  step("one of it", "ps"),
  step("up when all is up", "up -d"),
  step("data is kept", "exec -T store sh -c 'echo kept >/data/f'"),
  step("a service is made anew", "up -d --force-recreate store", { only: 2 }),
  // The first generation reads what no engine of today tells of an image.
  step("a service is taken away", "rm -fs store", { only: 1 }),
  step("a service is made anew", "up -d store", { only: 1 }),
  step("data was kept", "exec -T store cat /data/f"),
  step("the service to change is taken away", "rm -fs worker", { only: 1 }),
  step("a changed service is made anew", "up -d", { env: { TASK: "fill" } }),
  step("the change is there", "exec -T worker sh -c 'echo $TASK'"),
  step("events", "events --json", { during: ["restart", "-t", "0", "store"] }),
  step("restart", "restart -t 0 web"),
  shell("what is healthy again", `docker ps --format '{{.Names}} {{.Status}}' ${PROJECT_LABEL} | sort`, {
    until: /web.*\(healthy\)/,
  }),
  step("pause", "pause worker"),
  step("ps of what is paused", "ps worker"),
  step("exec in what is paused", "exec -T worker true", { exitCode: 1 }),
  step("unpause", "unpause worker"),
  step("copy in", "cp token store:/tmp/token", { only: 2 }),
  step("copy out", "cp store:/tmp/token copied", { only: 2 }),
  shell("what was copied", "cat copied", { only: 2 }),
  step("copy of nothing there", "cp store:/nothing copied", { only: 2, exitCode: 1 }),
  step("stop", "stop -t 0 store worker"),
  step("ps of what is stopped", "ps -a", { only: 2, until: /\(healthy\)/ }), // What was restarted has to be so again.
  step("ps of what is stopped", "ps", { only: 1, until: /\(healthy\)/ }),
  step("start", "start store worker"),
  step("kill", "kill -s SIGKILL worker"),
  shell("what was killed", `docker ps -a --format '{{.Names}} {{.Status}}' ${PROJECT_LABEL} | sort`, { until: /worker.*Exited/ }),
  step("rm", "rm -f worker"),
  step("a profile, in front", "--profile debug up --no-log-prefix tool", { exitCode: 0, only: 2 }),
  step("a profile, in front", "--profile debug up --no-log-prefix tool", { only: 1 }),
  step("its exit code", "--profile debug up --exit-code-from tool tool", { exitCode: 3 }),
  step("a profile's logs", "--profile debug logs tool"),
  step("a config by file", "-f docker-compose.yml -f configs.yml up -d store", { only: 2 }),
  step("what it says", "exec -T store cat /etc/page", { only: 2 }),
  step("projects", "ls -a", { only: 2 }),
  step("stats", "stats --no-stream --format '{{.Name}}'", { only: 2 }),
  step("export", "export -o exported.tar store", { only: 2 }),
  shell("what was exported", "tar -tf exported.tar | grep -E '^(etc/page|data/|bin/busybox)$' | sort", { only: 2 }),
  step("up without start", "up --no-start worker"),
  step("up and wait", "up -d --wait", { only: 2 }),
  step("down", "--profile debug down -t 0"),
  shell(
    "what down leaves",
    `docker volume ls -q ${PROJECT_LABEL}; docker network ls -q ${PROJECT_LABEL}; docker ps -aq ${PROJECT_LABEL}`,
  ),
  step("down with volumes", "down -v -t 0"),
  shell("nothing is left", `docker volume ls -q ${PROJECT_LABEL}`),
];
