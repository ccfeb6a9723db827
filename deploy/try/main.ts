// The main job, shown: five hosts, a service deployed, scaled, updated under load, its leader killed, a worker crashed.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildRootFileSystem } from "./image.ts";
import { type Phase, parseLog, summarize } from "./summary.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const LAB = process.env["SHOAL_TRY_LAB"] ?? "lab";
const CLI = process.env["SHOAL_TRY_CLI"] ?? join(ROOT, "bin/shoal");
/** What the commands shown at the end need to reach this lab. */
const LAB_FLAG = LAB === "lab" ? "" : ` --name ${LAB}`;
const OUTPUT = join(ROOT, ".try");
const HOSTS = ["m1", "m2", "m3", "w1", "w2"] as const;
const PORT = 8080;
const RATE_PER_SECOND = 100;
const ROLL_REQUESTS_MIN = 2_000;
const CRASH_FAILURES_WITHIN_MS = 6_000;
/** Long enough to see clients come back with a port that they had used before. */
const CRASH_WATCH_MS = Number(process.env["SHOAL_TRY_WATCH_MS"] ?? 15_000);
const WAIT_MS = 60_000;
/** A task counts as running, and gets requests, only once it answers: without this, one that is still loading would refuse some. */
const HEALTH_CHECK =
  'HEALTHCHECK --start-period=30s --start-interval=200ms --interval=30s --timeout=5s CMD ["/usr/bin/perl", "-MIO::Socket::INET", "-e", "exit !IO::Socket::INET->new(q(127.0.0.1:8080))"]';

interface Host {
  readonly name: string;
  readonly address: string;
  readonly dockerHost: string;
}

const startMs = performance.now();
const failures: string[] = [];

async function main(): Promise<void> {
  mkdirSync(OUTPUT, { recursive: true });
  say("Starting five hosts: 3 managers, 2 workers");
  const hosts = startLab();
  const [manager] = hosts;
  if (manager === undefined) throw new Error("the lab has no hosts");
  say("Making the demo's image and loading it on every host");
  await loadImages(hosts);
  show(manager, "node ls");

  await removeEarlierDemo(manager);
  say("Creating a service of 3, then scaling it to 10");
  cli(manager, [
    ...[
      "service",
      "create",
      "--detach",
      "--quiet",
      "--name",
      "demo",
      "--replicas",
      "3",
      "--publish",
      `${PORT}:8080`,
      "--env",
      "TASK={{.Task.Name}}",
    ],
    ...["--update-parallelism", "2", "--update-order", "start-first", "--update-monitor", "1s", "--update-delay", "0s"],
    ...["--rollback-parallelism", "2", "--rollback-order", "start-first", "--rollback-monitor", "1s", "demo:1"],
  ]);
  await untilRunning(manager, 3);
  cli(manager, ["service", "scale", "--detach", "demo=10"]);
  await untilRunning(manager, 10);
  show(manager, "service ps demo");

  const load = startLoad(hosts);
  await untilAnswered(load.logPath);
  const phases: Phase[] = [];

  say(`Rolling to version 2 and back, under ${RATE_PER_SECOND} requests a second to all five hosts`);
  phases.push(
    await phase("update and rollback", async fromMs => {
      cli(manager, ["service", "update", "--detach", "--quiet", "--image", "demo:2", "demo"]);
      await untilUpdate(manager, "completed");
      cli(manager, ["service", "update", "--detach", "--quiet", "--rollback", "demo"]);
      await untilUpdate(manager, "rollback_completed");
      await sleep(Math.max(0, fromMs + (ROLL_REQUESTS_MIN * 1_000) / RATE_PER_SECOND + 1_000 - Date.now()));
    }),
  );

  const leader = findLeader(hosts);
  const survivor = hosts.find(host => host.name !== leader.name) ?? manager;
  say(`Killing the leader, ${leader.name}`);
  phases.push(
    await phase("leader killed", async () => {
      lab(["kill", leader.name]);
      await untilLeader(survivor);
      await sleep(5_000);
    }),
  );
  lab(["restart", leader.name]);

  const worker = hosts.find(host => host.name === "w1") ?? manager;
  say(`Cutting the power of a worker, ${worker.name}`);
  const crash = await phase("worker crashed", async () => {
    lab(["crash", worker.name]);
    await untilRunning(survivor, 10, worker.name);
    await sleep(CRASH_WATCH_MS);
  });
  phases.push(crash);
  await load.stop();
  show(survivor, "node ls");
  show(survivor, "service ps demo");
  report(load.logPath, phases, worker);
  finish(survivor);
}

