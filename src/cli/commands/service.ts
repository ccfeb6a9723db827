import { ApiError } from "../../api/client/client.ts";
import type { Command } from "../command/command.ts";
import { CliError, type CliContext, field, filterQuery, type Json, list, number, text } from "../context.ts";
import { type Column, renderListing } from "../format/table.ts";
import { exitWith, type Found, findAt, inspectEach, removeEach } from "./shared.ts";
import { replicasText, scaledMode } from "./service-mode.ts";
import { changedServiceSpec, newServiceSpec, type ServiceFlags } from "./service-spec.ts";
import { environment, lists } from "./container-values.ts";
import { HOST_OPTION_LISTS, HOST_OPTION_VALUES } from "./service-host-options.ts";
import { withFiles } from "./service-files.ts";
import { withPinnedImage } from "./service-image.ts";
import { registerServiceLogs } from "./service-logs.ts";
import { printPretty } from "./service-pretty.ts";
import { registryAuth } from "./image-pull.ts";
import { waitForService } from "./service-progress.ts";
import { withPath } from "./with-path.ts";
import { showTasks, type TaskListingFlags } from "./task-listing.ts";

const COMMON_VALUES = [
  ...[
    "entrypoint",
    "health-cmd",
    "health-interval",
    "health-retries",
    "health-start-period",
    "health-start-interval",
    "health-timeout",
    "hostname",
    "limit-cpu",
    "limit-memory",
    "limit-pids",
  ],
  ...[
    "endpoint-mode",
    "log-driver",
    "max-concurrent",
    "oom-score-adj",
    "replicas",
    "replicas-max-per-node",
    "reserve-cpu",
    "reserve-memory",
    "restart-condition",
    "restart-delay",
    "restart-max-attempts",
  ],
  ...["restart-window", "stop-grace-period", "stop-signal", "user", "workdir"],
  ...["update", "rollback"].flatMap(policy =>
    ["delay", "failure-action", "max-failure-ratio", "monitor", "order", "parallelism"].map(name => `${policy}-${name}`),
  ),
];
const WITH_HOST_OPTIONS = [...COMMON_VALUES, ...HOST_OPTION_VALUES];
const WORD_LISTS = ["dns", "dns-option", "dns-search", "host", "group", "sysctl", "ulimit"];
const CREATE_LISTS = [
  ...["constraint", "container-label", "env", "env-file", "label", "mount", "network", "placement-pref", "publish"],
  ...[...WORD_LISTS, "cap-add", "cap-drop", "generic-resource", "log-opt", "secret", "config"],
];
const UPDATE_LISTS = [
  ...["constraint", "container-label", "env", "generic-resource", "label", "network", "publish", "mount", "secret", "config"]
    .concat(WORD_LISTS)
    .flatMap(name => [`${name}-add`, `${name}-rm`]),
  ...["cap-add", "cap-drop", "log-opt", "placement-pref-add", "placement-pref-rm"],
];
const SHORT: Readonly<Record<string, string>> = { env: "e", label: "l", publish: "p", user: "u", workdir: "w" };

