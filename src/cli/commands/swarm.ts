import type { Command } from "../command/command.ts";
import type { CliContext } from "../context.ts";
import { registerBackup } from "./swarm-backup.ts";
import { registerRootCertificate } from "./swarm-ca.ts";
import { registerInit } from "./swarm-init.ts";
import { registerJoin } from "./swarm-join.ts";
import { registerSettings } from "./swarm-settings.ts";

export function registerSwarm(program: Command, context: () => CliContext): void {
  const swarm = program.group("swarm", "Manage Swarm");
  registerInit(swarm, context);
  registerJoin(swarm, context);
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
