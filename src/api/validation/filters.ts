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

function invalid(message: string): OperationError {
  return new OperationError("invalid", message);
}
