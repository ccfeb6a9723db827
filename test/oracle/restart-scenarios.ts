import { docker, type Scenario, until, untilServing } from "./scenario.ts";

const STATE = docker(
  "inspect -f '{{.State.Status}} {{.State.Running}} {{.State.Restarting}} {{.State.ExitCode}} {{.State.Pid}} {{.HostConfig.RestartPolicy}}' box",
);
/** The fourth restart is followed by a wait of 1.6 s. */
const WAITING = until("inspect -f '{{.State.Status}} {{.RestartCount}}' box", /^restarting 5$/m);

/** Restarts by policy, and health checks. */
export const RESTART_SCENARIOS: readonly Scenario[] = [
  {
    name: "what can be done with a container that waits to be restarted",
    steps: [
      docker("run -d --name box --restart always busybox sh -c 'exit 3'", { isSetUp: true }),
      WAITING,
      docker("start box"),
      docker("exec box true"),
      docker("pause box"),
      docker("top box"),
      docker("rm box"),
      STATE,
      docker("stop box"),
      STATE,
      docker("wait box"),
      docker("rm box"),
    ],
  },
  {
    name: "a signal keeps the policy from restarting",
    steps: [
      docker(
        "run -d --name box --restart unless-stopped busybox sh -c 'trap \"exit 5\" USR1; echo ready; while :; do sleep 0.1; done'",
      ),
      untilServing("box"),
      docker("kill -s USR1 box"),
      until("inspect -f '{{.State.Status}}' box", /exited/),
      STATE,
      docker("kill nope"),
    ],
  },
  {
    name: "a health check's output, while paused and when stopped",
    steps: [
      docker("run -d --name box --health-cmd 'echo out; exit 3' --health-interval 500ms --health-retries 1 busybox sleep 300", {
        isSetUp: true,
      }),
      until("inspect -f '{{.State.Health.Status}}' box", /unhealthy/),
      docker("pause box"),
      docker("inspect -f '{{with index .State.Health.Log 0}}{{.ExitCode}} {{.Output}}{{end}}' box"),
      docker("unpause box"),
      docker("stop -t 0 box"),
      docker("inspect -f '{{.State.Health.Status}}' box"),
    ],
  },
  {
    name: "a health check that takes too long",
    steps: [
      docker(
        "run -d --name box --health-cmd 'echo part; exec sleep 30' --health-interval 2s --health-timeout 1s --health-retries 99 busybox sleep 300",
        { isSetUp: true },
      ),
      until("inspect -f '{{len .State.Health.Log}}' box", /^[1-9]/m),
      docker("inspect -f '{{.State.Health.Status}} {{with index .State.Health.Log 0}}{{.ExitCode}} {{.Output}}{{end}}' box"),
      docker("kill box"), // Before the next probe: whether the end of one that is under way is told, is chance.
      docker("wait box"),
    ],
  },
];
