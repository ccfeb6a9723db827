import type { Command } from "../../command/command.ts";
import { type CliContext, CliError, type Json, list, number, text } from "../../context.ts";
import { eachName } from "../shared.ts";
import { containerPath, messageOf } from "./reach.ts";

type Verb = (parent: Command, context: () => CliContext) => void;

/** What is done to containers by a call or two: each stands beside its own flags. */
const VERBS: readonly Verb[] = [
  (parent, context) =>
    parent
      .command("stop <container...>")
      .description("Stop running containers")
      .option("-s, --signal <string>", "Signal that stops it")
      .option("-t, --timeout <int>", "Seconds to wait before it is killed")
      .option("--time <int>", "Old name of --timeout")
      .action(async (names: readonly string[], flags: StopFlags) => stopEach(context(), "stop", { names, flags })),
  (parent, context) =>
    parent
      .command("restart <container...>")
      .description("Stop containers and start them again")
      .option("-s, --signal <string>", "Signal that stops it")
      .option("-t, --timeout <int>", "Seconds to wait before it is killed")
      .option("--time <int>", "Old name of --timeout")
      .action(async (names: readonly string[], flags: StopFlags) => stopEach(context(), "restart", { names, flags })),
  (parent, context) =>
    parent
      .command("kill <container...>")
      .description("Send a signal to running containers")
      .option("-s, --signal <string>", "Signal to send")
      .action(async (names: readonly string[], { signal }: { signal?: string }) =>
        eachName(context(), names, name => context().api.json("POST", containerPath(name, "kill"), { query: { signal } })),
      ),
  ...(["pause", "unpause"] as const).map(
    (verb): Verb =>
      (parent, context) =>
        parent
          .command(`${verb} <container...>`)
          .description(verb === "pause" ? "Hold every process of containers" : "Let paused containers go on")
          .action(async (names: readonly string[]) =>
            eachName(context(), names, name => context().api.json("POST", containerPath(name, verb))),
          ),
  ),
  (parent, context) =>
    parent
      .command("rename <container> <new_name>")
      .description("Give a container another name")
      .action(async (name: string, newName: string) => {
        try {
          await context().api.json("POST", containerPath(name, "rename"), { query: { name: newName } });
        } catch (error) {
          throw new CliError(`${messageOf(error)}\nError: failed to rename container named ${name}`);
        }
      }),
  (parent, context) =>
    parent
      .command("rm <container...>")
      .alias(...(parent.name === "container" ? ["remove"] : []))
      .description("Remove containers")
      .option("-f, --force", "Kill those that run")
      .option("-l, --link", "Remove the link of that name")
      .option("-v, --volumes", "Their anonymous volumes too")
      .action(async (names: readonly string[], flags: { force?: boolean; link?: boolean; volumes?: boolean }) => {
        const query = { force: flags.force, link: flags.link, v: flags.volumes };
        await eachName(context(), names, name => context().api.json("DELETE", containerPath(name), { query }));
      }),
  (parent, context) =>
    parent
      .command("wait <container...>")
      .description("Wait until containers have stopped and print their exit codes")
      .action(async (names: readonly string[]) => waitEach(context(), names)),
  (parent, context) =>
    parent
      .command("top <container> [ps...]")
      .usage("CONTAINER [ps OPTIONS]")
      .stopAtOperand()
      .description("Show the processes of a container")
      .action(async (name: string, args: readonly string[]) => top(context(), name, args)),
  (parent, context) =>
    parent
      .command("port <container> [private_port]")
      .usage("CONTAINER [PRIVATE_PORT[/PROTO]]")
      .description("Show where a container's ports are published")
      .action(async (name: string, port: string | undefined) => showPorts(context(), name, port)),
];

export function registerVerbs(program: Command, context: () => CliContext): void {
  for (const parent of [program, program.group("container", "Manage containers")])
    for (const register of VERBS) register(parent, context);
}

interface StopFlags {
  readonly signal?: string;
  readonly timeout?: string;
  readonly time?: string;
}

async function stopEach(
  cli: CliContext,
  verb: "stop" | "restart",
  { names, flags }: { readonly names: readonly string[]; readonly flags: StopFlags },
): Promise<void> {
  const query = { signal: flags.signal, t: flags.timeout ?? flags.time };
  await eachName(cli, names, name => cli.api.json("POST", containerPath(name, verb), { query }));
}

async function waitEach(cli: CliContext, names: readonly string[]): Promise<void> {
  const failures: string[] = [];
  for (const name of names) {
    try {
      cli.stdout(`${number(await cli.api.json("POST", containerPath(name, "wait")), "StatusCode")}\n`);
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  if (failures.length > 0) throw new CliError(failures.join("\n"));
}

/** Docker's tabwriter of `top`: wider gaps and cells than a listing's. */
const TOP_WIDTH_MIN = 20;

async function top(cli: CliContext, name: string, args: readonly string[]): Promise<void> {
  const query = { ps_args: args.length === 0 ? undefined : args.join(" ") };
  const processes = await cli.api.json("GET", containerPath(name, "top"), { query });
  const rows = [list(processes, "Titles"), ...list(processes, "Processes").map(row => list(row))].map(row =>
    row.map(cell => text(cell)),
  );
  const widths = (rows[0] ?? []).map((_, index) => Math.max(TOP_WIDTH_MIN, ...rows.map(row => (row[index] ?? "").length + 3)));
  for (const row of rows)
    cli.stdout(`${row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))).join("")}\n`);
}

async function showPorts(cli: CliContext, name: string, port: string | undefined): Promise<void> {
  const container = await cli.api.json("GET", containerPath(name, "json"));
  const ports = (container as { NetworkSettings?: { Ports?: { readonly [port: string]: Json } } }).NetworkSettings?.Ports ?? {};
  const wanted = port === undefined ? undefined : port.includes("/") ? port : `${port}/tcp`;
  const bindings = Object.entries(ports)
    .filter(([key, bound]) => bound !== null && (wanted === undefined || key === wanted))
    .sort(([a], [b]) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  if (wanted !== undefined && bindings.length === 0)
    throw new CliError(`Error: No public port '${port ?? ""}' published for ${name}`);
  for (const [key, bound] of bindings)
    for (const binding of list(bound)) {
      const ip = text(binding, "HostIp");
      const address = `${ip.includes(":") ? `[${ip}]` : ip}:${text(binding, "HostPort")}`;
      cli.stdout(wanted === undefined ? `${key} -> ${address}\n` : `${address}\n`);
    }
}
