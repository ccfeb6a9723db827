import { isAbsolute, posix, resolve } from "node:path";
import type { Command } from "../../command/command.ts";
import { type CliContext, CliError, type Json, number, text } from "../../context.ts";
import { decimalSize } from "../../format/units.ts";
import { archiveOfSource, type LocalSource, openSource } from "./copy-source.ts";
import { lookAt, unpackTo } from "./copy-target.ts";
import { exportTo } from "./more.ts";
import { type Place, placeCopy } from "./place-copy.ts";
import { containerPath } from "./reach.ts";

interface CopyFlags {
  readonly archive?: boolean;
  readonly followLink?: boolean;
  readonly quiet?: boolean;
}

/** A place in a container. */
interface Inside {
  readonly container: string;
  readonly path: string;
}

export function registerCopy(parent: Command, context: () => CliContext): void {
  parent
    .command("cp <source> <destination>")
    .usage("CONTAINER:SRC_PATH DEST_PATH|-\n\tcp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH")
    .description("Copy files between a container and this system, or a tar archive by a pipe (-)")
    .option("-a, --archive", "Keep owners")
    .option("-L, --follow-link", "Follow links in the source")
    .option("-q, --quiet", "Say nothing about progress")
    .action(async (source: string, destination: string, flags: CopyFlags) => copy(context(), { source, destination, flags }));
}

interface CopyRequest {
  readonly source: string;
  readonly destination: string;
  readonly flags: CopyFlags;
}

async function copy(cli: CliContext, { source, destination, flags }: CopyRequest): Promise<void> {
  if (source === "") throw new CliError("source can not be empty");
  if (destination === "") throw new CliError("destination can not be empty");
  const [from, to] = [insideOf(source), insideOf(destination)];
  if (from !== undefined && to !== undefined) throw new CliError("copying between containers is not supported");
  if (from !== undefined) await copyOut(cli, from, { destination, flags });
  else if (to !== undefined) await copyIn(cli, to, { source, flags });
  else throw new CliError("must specify at least one container source");
}

/** `web:/etc`; `./a:b` and `/a:b` are of this system. */
function insideOf(argument: string): Inside | undefined {
  const at = argument.indexOf(":");
  if (at <= 0 || isAbsolute(argument) || argument.startsWith(".")) return undefined;
  return { container: argument.slice(0, at), path: argument.slice(at + 1) };
}

function archivePath({ container }: Inside): string {
  return containerPath(container, "archive");
}

async function copyOut(
  cli: CliContext,
  inside: Inside,
  { destination, flags }: { readonly destination: string; readonly flags: CopyFlags },
): Promise<void> {
  const followed = flags.followLink === true ? await followLink(cli, inside) : inside;
  const route = `${archivePath(inside)}?path=${encodeURIComponent(followed.path)}`;
  if (destination === "-") return await exportTo(cli, route, undefined);
  const target = await lookAt(destination);
  const response = await cli.client.stream("GET", route);
  const isDirectory = isDirectoryMode(statOf(response.headers["x-docker-container-path-stat"]));
  // The names in the archive are those of the link's target: it is to have the link's own.
  const source = { base: baseOf(followed.path), isDirectory, name: baseOf(inside.path) };
  let place: Place;
  try {
    place = placeCopy(source, target);
  } catch (error) {
    response.destroy();
    throw error;
  }
  const bytes = await unpackTo(response, place);
  tell(cli, flags, { bytes, to: resolve(destination) });
}

async function copyIn(
  cli: CliContext,
  inside: Inside,
  { source, flags }: { readonly source: string; readonly flags: CopyFlags },
): Promise<void> {
  const query = { noOverwriteDirNonDir: true, copyUIDGID: flags.archive === true ? true : undefined };
  const put = async (path: string, body: AsyncIterable<Uint8Array>): Promise<void> => {
    await cli.client.text("PUT", archivePath(inside), { query: { path, ...query }, body });
  };
  const { path, stat } = await destinationIn(cli, inside);
  if (source === "-") {
    if (stat !== undefined && !isDirectoryMode(stat))
      throw new CliError(`destination "${inside.container}:${path}" must be a directory`);
    return await put(path, process.stdin);
  }
  const local: LocalSource = await openSource(source, { followsLink: flags.followLink === true });
  const target = { path, isThere: stat !== undefined, isDirectory: stat !== undefined && isDirectoryMode(stat) };
  const place = placeCopy(local, target);
  // Whoever sends an archive to where there is nothing may hear only that nobody reads it: so this is asked before.
  if (!target.isThere && (await statIn(cli, { ...inside, path: place.folder })) === undefined)
    await cli.client.text("GET", archivePath(inside), { query: { path: place.folder } });
  let bytes = 0;
  await put(place.folder, archiveOfSource(local, { rename: place.rename, onBytes: count => (bytes += count) }));
  tell(cli, flags, { bytes, to: `${inside.container}:${path}` });
}

/** To somebody who looks at it, and to no file. */
function tell(cli: CliContext, { quiet }: CopyFlags, { bytes, to }: { readonly bytes: number; readonly to: string }): void {
  if (quiet !== true && process.stderr.isTTY) cli.stderr(`Successfully copied ${decimalSize(bytes)} to ${to}\n`);
}

/** Where a link leads, if there is one at the place. A place that is not there yet has no `stat`. */
async function destinationIn(cli: CliContext, inside: Inside): Promise<{ readonly path: string; readonly stat?: Json }> {
  const linked = await followLink(cli, inside);
  const stat = await statIn(cli, linked);
  if (stat === undefined) await cli.api.json("GET", containerPath(inside.container, "json"));
  return { path: linked.path, ...(stat === undefined ? {} : { stat }) };
}

async function followLink(cli: CliContext, inside: Inside): Promise<Inside> {
  const stat = await statIn(cli, inside);
  const target = stat === undefined || !isLinkMode(stat) ? "" : text(stat, "linkTarget");
  if (target === "") return inside;
  return { ...inside, path: posix.isAbsolute(target) ? target : posix.join(posix.dirname(inside.path), target) };
}

/** Nothing where there is nothing, or nothing that could be looked at: what comes next tells why. */
async function statIn(cli: CliContext, inside: Inside): Promise<Json> {
  try {
    const response = await cli.client.stream("HEAD", archivePath(inside), { query: { path: inside.path } });
    response.resume();
    return statOf(response.headers["x-docker-container-path-stat"]);
  } catch (error) {
    if (error instanceof Error && "status" in error) return undefined;
    throw error;
  }
}

function statOf(header: string | readonly string[] | undefined): Json {
  return JSON.parse(Buffer.from(String(header ?? ""), "base64").toString("utf8")) as Json;
}

/** Go's bits of a mode. */
function isDirectoryMode(stat: Json): boolean {
  return number(stat, "mode") >= 2 ** 31;
}

function isLinkMode(stat: Json): boolean {
  return Math.floor(number(stat, "mode") / 2 ** 27) % 2 === 1;
}

/** The last part of a path as it is written: `.` of `dir/.`. */
function baseOf(path: string): string {
  if (/(^|\/)\.$/.test(path)) return ".";
  const base = posix.basename(path);
  return base === "" ? "/" : base;
}