/** What the load generator's log says, and whether that is what was promised. */
function report(logPath: string, phases: readonly Phase[], deadHost: Host): void {
  const records = parseLog(readFileSync(logPath, "utf8"));
  const lines = phases.map(each => summarize(records, each, each.name === "worker crashed" ? deadHost.address : undefined));
  writeFileSync(join(OUTPUT, "summary.json"), JSON.stringify(lines, null, 2));
  console.log("\nphase                  requests  failed  versions  tasks  p50 ms  p99 ms");
  for (const line of lines) {
    const cells = [
      line.name.padEnd(22),
      pad(line.requests, 8),
      pad(line.failed, 7),
      line.versions.join("+").padStart(9),
      pad(line.tasks, 6),
    ];
    console.log(`${cells.join(" ")} ${pad(line.p50Ms, 7)} ${pad(line.p99Ms, 7)}`);
  }
  const [roll, kill, crash] = lines;
  if (roll === undefined || kill === undefined || crash === undefined) throw new Error("a phase is missing");
  expect(roll.requests >= ROLL_REQUESTS_MIN, `at least ${ROLL_REQUESTS_MIN} requests during update and rollback`);
  expect(roll.failed === 0, "no request failed during update and rollback");
  expect(roll.versions.length === 2, "both versions were seen");
  expect(kill.failed === 0, "no request failed when the leader was killed");
  const last = crash.failedAfterMs.at(-1) ?? 0;
  expect(last <= CRASH_FAILURES_WITHIN_MS, `requests failed only within ${CRASH_FAILURES_WITHIN_MS} ms after the crash`);
  console.log(
    `After the crash ${crash.failed} requests failed, the last one sent ${last} ms after it (those to the dead host itself not counted).`,
  );
  console.log(`The load generator's log: ${logPath}`);
}

function finish(manager: Host): void {
  console.log(`\nTook ${Math.round((performance.now() - startMs) / 1_000)} s. The cluster is up. Try:`);
  console.log(`  export DOCKER_HOST=${manager.dockerHost}`);
  console.log("  bin/shoal node ls; bin/shoal service ps demo; bin/shoal service scale demo=5");
  console.log(`  bin/lab get${LAB_FLAG} ${manager.address}:${PORT}`);
  console.log(`  bin/lab restart${LAB_FLAG} w1        # the crashed worker comes back`);
  console.log(`  bin/lab down${LAB_FLAG}              # takes everything away`);
  if (failures.length > 0) {
    console.log(`\nNOT AS PROMISED:\n${failures.map(text => `  ${text}`).join("\n")}`);
    process.exitCode = 1;
  } else console.log("\nEverything was as promised.");
}

function expect(holds: boolean, what: string): void {
  console.log(`${holds ? "yes" : "NO "}  ${what}`);
  if (!holds) failures.push(what);
}

// ---- the cluster ----

function startLab(): readonly Host[] {
  const output = lab(["up", "--managers", "3", "--workers", "2"]);
  return HOSTS.map(name => {
    const match = new RegExp(`^${name} (\\S+) DOCKER_HOST=(\\S+)$`, "m").exec(output);
    if (match === null) throw new Error(`the lab did not start ${name}:\n${output}`);
    return { name, address: match[1] ?? "", dockerHost: match[2] ?? "" };
  });
}

async function loadImages(hosts: readonly Host[]): Promise<void> {
  const tarPath = join(OUTPUT, "demo.tar");
  buildRootFileSystem({ tarPath, serverPath: join(ROOT, "deploy/try/server.pl") });
  for (const version of ["1", "2"]) {
    const changes = [`ENV VERSION=${version}`, 'ENTRYPOINT ["/usr/bin/perl", "/server.pl"]', "EXPOSE 8080", HEALTH_CHECK].flatMap(
      change => ["--change", change],
    );
    await Promise.all(hosts.map(host => cliInBackground(host, ["import", ...changes, tarPath, `demo:${version}`])));
  }
}

/** The cluster stays up after a run, so the next one meets its service. */
async function removeEarlierDemo(host: Host): Promise<void> {
  if (tryCli(host, ["service", "inspect", "demo"]).status !== 0) return;
  say("Removing the service of the last run");
  cli(host, ["service", "rm", "demo"]);
  await until("the service to be gone", () => tryCli(host, ["service", "inspect", "demo"]).status !== 0);
}

function findLeader(hosts: readonly Host[]): Host {
  for (const host of hosts.filter(({ name }) => name.startsWith("m"))) {
    const name = leaderSeenBy(host);
    const leader = hosts.find(candidate => candidate.name === name);
    if (leader !== undefined) return leader;
  }
  throw new Error("no leader");
}

