import type { Command } from "../command/command.ts";
import { type CliContext, type Json, list, text } from "../context.ts";
import { inspectTemplate } from "./shared.ts";
import { goJson } from "../../lib/template/template-functions.ts";
import { CLIENT } from "../version.ts";

export function registerVersion(program: Command, context: () => CliContext): void {
  program
    .command("version")
    .description("Show the versions of this program and of the daemon")
    .option("-f, --format <string>", "How it is shown: json, a template")
    .action(async ({ format }: { format?: string }) => {
      const cli = context();
      const render = format === undefined || format === "json" ? undefined : inspectTemplate(format);
      let server: Json;
      let failure: unknown;
      try {
        server = await cli.api.json("GET", "/version");
      } catch (error) {
        failure = error;
      }
      const versions = { Client: clientVersion(cli), Server: server ?? null };
      if (render !== undefined) cli.stdout(`${render(versions)}\n`);
      else if (format === "json") cli.stdout(`${goJson(versions)}\n`);
      else cli.stdout(shown(versions.Client, server));
      if (failure !== undefined) throw failure;
    });
}

function clientVersion({ contextName }: CliContext): { readonly [key: string]: string } {
  return {
    Version: CLIENT.version,
    ApiVersion: CLIENT.apiVersion,
    DefaultAPIVersion: CLIENT.apiVersion,
    GitCommit: CLIENT.commit,
    Os: "linux",
    Arch: architecture(),
    BuildTime: CLIENT.builtAt,
    Context: contextName,
  };
}

/** As Go and images name it. */
function architecture(): string {
  return process.arch === "x64" ? "amd64" : process.arch;
}

function shown(client: { readonly [key: string]: string }, server: Json): string {
  const line = (label: string, value: string | undefined, indent = 1): string =>
    `${" ".repeat(indent)}${`${label}:`.padEnd(19 - indent + 1)}${value ?? ""}\n`;
  let output = "Client:\n";
  output += line("Version", client["Version"]) + line("API version", client["ApiVersion"]);
  output += line("Node version", process.version) + line("Git commit", client["GitCommit"]);
  output += line("Built", builtAt(client["BuildTime"] ?? "")) + line("OS/Arch", `${client["Os"] ?? ""}/${client["Arch"] ?? ""}`);
  output += line("Context", client["Context"]);
  if (server === undefined) return output;
  output += `\nServer: ${text(server, "Platform", "Name")}\n`;
  for (const component of list(server, "Components")) {
    output += ` ${text(component, "Name")}:\n${line("Version", text(component, "Version"), 2)}`;
    output +=
      text(component, "Name") === "Engine"
        ? engineLines(component, line)
        : line("GitCommit", text(component, "Details", "GitCommit"), 2);
  }
  return output;
}

function engineLines(engine: Json, line: (label: string, value: string, indent: number) => string): string {
  const detail = (name: string): string => text(engine, "Details", name);
  return (
    line("API version", `${detail("ApiVersion")} (minimum version ${detail("MinAPIVersion")})`, 2) +
    line("Go version", detail("GoVersion"), 2) +
    line("Git commit", detail("GitCommit"), 2) +
    line("Built", builtAt(detail("BuildTime")), 2) +
    line("OS/Arch", `${detail("Os")}/${detail("Arch")}`, 2) +
    line("Experimental", text(engine, "Details", "Experimental") || "false", 2)
  );
}

/** `Sat Nov 21 23:18:16 2026`. */
function builtAt(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const [day = "", month = "", date_ = "", year = "", clock = ""] = date.toUTCString().replace(",", "").split(" ");
  return `${day} ${date_} ${month.replace(/^0/, " ")} ${clock} ${year}`;
}
