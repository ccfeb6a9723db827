// A cluster on one machine: each host is a network, mount and UTS namespace with a daemon of its own, on a switch that is a namespace too.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  bootHost,
  crashHost,
  cutHost,
  destroyHost,
  enterCommand,
  healHost,
  killDaemon,
  pauseHost,
  resumeHost,
  silenceHost,
} from "./host.ts";
import { createSwitch, deleteSwitch, isPluggedIn, unplug } from "./network.ts";
import { HOSTS_MAX, hostNames, LAB_ROOT, type LabHost, labDirectory, labHost } from "./paths.ts";
import { removeCgroups } from "./processes.ts";
import { formSwarm } from "./swarm.ts";

const USAGE = `Usage: lab VERB [--name LAB]
  up [--managers 3] [--workers 2] [--empty]   start the hosts and join them to one swarm (--empty: daemons only)
  host HOST                                   print the host's DOCKER_HOST
  kill HOST...                                SIGKILL to its daemon and manager; containers stay
  crash HOST...                               power loss: everything on it dies at once
  restart HOST...                             start what was killed, boot what was crashed
  pause HOST... | resume HOST...              stop and continue every process on it
  cut HOST... | heal HOST...                  its network cable
  silence HOST... | heal HOST...              its packets are lost, as behind a firewall; its cable is there
                                              (pause, cut and silence take --for SECONDS, and then undo themselves)
  get URL                                     what the client, a host without a daemon, is answered there
  sh HOST COMMAND...                          run a shell command inside it ("client" is a host without a daemon)
  down                                        take everything away
`;

interface Lab {
  readonly name: string;
  readonly hosts: readonly LabHost[];
}

const PER_HOST: Record<string, (host: LabHost, lab: Lab) => void | Promise<void>> = {
  kill: killDaemon,
  crash: crashHost,
  restart: (host, lab) => bootHost(host, lab.hosts),
  pause: pauseHost,
  resume: resumeHost,
  cut: cutHost,
  silence: silenceHost,
  heal: healHost,
};

const UNDO: Record<string, (host: LabHost) => void> = { pause: resumeHost, cut: healHost, silence: healHost };

async function main(): Promise<void> {
  const [verb = "help", ...rest] = process.argv.slice(2);
  if (verb === "sh") return runInside(rest);
  const { values, positionals } = parseArgs({
    args: rest,
    allowPositionals: true,
    options: {
      name: { type: "string", default: "lab" },
      managers: { type: "string", default: "3" },
      workers: { type: "string", default: "2" },
      empty: { type: "boolean", default: false },
      for: { type: "string" },
    },
  });
  const action = PER_HOST[verb];
  if (action !== undefined) {
    const lab = readLab(values.name);
    if (positionals.length === 0) throw new Error(`"lab ${verb}" needs a host`);
    const hosts = positionals.map(name => findHost(lab, name));
    for (const host of hosts) refuseUnless(verb, host);
    const forMs = values.for === undefined ? undefined : durationMs(verb, values.for);
    await Promise.all(hosts.map(async host => action(host, lab)));
    if (forMs === undefined) return;
    await sleep(forMs);
    for (const host of hosts) UNDO[verb]?.(host);
  } else if (verb === "up") {
    requireRoot();
    await up(values.name, {
      managers: hostCount("managers", values.managers),
      workers: hostCount("workers", values.workers),
      isEmpty: values.empty,
    });
  } else if (verb === "host") console.log(`unix://${daemonHost(readLab(values.name), positionals[0] ?? "").socket}`);
  else if (verb === "get") get(readLab(values.name), positionals[0] ?? "");
  else if (verb === "down") await down(values.name);
  else if (["help", "--help", "-h"].includes(verb)) process.stdout.write(USAGE);
  else throw new Error(`unknown verb: ${verb}\n${USAGE}`);
}

function requireRoot(): void {
  if (process.getuid?.() !== 0) throw new Error("run it as root: it makes network namespaces and mounts");
}

/** @throws Error when `verb` is not one that undoes itself. */
function durationMs(verb: string, text: string): number {
  if (UNDO[verb] === undefined) throw new Error(`"lab ${verb}" takes no --for`);
  if (!/^\d{1,4}(\.\d{1,3})?$/.test(text)) throw new Error(`--for takes a number of seconds, not "${text}"`);
  return Number(text) * 1_000;
}

function hostCount(option: string, text: string): number {
  if (!/^\d{1,2}$/.test(text) || Number(text) > HOSTS_MAX) {
    throw new Error(`--${option} takes a number from 0 to ${HOSTS_MAX}, not "${text}"`);
  }
  return Number(text);
}

