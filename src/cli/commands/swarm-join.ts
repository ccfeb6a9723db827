import type { Command } from "../command/command.ts";
import type { FlagValues } from "../command/flags.ts";
import { type CliContext, CliError, field, text } from "../context.ts";
import { value } from "./container-values.ts";
import { saveSettings } from "./swarm-settings.ts";

const AVAILABILITIES = ["active", "pause", "drain"];

/** `swarm join`, `join-token`. */
export function registerJoin(swarm: Command, context: () => CliContext): void {
  swarm
    .command("join <host>")
    .usage("HOST:PORT")
    .description("Join a swarm as a node and/or manager")
    .option("--token <string>", "Token for entry into the swarm")
    .option("--advertise-addr <string>", "Advertised address")
    .option("--listen-addr <string>", "Listen address", "0.0.0.0:2377")
    .option("--data-path-addr <string>", "Address or interface for what goes over overlay networks")
    .option("--availability <string>", "Availability of the node", "active")
    .action(async (host: string, flags: FlagValues) => join(context(), host, flags));
  swarm
    .command("join-token <role>")
    .usage("(worker|manager)")
    .description("Manage join tokens")
    .option("-q, --quiet", "Only display token")
    .option("--rotate", "Rotate join token")
    .action(async (role: string, flags: FlagValues) => joinToken(context(), role, flags));
}

async function join(cli: CliContext, host: string, flags: FlagValues): Promise<void> {
  await cli.api.json("POST", "/swarm/join", {
    body: {
      ListenAddr: value(flags, "listenAddr"),
      AdvertiseAddr: value(flags, "advertiseAddr") ?? "",
      DataPathAddr: value(flags, "dataPathAddr") ?? "",
      RemoteAddrs: [host],
      JoinToken: value(flags, "token") ?? "",
      Availability: availability(flags),
    },
  });
  const info = await cli.api.json("GET", "/info");
  const isManager = text(info, "Swarm", "LocalNodeState") === "active" && field(info, "Swarm", "ControlAvailable") === true;
  cli.stdout(`This node joined a swarm as a ${isManager ? "manager" : "worker"}.\n`);
}

/** @throws CliError in the words of Docker's CLI. */
export function availability(flags: FlagValues): string {
  const given = value(flags, "availability") ?? "active";
  if (AVAILABILITIES.includes(given.toLowerCase())) return given.toLowerCase();
  throw new CliError(`invalid availability ${JSON.stringify(given)}, only active, pause and drain are supported`);
}

async function joinToken(cli: CliContext, role: string, flags: FlagValues): Promise<void> {
  if (role !== "worker" && role !== "manager") throw new CliError(`unknown role ${role}`);
  const isRotated = flags["rotate"] === true;
  if (isRotated) await rotateToken(cli, role);
  const kind = role === "worker" ? "Worker" : "Manager";
  if (flags["quiet"] === true) return cli.stdout(`${text(await cli.api.json("GET", "/swarm"), "JoinTokens", kind)}\n`);
  if (isRotated) cli.stdout(`Successfully rotated ${role} join token.\n\n`);
  cli.stdout(`To add a ${role} to this swarm, run the following command:\n\n    ${await joinCommand(cli, kind)}\n\n`);
}

async function rotateToken(cli: CliContext, role: "worker" | "manager"): Promise<void> {
  const swarm = await cli.api.json("GET", "/swarm");
  await saveSettings(cli, swarm, field(swarm, "Spec"), {
    [role === "worker" ? "rotateWorkerToken" : "rotateManagerToken"]: true,
  });
}

/** What another host is to run to come into this swarm. */
export async function joinCommand(cli: CliContext, kind: "Worker" | "Manager"): Promise<string> {
  const [swarm, info] = await Promise.all([cli.api.json("GET", "/swarm"), cli.api.json("GET", "/info")]);
  return `docker swarm join --token ${text(swarm, "JoinTokens", kind)} ${text(info, "Swarm", "NodeAddr")}:2377`;
}