function leaderSeenBy(host: Host): string | undefined {
  const { status, stdout } = tryCli(host, ["node", "ls", "--format", "{{.Hostname}} {{.ManagerStatus}}"]);
  return status === 0 ? /^(\S+) Leader$/m.exec(stdout)?.[1] : undefined;
}

async function untilLeader(host: Host): Promise<void> {
  await until("a new leader", () => leaderSeenBy(host) !== undefined);
}

/** Waits until `count` tasks run, none of them on `exceptHost`. */
async function untilRunning(host: Host, count: number, exceptHost?: string): Promise<void> {
  await until(`${count} running tasks`, () => {
    const { status, stdout } = tryCli(host, [
      "service",
      "ps",
      "demo",
      "--filter",
      "desired-state=running",
      "--format",
      "{{.Node}} {{.CurrentState}}",
    ]);
    const running = stdout.split("\n").filter(line => / Running/.test(line) && !line.startsWith(`${exceptHost} `));
    return status === 0 && running.length === count;
  });
}

async function untilUpdate(host: Host, state: string): Promise<void> {
  await until(`the update to be ${state}`, () => {
    const { stdout } = tryCli(host, ["service", "inspect", "demo", "--format", "{{.UpdateStatus.State}}"]);
    if (/paused/.test(stdout)) throw new Error(`the update stopped: ${stdout}`);
    return stdout.trim() === state;
  });
}

// ---- the load ----

function startLoad(hosts: readonly Host[]): { readonly logPath: string; stop(): Promise<void> } {
  const logPath = join(OUTPUT, "load.log");
  const args = [
    "--targets",
    hosts.map(({ address }) => address).join(","),
    "--port",
    String(PORT),
    "--rate",
    String(RATE_PER_SECOND),
    "--log",
    logPath,
  ];
  writeFileSync(logPath, "");
  const child = spawn(
    "nsenter",
    [`--net=/run/netns/shoal-${LAB}-client`, process.execPath, join(ROOT, "dist/load.mjs"), ...args],
    { stdio: "inherit" },
  );
  process.on("exit", () => child.kill());
  const ended = new Promise<void>(resolve => child.on("exit", () => resolve()));
  return {
    logPath,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Waits for the first answers: measuring begins when the service is reached. */
async function untilAnswered(logPath: string): Promise<void> {
  await until("answers on every host", () => {
    const latest = parseLog(completeLines(readFileSync(logPath, "utf8"))).slice(-2 * HOSTS.length);
    return latest.length === 2 * HOSTS.length && latest.every(({ error }) => error === undefined);
  });
}

function completeLines(text: string): string {
  return text.slice(0, text.lastIndexOf("\n") + 1);
}

async function phase(name: string, action: (fromMs: number) => Promise<void>): Promise<Phase> {
  const fromMs = Date.now();
  await action(fromMs);
  return { name, fromMs, toMs: Date.now() };
}

// ---- programs ----

function lab(args: readonly string[]): string {
  const [verb = "", ...rest] = args;
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "bin/lab"), verb, "--name", LAB, ...rest], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`lab ${args.join(" ")}: ${stderr}`);
  return stdout;
}

function tryCli(
  host: Host,
  args: readonly string[],
): { readonly status: number; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(CLI, ["--host", host.dockerHost, ...args], { encoding: "utf8", timeout: WAIT_MS });
  return { status: status ?? 1, stdout, stderr };
}

function cli(host: Host, args: readonly string[]): string {
  const { status, stdout, stderr } = tryCli(host, args);
  if (status !== 0) throw new Error(`shoal ${args.join(" ")}: ${stderr}`);
  return stdout;
}

function show(host: Host, command: string): void {
  console.log(`\n$ shoal ${command}\n${cli(host, command.split(" "))}`);
}

function cliInBackground(host: Host, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(CLI, ["--host", host.dockerHost, ...args], { stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.on("data", chunk => (stderr += chunk));
    child.on("error", reject);
    child.on("exit", code => (code === 0 ? resolve() : reject(new Error(`shoal ${args.join(" ")} on ${host.name}: ${stderr}`))));
  });
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${WAIT_MS} ms in vain for ${what}`);
    await sleep(200);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

function say(text: string): void {
  console.log(`\n[${((performance.now() - startMs) / 1_000).toFixed(1)} s] ${text}`);
}

function pad(number: number, width: number): string {
  return String(number).padStart(width);
}

main().catch((error: unknown) => {
  console.error(`\nFailed: ${error instanceof Error ? error.message : String(error)}`);
  console.error(`What is up stays up for a look; "bin/lab down${LAB_FLAG}" takes it away.`);
  process.exit(1);
});
