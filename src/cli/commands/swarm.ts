import type { Command } from "../command/command.ts";
import { registerBackup } from "./swarm-backup.ts";
import { registerRootCertificate } from "./swarm-ca.ts";
import { keyAdvice, registerSettings } from "./swarm-settings.ts";
import { type CliContext, CliError, number, text } from "../context.ts";
import { parseExternalCa } from "./external-ca.ts";

interface InitFlags {
  readonly advertiseAddr?: string;
  readonly listenAddr: string;
  readonly availability: string;
  readonly forceNewCluster?: boolean;
  readonly autolock?: boolean;
  readonly externalCa?: readonly string[];
}

export function registerSwarm(program: Command, context: () => CliContext): void {
  const swarm = program.group("swarm", "Manage Swarm");

  swarm
    .command("init")
    .description("Initialize a swarm")
    .option("--advertise-addr <string>", "Advertised address")
    .option("--listen-addr <string>", "Listen address", "0.0.0.0:2377")
    .option("--availability <string>", "Availability of the node", "active")
    .option("--force-new-cluster", "Force create a new cluster from current state")
    .option("--autolock", "Managers that start ask for a key")
    .option("--external-ca <list>", "Who signs certificates: protocol=cfssl,url=https://…[,cacert=FILE]")
    .action(async (flags: InitFlags) => {
      const cli = context();
      const ExternalCAs = await Promise.all((flags.externalCa ?? []).map(parseExternalCa));
      const body = {
        ListenAddr: flags.listenAddr,
        AdvertiseAddr: flags.advertiseAddr ?? "",
        Availability: flags.availability,
        ForceNewCluster: flags.forceNewCluster === true,
        AutoLockManagers: flags.autolock === true,
        Spec: { EncryptionConfig: { AutoLockManagers: flags.autolock === true }, CAConfig: { ExternalCAs } },
      };
      const nodeId = await cli.api.json("POST", "/swarm/init", { body });
      const command = await joinCommand(cli, "Worker");
      cli.stdout(`Swarm initialized: current node (${text(nodeId)}) is now a manager.\n\n`);
      cli.stdout(`To add a worker to this swarm, run the following command:\n\n    ${command}\n\n`);
      cli.stdout("To add a manager to this swarm, run 'docker swarm join-token manager' and follow the instructions.\n");
      if (flags.autolock === true) cli.stdout(`\n${keyAdvice(text(await cli.api.json("GET", "/swarm/unlockkey"), "UnlockKey"))}`);
    });

  swarm
    .command("join <host>")
    .usage("HOST:PORT")
    .description("Join a swarm as a node and/or manager")
    .option("--token <string>", "Token for entry into the swarm")
    .option("--advertise-addr <string>", "Advertised address")
    .option("--listen-addr <string>", "Listen address", "0.0.0.0:2377")
    .option("--availability <string>", "Availability of the node", "active")
    .action(async (host: string, flags: { token: string; advertiseAddr?: string; listenAddr: string; availability: string }) => {
      const cli = context();
      await cli.api.json("POST", "/swarm/join", {
        body: {
          ListenAddr: flags.listenAddr,
          AdvertiseAddr: flags.advertiseAddr ?? "",
          RemoteAddrs: [host],
          JoinToken: flags.token,
          Availability: flags.availability,
        },
      });
      const info = await cli.api.json("GET", "/info");
      const isManager =
        text(info, "Swarm", "LocalNodeState") === "active" &&
        (info as { Swarm?: { ControlAvailable?: boolean } }).Swarm?.ControlAvailable === true;
      cli.stdout(`This node joined a swarm as a ${isManager ? "manager" : "worker"}.\n`);
    });

  swarm
    .command("join-token <role>")
    .usage("(worker|manager)")
    .description("Manage join tokens")
    .option("-q, --quiet", "Only display token")
    .option("--rotate", "Rotate join token")
    .action(async (role: string, flags: { quiet?: boolean; rotate?: boolean }) => {
      const cli = context();
      if (role !== "worker" && role !== "manager") throw new CliError(`unknown role ${role}`);
      if (flags.rotate === true) await rotateToken(cli, role);
      const swarmState = await cli.api.json("GET", "/swarm");
      const kind = role === "worker" ? "Worker" : "Manager";
      if (flags.quiet === true) cli.stdout(`${text(swarmState, "JoinTokens", kind)}\n`);
      else {
        if (flags.rotate === true) cli.stdout(`Successfully rotated ${role} join token.\n\n`);
        cli.stdout(`To add a ${role} to this swarm, run the following command:\n\n    ${await joinCommand(cli, kind)}\n\n`);
      }
    });

  registerSettings(swarm, context);
  registerRootCertificate(swarm, context);
  registerBackup(swarm, context);

  swarm
    .command("leave")
    .description("Leave the swarm")
    .option("-f, --force", "Force this node to leave the swarm, ignoring warnings")
    .action(async (flags: { force?: boolean }) => {
      await context().api.json("POST", "/swarm/leave", { query: { force: flags.force === true } });
      context().stdout("Node left the swarm.\n");
    });
}

async function rotateToken(cli: CliContext, role: "worker" | "manager"): Promise<void> {
  const swarm = await cli.api.json("GET", "/swarm");
  const query = {
    version: number(swarm, "Version", "Index"),
    [role === "worker" ? "rotateWorkerToken" : "rotateManagerToken"]: true,
  };
  await cli.api.json("POST", "/swarm/update", { query, body: (swarm as { Spec: { [key: string]: string } }).Spec });
}

async function joinCommand(cli: CliContext, kind: "Worker" | "Manager"): Promise<string> {
  const [swarm, info] = await Promise.all([cli.api.json("GET", "/swarm"), cli.api.json("GET", "/info")]);
  return `docker swarm join --token ${text(swarm, "JoinTokens", kind)} ${text(info, "Swarm", "NodeAddr")}:2377`;
}
