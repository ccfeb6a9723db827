import { OperationError } from "../../../lib/errors.ts";
import type { HostConfig } from "../../../model/container.ts";
import type { CdiEdits } from "./cdi-spec.ts";
import { findCdiDevices } from "./cdi-registry.ts";

/**
 * What the devices that are asked for by name need. Found out when the container starts, as in Docker: they may come after it was made.
 *
 * @throws OperationError `internal` in Docker's words.
 */
export async function resolveDeviceRequests(
  requests: HostConfig["deviceRequests"],
  { directories }: { readonly directories: readonly string[] },
): Promise<readonly CdiEdits[]> {
  const names: string[] = [];
  for (const { driver, count, deviceIds, options, capabilities } of requests) {
    if (driver !== "cdi") {
      const groups = capabilities.map(group => `[${group.join(" ")}]`).join(" ");
      throw new OperationError("internal", `could not select device driver "${driver}" with capabilities: [${groups}]`);
    }
    if (count !== 0) throw new OperationError("internal", "unexpected count in CDI device request");
    if (Object.keys(options).length > 0) throw new OperationError("internal", "unexpected options in CDI device request");
    names.push(...deviceIds);
  }
  if (names.length === 0) return [];
  const { edits, unresolved } = await findCdiDevices(names, directories);
  if (unresolved.length > 0) {
    throw new OperationError("internal", `CDI device injection failed: unresolvable CDI devices ${unresolved.join(", ")}`);
  }
  return edits;
}
