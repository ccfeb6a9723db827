import { OperationError } from "../../lib/errors.ts";
import type { Filters } from "../../model/control.ts";

export const CONTAINER_FILTERS = [
  "ancestor",
  "before",
  "exited",
  "expose",
  "health",
  "id",
  "is-task",
  "isolation",
  "label",
  "name",
  "network",
  "publish",
  "since",
  "status",
  "volume",
];
export const IMAGE_FILTERS = ["before", "dangling", "label", "reference", "since", "until"];
export const NETWORK_FILTERS = ["dangling", "driver", "id", "label", "name", "scope", "type"];
export const VOLUME_FILTERS = ["dangling", "driver", "label", "name"];

const STATUSES = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];
const HEALTHS = ["none", "starting", "healthy", "unhealthy"];

export function checkContainerFilters(filters: Filters): void {
  for (const status of filters["status"] ?? []) {
    if (!STATUSES.includes(status)) {
      throw invalid(
        `invalid filter 'status=${status}': invalid value for state (${status}): must be one of ${STATUSES.join(", ")}`,
      );
    }
  }
  for (const health of filters["health"] ?? []) {
    if (!HEALTHS.includes(health)) {
      throw invalid(
        `invalid filter 'health=${health}': invalid value for health (${health}): must be one of ${HEALTHS.join(", ")}`,
      );
    }
  }
}

export function checkNetworkFilters(filters: Filters): void {
  for (const type of filters["type"] ?? []) {
    if (type !== "builtin" && type !== "custom") throw invalid(`invalid filter: 'type'='${type}'`);
  }
  checkDangling(filters);
}

/** As Go reads a flag. @throws OperationError `invalid`. */
export function checkFlag(name: string, values: readonly string[] = []): void {
  for (const value of values) {
    if (/^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(value)) continue;
    throw invalid(`invalid filter '${name}': strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
}

/** A flag, of which one value makes sense. */
export function checkDangling({ dangling = [] }: Filters): void {
  const isFlag = dangling.length <= 1 && dangling.every(value => ["1", "0", "true", "false"].includes(value.toLowerCase()));
  if (!isFlag) throw invalid(`invalid filter 'dangling=[${dangling.join(" ")}]'`);
}

function invalid(message: string): OperationError {
  return new OperationError("invalid", message);
}
