import { OperationError } from "../../lib/errors.ts";
import type { Labels } from "../../model/cluster.ts";

/** How a volume's folder is mounted when a container uses it. */
export interface VolumeMount {
  readonly type: string;
  readonly device: string;
  readonly options: string;
}

const KNOWN = new Set(["type", "o", "device", "size"]);

/** Docker's local driver: `type`, `o`, `device`. @returns `undefined` for a plain folder. @throws OperationError `invalid` in Docker's words. */
export function parseVolumeOptions(name: string, options: Labels): VolumeMount | undefined {
  const fail = (reason: string): never => {
    throw new OperationError("invalid", `create ${name}: ${reason}`);
  };
  const unknown = Object.keys(options).find(key => !KNOWN.has(key));
  if (unknown !== undefined) fail(`invalid option: "${unknown}"`);
  if (options["size"] !== undefined) fail("quota size requested but no quota support");
  if (Object.keys(options).length === 0) return undefined;
  const { type = "", o = "", device = "" } = options;
  if (device === "") fail("missing device in volume options");
  if (type === "" && !o.split(",").some(word => word === "bind" || word === "rbind")) fail("missing type in volume options");
  return { type: type === "none" ? "" : type, device, options: o };
}
