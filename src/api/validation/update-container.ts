import { CHANGEABLE_RESOURCES, type HostConfig } from "../../model/container.ts";
import { HOST_CONFIG_FIELDS, hostConfig } from "../wire/host-config.ts";
import { refuseIf } from "./refuse.ts";
import { checkResources } from "./resources.ts";
import { checkRestartPolicy } from "./restart-policy.ts";

const CHANGEABLE: ReadonlySet<string> = new Set(["restartPolicy", ...CHANGEABLE_RESOURCES]);

/**
 * Clients send every field, and the zero value means "leave it", as in Docker. What a container has for life is refused.
 *
 * @throws OperationError `invalid`.
 */
export function validateUpdate(body: Partial<HostConfig>): Partial<HostConfig> {
  const none = hostConfig.read(undefined);
  const changes: Partial<HostConfig> = {};
  for (const [key, { wire }] of Object.entries(HOST_CONFIG_FIELDS)) {
    const name = key as keyof HostConfig;
    const isSet = body[name] !== undefined && JSON.stringify(body[name]) !== JSON.stringify(none[name]);
    if (!isSet) continue;
    refuseIf(!CHANGEABLE.has(key), `HostConfig.${wire} cannot be changed by an update`);
    Object.assign(changes, { [name]: body[name] });
  }
  if (changes.restartPolicy !== undefined) checkRestartPolicy(changes.restartPolicy);
  checkResources({ ...none, ...changes }, { isUpdate: true });
  return changes;
}