/** @throws Error when what `verb` acts on is not there, before anything is done to any host. */
function refuseUnless(verb: string, host: LabHost): void {
  requireRoot();
  if (host.name === "client" && ["kill", "pause", "resume"].includes(verb)) throw new Error('"client" has no daemon');
  if (["pause", "resume", "cut", "silence", "heal"].includes(verb) && !isPluggedIn(host)) {
    throw new Error(`${host.name} is not up: "lab restart ${host.name}" boots it`);
  }
}

function daemonHost(lab: Lab, name: string): LabHost {
  if (name === "") throw new Error('"lab host" needs a host');
  if (name === "client") throw new Error('"client" has no daemon');
  return findHost(lab, name);
}

async function up(
  name: string,
  options: { readonly managers: number; readonly workers: number; readonly isEmpty: boolean },
): Promise<void> {
  const directory = labDirectory(name);
  if (options.managers === 0 && !options.isEmpty) throw new Error("a swarm needs a manager: --managers 1 or more, or --empty");
  // A lab that is up only grows: its other hosts stay known.
  const known = existsSync(join(directory, "lab.json")) ? readLab(name).hosts.map(host => host.name) : [];
  const wanted = hostNames(options);
  const names = [...new Set([...wanted, ...known, "client"])];
  const lab = { name, hosts: names.map(host => labHost(name, host)) };
  mkdirSync(directory, { recursive: true });
  // Written first: `down` after an interrupted `up` has to know what there may be.
  writeFileSync(join(directory, "lab.json"), JSON.stringify({ hosts: names }));
  createSwitch(name);
  await Promise.all(
    lab.hosts.filter(({ name }) => name === "client" || wanted.includes(name)).map(host => bootHost(host, lab.hosts)),
  );
  const daemons = lab.hosts.filter(host => wanted.includes(host.name));
  if (!options.isEmpty) await formSwarm(daemons);
  for (const host of daemons) console.log(`${host.name} ${host.address} DOCKER_HOST=unix://${host.socket}`);
}

async function down(name: string): Promise<void> {
  const directory = labDirectory(name);
  if (!existsSync(directory)) return console.log(`lab ${name} is not up`);
  requireRoot();
  const hosts = new Set(
    readdirSync(directory, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => entry.name),
  );
  for (const { name: host } of existsSync(join(directory, "lab.json")) ? readLab(name).hosts : []) hosts.add(host);
  await Promise.all([...hosts].map(host => destroyHost(labHost(name, host))));
  for (const host of hosts) unplug(labHost(name, host));
  deleteSwitch(name);
  removeCgroups(`/shoal-lab/${name}`);
  rmSync(directory, { recursive: true, force: true });
  if (existsSync(LAB_ROOT) && readdirSync(LAB_ROOT).length === 0) {
    rmdirSync(LAB_ROOT);
    removeCgroups("/shoal-lab");
  }
}

/** Not every machine has curl, and every one here has Node. */
function get(lab: Lab, target: string): void {
  const url = /^https?:\/\//.test(target) ? target : `http://${target}`;
  const [enter = "", ...prefix] = enterCommand(findHost(lab, "client"));
  const program = "fetch(process.argv[1]).then(answer => answer.text()).then(text => process.stdout.write(text))";
  const { status } = spawnSync(enter, [...prefix, process.execPath, "-e", program, url], { stdio: "inherit" });
  process.exitCode = status ?? 1;
}

/** `lab sh [--name LAB] HOST COMMAND...`: everything after the host is the command's own. */
function runInside(args: readonly string[]): void {
  let name = "lab";
  let rest = [...args];
  if (rest[0] === "--name") [, name = "lab", ...rest] = rest;
  const [hostName = "", ...command] = rest;
  const [enter = "", ...prefix] = enterCommand(findHost(readLab(name), hostName));
  const shell = command.length === 0 ? ["sh"] : ["sh", "-c", command.join(" ")];
  const { status } = spawnSync(enter, [...prefix, ...shell], { stdio: "inherit" });
  process.exitCode = status ?? 1;
}

function readLab(name: string): Lab {
  const path = join(labDirectory(name), "lab.json");
  if (!existsSync(path)) throw new Error(`lab ${name} is not up`);
  const { hosts } = JSON.parse(readFileSync(path, "utf8")) as { hosts: readonly string[] };
  return { name, hosts: hosts.map(host => labHost(name, host)) };
}

function findHost(lab: Lab, name: string): LabHost {
  const host = lab.hosts.find(candidate => candidate.name === name);
  if (host === undefined) throw new Error(`no such host in lab ${lab.name}: ${name}`);
  return host;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