export function registerService(program: Command, context: () => CliContext): void {
  const service = program.group("service", "Manage Swarm services");

  const create = withFlags(service.command("create <image> [command] [arg...]"), WITH_HOST_OPTIONS, CREATE_LISTS);
  create
    .description("Create a new service")
    .stopAtOperand()
    .option("--name <string>", "Service name")
    .option("--mode <string>", "Service mode", "replicated")
    .action(async (image: string, command: string | undefined, args: readonly string[], flags: ServiceFlags) => {
      const cli = context();
      const plain = newServiceSpec(image, command === undefined ? [] : [command, ...args], fileEnvironment(flags));
      const whole = await withFiles(cli, plain, flags);
      const pinned = flags["resolveImage"] === false ? { spec: whole, warning: "" } : await withPinnedImage(cli, whole);
      const headers = flags["withRegistryAuth"] === true ? await registryAuth(image) : {};
      const created = (await cli.client.json("POST", "/services/create", { body: pinned.spec, headers })) as Json;
      if (pinned.warning !== "") cli.stderr(pinned.warning);
      printWarnings(cli, created);
      const id = text(created, "ID");
      cli.stdout(`${id}\n`);
      if (flags["detach"] !== true) await waitForService(cli, id, { isQuiet: flags["quiet"] === true });
    });

  const update = withFlags(service.command("update <service>"), [...WITH_HOST_OPTIONS, "args", "image"], UPDATE_LISTS);
  update
    .description("Update a service")
    .option("--force", "Force update even if no changes require it")
    .option("--rollback", "Rollback to previous specification")
    .action(async (name: string, flags: ServiceFlags) => {
      await updateService(context(), name, flags);
    });

  service
    .command("rollback <service>")
    .description("Revert changes to a service's configuration")
    .option("-d, --detach", "Exit immediately instead of waiting for the service to converge")
    .option("-q, --quiet", "Suppress progress output")
    .action(async (name: string, flags: ServiceFlags) => {
      await updateService(context(), name, { ...flags, rollback: true });
    });

  service
    .command("scale <service=replicas...>")
    .description("Scale one or multiple replicated services")
    .option("-d, --detach", "Exit immediately instead of waiting for the service to converge")
    .action(async (targets: readonly string[], flags: { detach?: boolean }) => {
      await scale(context(), targets, flags.detach === true);
    });

  service
    .command("ls")
    .alias("list")
    .description("List services")
    .option("-f, --filter <filter>", "Filter output based on conditions provided")
    .option("--format <string>", "Format output using a custom template")
    .option("-q, --quiet", "Only display IDs")
    .action(async (flags: { filter?: readonly string[]; format?: string; quiet?: boolean }) => {
      const cli = context();
      const services = await cli.api.json("GET", "/services", { query: { status: true, filters: filterQuery(flags.filter) } });
      const sorted = [...list(services)].sort((a, b) =>
        text(a, "Spec", "Name").localeCompare(text(b, "Spec", "Name"), "en", { numeric: true }),
      );
      cli.stdout(renderListing(sorted, SERVICE_COLUMNS, flags));
    });

  service
    .command("ps <service...>")
    .description("List the tasks of one or more services")
    .option("-f, --filter <filter>", "Filter output based on conditions provided")
    .option("--format <string>", "Pretty-print tasks using a Go template")
    .option("--no-resolve", "Do not map IDs to Names")
    .option("--no-trunc", "Do not truncate output")
    .option("-q, --quiet", "Only display task IDs")
    .action(async (names: readonly string[], flags: TaskListingFlags & { filter?: readonly string[] }) => {
      await showTasks(context(), { filters: [...(flags.filter ?? [])], services: names }, flags);
    });

  service
    .command("inspect <service...>")
    .description("Display detailed information on one or more services")
    .option("-f, --format <string>", "Format output using a custom template")
    .option("--pretty", "Print the information in a human friendly format")
    .action(async (names: readonly string[], flags: { format?: string; pretty?: boolean }) => {
      if (flags.pretty === true) {
        if (flags.format !== undefined) throw new CliError("--format is incompatible with human friendly format");
        await printPretty(context(), names);
        return;
      }
      await inspectEach(context(), names, {
        find: name => findService(context(), name),
        format: flags.format,
      });
    });

  registerServiceLogs(service, context);

  service
    .command("rm <service...>")
    .alias("remove")
    .description("Remove one or more services")
    .action(async (names: readonly string[]) => {
      await removeEach(context(), names, name => `/services/${encodeURIComponent(name)}`);
    });
}

/** What the files of `--env-file` say stands before `--env`. */
function fileEnvironment(flags: ServiceFlags): ServiceFlags {
  return flags["envFile"] === undefined ? flags : { ...flags, env: environment(flags) };
}

function withFlags(command: Command, values: readonly string[], lists: readonly string[]): Command {
  const flag = (name: string) => (SHORT[name] === undefined ? `--${name}` : `-${SHORT[name]}, --${name}`);
  for (const name of values) command.option(`${flag(name)} <string>`);
  for (const name of [...lists, ...HOST_OPTION_LISTS]) command.option(`${flag(name)} <list>`);
  return command
    .option("-d, --detach", "Exit immediately instead of waiting for the service to converge")
    .option("-q, --quiet", "Suppress progress output")
    .option("-t, --tty", "Allocate a pseudo-TTY")
    .option("--with-registry-auth", "Send our login for the registry to the nodes")
    .option("--privileged", "All capabilities and devices of the host (beyond Docker)")
    .option("--init", "Use an init inside each service container to forward signals and reap processes")
    .option("--read-only", "Mount the container's root filesystem as read only")
    .option("--no-healthcheck", "Disable any container-specified HEALTHCHECK")
    .option("--no-resolve-image", "Do not query the registry to resolve image digest and supported platforms");
}

async function findService(cli: CliContext, name: string): Promise<Found> {
  try {
    return await findAt(cli, `/services/${encodeURIComponent(name)}?insertDefaults=true`);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) throw new CliError(`Error: no such service: ${name}`);
    throw error;
  }
}

/** A spec names its networks by their ids. */
async function withNetworkIds(cli: CliContext, flags: ServiceFlags): Promise<ServiceFlags> {
  const networkRm = await Promise.all(
    lists(flags, "networkRm").map(async name =>
      text(await cli.api.json("GET", `/networks/${encodeURIComponent(name)}`, { query: { scope: "swarm" } }), "Id"),
    ),
  );
  return networkRm.length === 0 ? flags : { ...flags, networkRm };
}

