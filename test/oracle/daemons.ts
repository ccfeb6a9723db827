import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { Outcome } from "./compare.ts";
import type { DaemonSettings, Step } from "./scenario.ts";

const run = promisify(execFile);
const DONE: Outcome = { exitCode: 0, stdout: "", stderr: "" };
const GONE_MS = 30_000;
const PAUSE_MS = 50;

/** How an engine's own daemon is told to stop, to start and to read its settings. */
export interface DaemonControl {
  /** Its daemon.json. */
  readonly configFile: string;
  readonly hosts: readonly string[];
  /** What it does where nothing is said. */
  readonly liveRestore: boolean;
  /** Stops it, and starts it again; resolves when it answers. */
  restart(): Promise<void>;
  reload(): Promise<void>;
}

/** @param name - Of the peer. */
export function realDaemon(
  name: string,
  { folder, socket }: { readonly folder: string; readonly socket: string },
): DaemonControl {
  const script = async (verb: string): Promise<void> => void (await run("bash", ["test/oracle/real-docker.sh", verb, name]));
  return {
    configFile: `${folder}/daemon.json`,
    hosts: [`unix://${socket}`],
    liveRestore: false,
    restart: () => script("restart"),
    reload: () => script("reload"),
  };
}

export function ourDaemon(
  lab: string,
  { host, folder, socket }: { readonly host: string; readonly folder: string; readonly socket: string },
): DaemonControl {
  const pidOf = async (): Promise<number> => Number((await run("cat", [`${folder}/shoald.pid`])).stdout);
  return {
    configFile: `${folder}/daemon.json`,
    hosts: [`unix://${socket}`],
    liveRestore: true,
    restart: async () => {
      const pid = await pidOf();
      process.kill(pid, "SIGTERM");
      await gone(pid);
      await run(process.execPath, ["bin/lab", "restart", "--name", lab, host]);
    },
    reload: async () => void process.kill(await pidOf(), "SIGHUP"),
  };
}

export async function runDaemonStep(control: DaemonControl, step: Extract<Step, { kind: "daemon" }>): Promise<Outcome> {
  await settings(control, step.settings);
  await control[step.action]();
  return DONE;
}

/** Away from the data of another mapping of ids, where nothing is to be left behind. */
export async function leaveMapping(control: DaemonControl): Promise<void> {
  await settings(control, { debug: false, "live-restore": control.liveRestore });
  await control.restart();
}

/** As it was before a scenario changed it. */
export async function resetDaemon(control: DaemonControl): Promise<void> {
  await settings(control, { debug: false, "live-restore": control.liveRestore });
  await control.reload();
}

async function settings({ configFile, hosts }: DaemonControl, given: DaemonSettings): Promise<void> {
  await writeFile(configFile, JSON.stringify({ hosts, ...given }));
}

async function gone(pid: number): Promise<void> {
  const deadlineMs = performance.now() + GONE_MS;
  while (performance.now() < deadlineMs) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise(resolve => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error(`the daemon (${pid}) did not end`);
}
