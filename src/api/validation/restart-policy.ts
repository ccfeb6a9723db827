import type { RestartPolicy } from "../../model/container.ts";
import { invalid, refuseIf } from "./refuse.ts";

/** @throws OperationError `invalid`. */
export function checkRestartPolicy({ name, maximumRetryCount }: RestartPolicy): void {
  switch (name) {
    case "always":
    case "unless-stopped":
    case "no":
    case "":
      return refuseIf(
        maximumRetryCount !== 0,
        maximumRetryCount < 0
          ? "invalid restart policy: maximum retry count can only be used with 'on-failure' and cannot be negative"
          : "invalid restart policy: maximum retry count can only be used with 'on-failure'",
      );
    case "on-failure":
      return refuseIf(maximumRetryCount < 0, "invalid restart policy: maximum retry count cannot be negative");
    default:
      throw invalid(
        `invalid restart policy: unknown policy '${String(name)}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
      );
  }
}