export async function updateService(cli: CliContext, name: string, given: ServiceFlags): Promise<void> {
  const flags = await withNetworkIds(cli, given);
  const current = await cli.api.json("GET", `/services/${encodeURIComponent(name)}`);
  const version = number(current, "Version", "Index");
  const id = text(current, "ID");
  const isRollback = flags["rollback"] === true;
  let spec = isRollback
    ? (field(current, "Spec") ?? {})
    : await withFiles(cli, changedServiceSpec(field(current, "Spec"), flags), flags);
  let warning = "";
  if (flags["image"] !== undefined && flags["resolveImage"] !== false) ({ spec, warning } = await withPinnedImage(cli, spec));
  if (flags["force"] === true) spec = bumpForce(spec);
  const query = { version, ...(isRollback ? { rollback: "previous" } : {}) };
  const isAuthorized = flags["withRegistryAuth"] === true;
  const headers = isAuthorized ? await registryAuth(text(spec, "TaskTemplate", "ContainerSpec", "Image")) : {};
  const answer = (await cli.client.json("POST", `/services/${id}/update`, { query, body: spec, headers })) as Json;
  if (warning !== "") cli.stderr(warning);
  printWarnings(cli, answer);
  cli.stdout(`${name}\n`);
  if (flags["detach"] !== true) await waitForService(cli, id, { isQuiet: flags["quiet"] === true });
}

function bumpForce(spec: Json): Json {
  const task = field(spec, "TaskTemplate") as { readonly [key: string]: Json };
  return {
    ...(spec as { readonly [key: string]: Json }),
    TaskTemplate: { ...task, ForceUpdate: number(task, "ForceUpdate") + 1 },
  };
}

async function scale(cli: CliContext, targets: readonly string[], isDetached: boolean): Promise<void> {
  const scaled: string[] = [];
  const failed: string[] = [];
  for (const target of targets) {
    const [name = "", replicas = ""] = target.split("=");
    if (!/^\d+$/.test(replicas)) {
      failed.push(
        target.includes("=")
          ? `${name}: invalid replicas value ${replicas}: strconv.ParseUint: parsing "${replicas}": invalid syntax`
          : `invalid scale specifier '${target}'.\nSee 'shoal service scale --help'.\n\nUsage:  shoal service scale SERVICE=REPLICAS [SERVICE=REPLICAS...]\n\nScale one or multiple replicated services`,
      );
      continue;
    }
    try {
      const current = await cli.api.json("GET", `/services/${encodeURIComponent(name)}`);
      const mode = scaledMode(field(current, "Spec", "Mode"), { count: Number(replicas), what: "scale" });
      const spec = withPath(field(current, "Spec"), ["Mode"], mode);
      printWarnings(
        cli,
        await cli.api.json("POST", `/services/${text(current, "ID")}/update`, {
          query: { version: number(current, "Version", "Index") },
          body: spec,
        }),
      );
      cli.stdout(`${name} scaled to ${replicas}\n`);
      scaled.push(text(current, "ID"));
    } catch (error) {
      failed.push(`${name}: ${error instanceof Error ? error.message : "failed"}`);
    }
  }
  if (!isDetached) for (const id of scaled) await waitForService(cli, id, { isQuiet: false });
  exitWith(failed);
}

function printWarnings(cli: CliContext, answer: Json): void {
  for (const warning of list(answer, "Warnings")) cli.stderr(`${text(warning)}\n`);
}

const SERVICE_COLUMNS: readonly Column<Json>[] = [
  { header: "ID", field: "ID", value: service => text(service, "ID").slice(0, 12) },
  { header: "NAME", field: "Name", value: service => text(service, "Spec", "Name") },
  { header: "MODE", field: "Mode", value: serviceMode },
  {
    header: "REPLICAS",
    field: "Replicas",
    value: replicasText,
  },
  {
    header: "IMAGE",
    field: "Image",
    value: service => text(service, "Spec", "TaskTemplate", "ContainerSpec", "Image").replace(/@sha256:.*$/, ""),
  },
  {
    header: "PORTS",
    field: "Ports",
    value: service =>
      list(service, "Endpoint", "Ports")
        .filter(port => text(port, "PublishMode") === "ingress")
        .map(port => `*:${number(port, "PublishedPort")}->${number(port, "TargetPort")}/${text(port, "Protocol")}`)
        .join(", "),
  },
];

function serviceMode(service: Json): string {
  const [mode = ""] = Object.keys((field(service, "Spec", "Mode") ?? {}) as object);
  return mode.replace("Job", " job").toLowerCase();
}
