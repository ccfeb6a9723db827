import type { Command } from "../command/command.ts";
import { type CliContext, CliError, text } from "../context.ts";
import { ask, readStdin } from "../terminal/ask.ts";
import { eraseLogin, HUB, tokenOf, writeLogin } from "./credentials.ts";

interface LoginFlags {
  readonly username?: string;
  readonly password?: string;
  readonly passwordStdin?: boolean;
}

export function registerLogin(program: Command, context: () => CliContext): void {
  program
    .command("login [server]")
    .description("Log in to a registry")
    .option("-p, --password <string>", "Password (shown to everybody who lists processes)")
    .option("--password-stdin", "Read the password from standard input")
    .option("-u, --username <string>", "User name")
    .action(async (server: string | undefined, flags: LoginFlags) => login(context(), server ?? HUB, flags));
  program
    .command("logout [server]")
    .description("Forget the login to a registry")
    .action(async (server: string | undefined) => {
      const cli = context();
      cli.stdout(`Removing login credentials for ${server ?? HUB}\n`);
      await eraseLogin(server ?? HUB);
    });
}

async function login(cli: CliContext, server: string, flags: LoginFlags): Promise<void> {
  if (flags.password !== undefined) {
    cli.stderr("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
    if (flags.passwordStdin === true) throw new CliError("--password and --password-stdin are mutually exclusive");
  }
  if (flags.passwordStdin === true && flags.username === undefined)
    throw new CliError("the --password-stdin option requires --username to be set");
  const username = flags.username ?? (await typed("Username: ", { isSecret: false }));
  const password =
    flags.password ?? (flags.passwordStdin === true ? await readStdin() : await typed("Password: ", { isSecret: true }));
  const answer = await cli.api.json("POST", "/auth", { body: { username, password, serveraddress: server } });
  const token = tokenOf(answer);
  await writeLogin(server, { username, password, ...(token !== undefined && { identityToken: token }) });
  cli.stdout(`${text(answer, "Status") || "Login Succeeded"}\n`);
}

async function typed(question: string, { isSecret }: { readonly isSecret: boolean }): Promise<string> {
  if (!process.stdin.isTTY) throw new CliError("Error: Cannot perform an interactive login from a non TTY device");
  return await ask(question, { isSecret });
}
