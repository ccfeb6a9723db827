import { type CliContext, field, filterQuery, type Json, list, number, text } from "../context.ts";
import { type Column, renderListing } from "../format/table.ts";
import { ago } from "../format/units.ts";
import { CliError } from "../context.ts";
import { nodeName, serviceName, taskName } from "./task-names.ts";

export interface TaskListingFlags {
  readonly format?: string;
  readonly quiet?: boolean;
  readonly trunc?: boolean;
  readonly resolve?: boolean;
}

interface TaskRow {
  readonly task: Json;
  readonly name: string;
  readonly node: string;
}

/** `service ps`, `node ps`: newest first in each slot, older ones of a slot indented as Docker shows them. */
export async function showTasks(
  cli: CliContext,
  what: { readonly filters: readonly string[]; readonly services?: readonly string[]; readonly node?: string },
  flags: TaskListingFlags,
): Promise<void> {
  const services = await Promise.all(
    (what.services ?? []).map(name =>
      cli.api.json("GET", `/services/${encodeURIComponent(name)}`).catch((error: unknown) => missing(name, error)),
    ),
  );
  const found = services.filter(service => typeof service !== "string");
  const failures = services.filter(service => typeof service === "string");
  if (what.services === undefined || found.length > 0) {
    const filters = [
      ...what.filters,
      ...found.map(service => `service=${text(service, "ID")}`),
      ...(what.node === undefined ? [] : [`node=${what.node}`]),
    ];
    const tasks = list(await cli.api.json("GET", "/tasks", { query: { filters: filterQuery(filters) } }));
    const names = await resolveNames(cli, flags.resolve !== false);
    const rows = sorted(tasks.map(task => ({ task, name: names.task(task), node: names.node(task) })));
    const view = {
      nowMs: cli.nowMs(),
      isWhole: flags.trunc === false || flags.quiet === true,
      isTable: flags.format === undefined || flags.format.startsWith("table"),
    };
    cli.stdout(renderListing(rows, columns(rows, view), { ...flags, rowType: "*task.taskContext" }));
  }
  if (failures.length > 0) throw new CliError(failures.join("\n"));
}

function missing(name: string, error: unknown): string {
  return error instanceof Error && /not found/.test(error.message)
    ? `no such service: ${name}`
    : error instanceof Error
      ? error.message
      : String(error);
}

async function resolveNames(
  cli: CliContext,
  isResolving: boolean,
): Promise<{ task: (task: Json) => string; node: (task: Json) => string }> {
  const nodes = isResolving ? list(await cli.api.json("GET", "/nodes")) : [];
  const services = isResolving ? list(await cli.api.json("GET", "/services")) : [];
  const nodeNames = new Map(nodes.map(node => [text(node, "ID"), nodeName(node)]));
  const serviceNames = new Map(services.map(service => [text(service, "ID"), serviceName(service)]));
  const node = (task: Json): string => nodeNames.get(text(task, "NodeID")) ?? text(task, "NodeID");
  return {
    node,
    task: task => taskName(task, serviceNames.get(text(task, "ServiceID")) ?? text(task, "ServiceID")),
  };
}

function sorted(rows: readonly TaskRow[]): readonly TaskRow[] {
  return [...rows].sort((a, b) => {
    const byName = a.name.localeCompare(b.name, "en", { numeric: true });
    return byName !== 0 ? byName : text(b.task, "CreatedAt").localeCompare(text(a.task, "CreatedAt"));
  });
}

function columns(
  rows: readonly TaskRow[],
  { nowMs, isWhole, isTable }: { readonly nowMs: number; readonly isWhole: boolean; readonly isTable: boolean },
): readonly Column<TaskRow>[] {
  // Only a table shows by indenting that a task is an older one of the slot above it.
  const isOlder = new Set((isTable ? rows : []).filter((row, index) => rows[index - 1]?.name === row.name).map(row => row.task));
  return [
    { header: "ID", field: "ID", value: ({ task }) => (isWhole ? text(task, "ID") : text(task, "ID").slice(0, 12)) },
    { header: "NAME", field: "Name", value: ({ task, name }) => (isOlder.has(task) ? ` \\_ ${name}` : name) },
    {
      header: "IMAGE",
      field: "Image",
      value: ({ task }) => text(task, "Spec", "ContainerSpec", "Image").replace(isWhole ? /^$/ : /@sha256:.*$/, ""),
    },
    { header: "NODE", field: "Node", value: ({ node }) => node },
    { header: "DESIRED STATE", field: "DesiredState", value: ({ task }) => capitalized(text(task, "DesiredState")) },
    {
      header: "CURRENT STATE",
      field: "CurrentState",
      value: ({ task }) =>
        `${capitalized(text(task, "Status", "State"))} ${ago(text(task, "Status", "Timestamp"), nowMs).toLowerCase()}`,
    },
    { header: "ERROR", field: "Error", value: ({ task }) => taskError(text(task, "Status", "Err"), isWhole) },
    {
      header: "PORTS",
      field: "Ports",
      value: ({ task }) =>
        list(field(task, "Status", "PortStatus"), "Ports")
          .map(port => `*:${number(port, "PublishedPort")}->${number(port, "TargetPort")}/${text(port, "Protocol")}`)
          .join(","),
    },
  ];
}

const ERROR_CHARACTERS_MAX = 30;

function taskError(error: string, isWhole: boolean): string {
  if (error === "") return "";
  return `"${isWhole || error.length <= ERROR_CHARACTERS_MAX ? error : `${error.slice(0, ERROR_CHARACTERS_MAX - 1)}…`}"`;
}

function capitalized(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}
