import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { unpackTar } from "../../../system/unpack-tar.ts";
import type { Command } from "../../command/command.ts";
import { type CliContext, CliError, field, type Json, text } from "../../context.ts";
import { containerPath } from "./reach.ts";

/** `container bundle`, which docker has not. */
export function bundleCommand(parent: Command, context: () => CliContext): void {
  parent
    .command("bundle <container> <directory>")
    .description("Write a container as an OCI bundle, which crun or runc run without a daemon")
    .action(async (name: string, directory: string) => writeBundle(context(), name, directory));
}

async function writeBundle(cli: CliContext, name: string, directory: string): Promise<void> {
  await makeEmpty(directory);
  const bundle = await cli.api.json("GET", containerPath(name, "bundle"));
  await unpackInto(cli, { path: containerPath(name, "export"), folder: join(directory, "rootfs") });
  for (const [folder, copied] of entriesOf(bundle, "Copies")) {
    const path = `${containerPath(name, "archive")}?path=${encodeURIComponent(`${copied}/.`)}`;
    await unpackInto(cli, { path, folder: join(directory, folder) });
  }
  for (const [file, content] of entriesOf(bundle, "Files")) {
    await mkdir(dirname(join(directory, file)), { recursive: true });
    await writeFile(join(directory, file), content);
  }
  // Last: with it the bundle is one.
  await writeFile(join(directory, "config.json"), text(bundle, "Config"), { mode: 0o600 });
}

async function makeEmpty(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if ((await readdir(directory)).length > 0) throw new CliError(`${directory} is not empty`);
}

async function unpackInto(cli: CliContext, { path, folder }: { readonly path: string; readonly folder: string }): Promise<void> {
  await mkdir(folder, { recursive: true });
  await unpackTar(await cli.client.stream("GET", path), folder);
}

/** The daemon names places in the bundle, and none elsewhere. */
const PLACE = /^(?:files|volumes)\/[a-z0-9][a-z0-9.]*$/;

function entriesOf(bundle: Json, key: string): readonly (readonly [place: string, content: string])[] {
  const found = field(bundle, key);
  if (typeof found !== "object" || found === null) return [];
  return Object.entries(found).map(([place, content]) => {
    if (!PLACE.test(place) || typeof content !== "string")
      throw new CliError(`the daemon names ${place}, which is no place in a bundle`);
    return [place, content];
  });
}
