import { has, type FieldRow } from "../row.ts";

const SECOND_NS = 1e9;
const MINUTE_NS = 60 * SECOND_NS;
const OFTEN_NS = SECOND_NS / 20;

/** Others have no network: none need be made. */
const BRIDGE = { "HostConfig.NetworkMode": "bridge" };

const HEALTH = "inspect State.Health.Status";
const HEALTHY = { "Healthcheck.Test": ["CMD", "true"], "Healthcheck.Interval": OFTEN_NS };
const ILL = { "Healthcheck.Test": ["CMD", "false"], "Healthcheck.Interval": OFTEN_NS, "Healthcheck.Retries": 1 };

/** Of the process and its image. */
export const CONFIG_ROWS: readonly FieldRow[] = [
  {
    path: "Hostname",
    verdict: "honoured",
    note: "the name of the container's host",
    effects: [{ value: "given", in: "config.json hostname", is: "given" }],
    refusals: [{ value: "a".repeat(65), status: 400, says: /invalid hostname/ }],
  },
  {
    path: "Domainname",
    verdict: "honoured",
    note: "the NIS domain, and part of the name in /etc/hosts",
    effects: [{ value: "example.org", in: "config.json linux.sysctl", is: has('"kernel.domainname":"example.org"') }],
  },
  {
    path: "User",
    verdict: "honoured",
    note: "names are looked up in the container's own files",
    effects: [{ value: "12:34", in: "config.json process.user", is: has('"uid":12,"gid":34') }],
    refusals: [{ value: "nobody-here", status: 500, says: /unable to find user nobody-here/, isAtStart: true }],
  },
  { path: "AttachStdin", verdict: "kept", note: "what the client does: anyone may attach", tries: [{ value: true }] },
  { path: "AttachStdout", verdict: "kept", note: "what the client does: anyone may attach", tries: [{ value: true }] },
  { path: "AttachStderr", verdict: "kept", note: "what the client does: anyone may attach", tries: [{ value: true }] },
  {
    path: "ExposedPorts",
    verdict: "honoured",
    note: "listed among the ports; published by `PublishAllPorts`",
    effects: [
      { value: { "7000/tcp": {} }, with: BRIDGE, in: "inspect NetworkSettings.Ports", is: has('"7000/tcp":null') },
      {
        value: { "7000/tcp": {} },
        with: { ...BRIDGE, "HostConfig.PublishAllPorts": true },
        in: "inspect NetworkSettings.Ports",
        is: has('"7000/tcp":[{"HostIp"'),
      },
    ],
    refusals: [{ value: { "99999/tcp": {} }, status: 400, says: /invalid port/ }],
  },
  {
    path: "Tty",
    verdict: "honoured",
    note: "a terminal",
    effects: [{ value: true, in: "config.json process.terminal", is: true }],
  },
  {
    path: "OpenStdin",
    verdict: "honoured",
    note: "an input that stays open",
    effects: [{ value: true, with: { Cmd: ["cat"] }, in: "inspect State.Running", is: true }],
  },
  {
    path: "StdinOnce",
    verdict: "honoured",
    note: "the input ends with the first client's",
    effects: [
      { value: true, with: { Cmd: ["cat"], OpenStdin: true }, andThen: "end the input", in: "inspect State.Running", is: false },
    ],
  },
  {
    path: "Env",
    verdict: "honoured",
    note: "beside the image's",
    effects: [{ value: ["A=given"], in: "config.json process.env", is: has('"A=given"') }],
    refusals: [{ value: ["=none"], status: 400, says: /invalid environment variable: =none/ }],
  },
  {
    path: "Cmd",
    verdict: "honoured",
    note: "",
    effects: [{ value: ["sleep", "999"], in: "config.json process.args", is: ["sleep", "999"], insteadOf: ["sleep", "1000"] }],
  },
  {
    path: "Healthcheck.Test",
    verdict: "honoured",
    note: "`CMD`, `CMD-SHELL`, `NONE`, and beyond Docker `HTTP` and `TCP`",
    effects: [{ value: ["CMD", "true"], with: { "Healthcheck.Interval": OFTEN_NS }, in: HEALTH, is: "healthy" }],
    refusals: [{ value: ["SOMEHOW"], status: 400, says: /Unknown healthcheck type|unknown.*health/i }],
  },
  {
    path: "Healthcheck.Interval",
    verdict: "honoured",
    note: "",
    effects: [{ value: OFTEN_NS, with: { "Healthcheck.Test": ["CMD", "true"] }, in: HEALTH, is: "healthy" }],
    refusals: [{ value: 1, status: 400, says: /Interval in Healthcheck cannot be less than 1ms/ }],
  },
  {
    path: "Healthcheck.Timeout",
    verdict: "honoured",
    note: "",
    effects: [
      {
        value: SECOND_NS / 10,
        with: { "Healthcheck.Test": ["CMD", "sleep", "900"], "Healthcheck.Interval": OFTEN_NS },
        in: "inspect State.Health.Log",
        is: has("exceeded timeout"),
      },
    ],
  },
  {
    path: "Healthcheck.Retries",
    verdict: "honoured",
    note: "",
    effects: [{ value: 1, insteadOf: 100_000, with: { ...ILL, "Healthcheck.Retries": undefined }, in: HEALTH, is: "unhealthy" }],
  },
  {
    path: "Healthcheck.StartPeriod",
    verdict: "honoured",
    note: "",
    effects: [{ value: 1_000_000, insteadOf: MINUTE_NS, with: ILL, in: HEALTH, is: "unhealthy" }],
  },
  {
    path: "Healthcheck.StartInterval",
    verdict: "honoured",
    note: "",
    effects: [
      {
        value: OFTEN_NS,
        with: { ...HEALTHY, "Healthcheck.Interval": MINUTE_NS, "Healthcheck.StartPeriod": MINUTE_NS },
        in: HEALTH,
        is: "healthy",
      },
    ],
  },
  { path: "ArgsEscaped", verdict: "kept", note: "of Windows", tries: [{ value: true }] },
  {
    path: "Image",
    verdict: "honoured",
    note: "",
    effects: [{ value: "busybox:other", insteadOf: "busybox", in: "inspect Config.Env", is: has("OTHER=1") }],
    refusals: [{ value: "nosuch", status: 404, says: /No such image: nosuch:latest/ }],
  },
  {
    path: "Volumes",
    verdict: "honoured",
    note: "an anonymous volume each",
    effects: [{ value: { "/data": {} }, in: "config.json mounts[destination=/data].type", is: "bind" }],
  },
  {
    path: "WorkingDir",
    verdict: "honoured",
    note: "made where the image has none",
    effects: [{ value: "/made/here", in: "config.json process.cwd", is: "/made/here" }],
    refusals: [{ value: "made", status: 400, says: /it needs to be an absolute path/ }],
  },
  {
    path: "Entrypoint",
    verdict: "honoured",
    note: "",
    effects: [{ value: ["env"], in: "config.json process.args", is: ["env", "sleep", "1000"] }],
  },
  {
    path: "NetworkDisabled",
    verdict: "honoured",
    note: "no interface but the loopback one",
    effects: [{ value: true, with: { ...BRIDGE, Cmd: ["test", "-e", "/sys/class/net/eth0"] }, in: "exit code", is: 1 }],
  },
  { path: "OnBuild", verdict: "kept", note: "for images made of it", tries: [{ value: ["RUN true"] }] },
  {
    path: "Labels",
    verdict: "honoured",
    note: "for filters and events",
    effects: [{ value: { "field{n}": "given" }, in: "found with label=field{n}=given", is: true }],
  },
  {
    path: "StopSignal",
    verdict: "honoured",
    note: "",
    effects: [
      {
        value: "SIGUSR1",
        with: { Cmd: ["sh", "-c", "trap 'exit 7' USR1; echo ready; while :; do sleep 0.05; done"], StopTimeout: 1 },
        andThen: "stop",
        in: "exit code",
        is: 7,
      },
    ],
    refusals: [{ value: "SIGNONE", status: 400, says: /Invalid signal|invalid signal/ }],
  },
  {
    path: "StopTimeout",
    verdict: "honoured",
    note: "",
    effects: [
      {
        value: 10,
        insteadOf: 0,
        with: { Cmd: ["sh", "-c", "trap 'sleep 0.3; exit 7' TERM; echo ready; while :; do sleep 0.05; done"] },
        andThen: "stop",
        in: "exit code",
        is: 7,
      },
    ],
  },
  {
    path: "Shell",
    verdict: "honoured",
    note: "what runs the commands of `CMD-SHELL`",
    effects: [
      {
        value: ["/bin/echo", "given"],
        with: { "Healthcheck.Test": ["CMD-SHELL", "true"], "Healthcheck.Interval": OFTEN_NS },
        in: "inspect State.Health.Log",
        is: has("given true"),
      },
    ],
  },
];
