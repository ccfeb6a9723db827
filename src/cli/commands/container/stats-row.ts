import { field, type Json, list, number, text } from "../../context.ts";
import type { Column } from "../../format/table.ts";
import { shortId } from "../../format/text.ts";
import { binarySize, decimalSize } from "../../format/units.ts";

/** What a container uses, or that nothing can be said of it. */
export interface StatsRow {
  /** As the user named it, or its id. */
  readonly container: string;
  /** An answer of the daemon's; missing: there was none. */
  readonly stats?: Json;
}

const UNKNOWN = "--";

/** @see docker/cli cli/command/container/formatter_stats.go */
export function statsColumns({ isWhole }: { readonly isWhole: boolean }): readonly Column<StatsRow>[] {
  const known = (show: (stats: Json) => string) => (row: StatsRow) => (row.stats === undefined ? UNKNOWN : show(row.stats));
  const id = (stats: Json) => (isWhole ? text(stats, "id") : shortId(text(stats, "id")));
  return [
    { header: "CONTAINER", field: "Container", isDefault: false, value: ({ container }) => container },
    { header: "CONTAINER ID", field: "ID", value: known(id) },
    { header: "NAME", field: "Name", value: known(stats => text(stats, "name").replace(/^\//, "")) },
    { header: "CPU %", field: "CPUPerc", value: known(stats => percent(cpuPercent(stats))) },
    { header: "MEM USAGE / LIMIT", field: "MemUsage", value: known(memoryText) },
    { header: "MEM %", field: "MemPerc", value: known(stats => percent(memoryPercent(stats))) },
    { header: "NET I/O", field: "NetIO", value: known(networkText) },
    { header: "BLOCK I/O", field: "BlockIO", value: known(blockText) },
    { header: "PIDS", field: "PIDs", value: known(stats => String(number(stats, "pids_stats", "current"))) },
  ];
}

/** Of one processor: two of them busy are 200. Counted over the time since the sample before. */
export function cpuPercent(stats: Json): number {
  const [now, before] = [field(stats, "cpu_stats"), field(stats, "precpu_stats")];
  const used = number(now, "cpu_usage", "total_usage") - number(before, "cpu_usage", "total_usage");
  const passed = number(now, "system_cpu_usage") - number(before, "system_cpu_usage");
  const count = number(now, "online_cpus") || list(now, "cpu_usage", "percpu_usage").length;
  return used > 0 && passed > 0 ? (used / passed) * count * 100 : 0;
}

/** Without what is only kept as long as there is room for it: by cgroup v1's name, or v2's. */
export function memoryBytes(stats: Json): number {
  const used = number(stats, "memory_stats", "usage");
  const details = field(stats, "memory_stats", "stats");
  for (const name of ["total_inactive_file", "inactive_file"]) {
    const inactive = field(details, name);
    if (typeof inactive === "number" && inactive < used) return used - inactive;
    if (name === "total_inactive_file" && inactive !== undefined) return used;
  }
  return used;
}

function memoryPercent(stats: Json): number {
  const limit = number(stats, "memory_stats", "limit");
  return limit === 0 ? 0 : (memoryBytes(stats) / limit) * 100;
}

function memoryText(stats: Json): string {
  return `${binarySize(memoryBytes(stats))} / ${binarySize(number(stats, "memory_stats", "limit"))}`;
}

function networkText(stats: Json): string {
  const interfaces = Object.values((field(stats, "networks") ?? {}) as Readonly<Record<string, Json>>);
  const sum = (name: string) => interfaces.reduce((total: number, one) => total + number(one, name), 0);
  return `${decimalSize(sum("rx_bytes"))} / ${decimalSize(sum("tx_bytes"))}`;
}

function blockText(stats: Json): string {
  const entries = list(stats, "blkio_stats", "io_service_bytes_recursive");
  const sum = (letter: string) =>
    entries.reduce(
      (total: number, one) => total + (text(one, "op").toLowerCase().startsWith(letter) ? number(one, "value") : 0),
      0,
    );
  return `${decimalSize(sum("r"))} / ${decimalSize(sum("w"))}`;
}

function percent(value: number): string {
  return `${value.toFixed(2)}%`;
}
