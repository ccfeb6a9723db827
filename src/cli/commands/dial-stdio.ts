import { once } from "node:events";
import type { Duplex, Readable, Writable } from "node:stream";
import type { Command } from "../command/command.ts";
import type { CliContext } from "../context.ts";

/** For clients that reach a daemon through another program's pipes: `docker -H ssh://host` runs this on the host. */
export function registerDialStdio(program: Command, context: () => CliContext): void {
  program
    .group("system", "Manage the daemon")
    .command("dial-stdio")
    .description("Be a connection to the daemon: from stdin, to stdout")
    .action(async () => dialStdio(await context().client.connect(), { input: process.stdin, output: process.stdout }));
}

/** Ends when the daemon has closed its half; the end of the input closes ours alone, as an attached client's stdin. */
export async function dialStdio(
  connection: Duplex,
  { input, output }: { readonly input: Readable; readonly output: Writable },
): Promise<void> {
  input.on("error", () => connection.destroy());
  input.pipe(connection);
  for await (const chunk of connection as AsyncIterable<Uint8Array>) {
    if (!output.write(chunk)) await once(output, "drain");
  }
  input.unpipe(connection);
  input.destroy();
  // The process ends after this: what was written last has to be out.
  await new Promise<void>((resolve, reject) => output.write("", error => (error ? reject(error) : resolve())));
}
