import { daemon, docker, SERVER, type Scenario, until, untilServing } from "./scenario.ts";

const POLICIES = ["no", "on-failure", "always", "unless-stopped"] as const;
const NAMES = [...POLICIES.flatMap(policy => [policy, `${policy}-by-hand`]), "killed", "ended", "failed"];
/** Those that run after a restart of the daemon. */
const RUNNING = ["always", "always-by-hand", "unless-stopped", "killed"];
const SETTINGS = "info --format '{{.Debug}} {{.LiveRestoreEnabled}}'";

const run = (name: string, options: string) => docker(`run -d --network none --name ${name} ${options}`, { isSetUp: true });

/** What is there after the daemon was stopped and started again. */
export const DAEMON_SCENARIOS: readonly Scenario[] = [
  {
    name: "each restart policy through a restart of the daemon",
    steps: [
      daemon("reload", { "live-restore": false }),
      until(SETTINGS, /^false false/),
      ...POLICIES.flatMap(policy => [
        run(policy, `--restart ${policy} ${SERVER}`),
        run(`${policy}-by-hand`, `--restart ${policy} ${SERVER}`),
        ...[policy, `${policy}-by-hand`].map(untilServing),
        docker(`stop ${policy}-by-hand`, { isSetUp: true }),
      ]),
      run("killed", "--restart on-failure:3 --stop-signal KILL busybox sleep 300"),
      run("ended", "--restart on-failure:3 busybox true"),
      run("failed", "--restart on-failure:1 busybox false"),
      until("inspect -f '{{.State.Status}} {{.RestartCount}}' ended failed", /^exited 0\nexited 1$/m),
      daemon("restart", { "live-restore": false }),
      until("ps -a --format '{{.Names}} {{.State}}'", new RegExp(RUNNING.map(name => `(?=[^]*^${name} running$)`).join(""), "m")),
      docker(
        `inspect -f '{{.Name}} {{.State.Status}} {{.State.ExitCode}} {{.RestartCount}} {{.State.Error}}' ${NAMES.join(" ")}`,
      ),
    ],
  },
  {
    name: "a daemon.json with hosts, debug and live restore turned on by reload",
    steps: [
      daemon("restart", { debug: false, "live-restore": false }),
      docker(SETTINGS),
      run("box", `--restart no ${SERVER}`),
      run("stopped", `--restart always ${SERVER}`),
      ...["box", "stopped"].map(untilServing),
      docker("stop stopped", { isSetUp: true }),
      docker("exec box touch /dev/shm/kept"),
      daemon("reload", { debug: true, "live-restore": true }),
      until(SETTINGS, /^true true/),
      until(
        'events --since 1m --until 0s --filter type=daemon --filter event=reload --format \'{{.Action}} {{index .Actor.Attributes "debug"}} {{index .Actor.Attributes "live-restore"}}\'',
        /true true/,
      ),
      daemon("restart", { debug: true, "live-restore": true }),
      docker(SETTINGS),
      docker("exec box ls /dev/shm"),
      until("ps --format '{{.Names}} {{.State}}'", /^stopped running$/m),
      docker("stop box"),
      docker("start box"),
    ],
  },
];
