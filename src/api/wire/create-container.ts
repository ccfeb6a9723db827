import type { ContainerConfig, EndpointConfig, HostConfig } from "../../model/container.ts";
import type { Place, Struct } from "./codec.ts";
import { field, isRecord, struct } from "./codec.ts";
import { containerConfig } from "./container-config.ts";
import { endpointConfig } from "./endpoint.ts";
import { hostConfig, readForeignFields } from "./host-config.ts";
import { map, optional, text, unlessZero } from "./scalars.ts";

/** The body of a create: the container's config, flat, with two parts beside it. */
export interface CreateBody {
  readonly config: ContainerConfig;
  readonly hostConfig?: HostConfig;
  readonly endpoints?: Readonly<Record<string, EndpointConfig>>;
  /** Of the default network; clients before 1.44 send it here. */
  readonly macAddress?: string;
  /** About fields that were read and dropped, in Docker's words. */
  readonly warnings: readonly string[];
  readonly isEmpty: boolean;
}

interface Beside {
  readonly hostConfig?: HostConfig;
  readonly networking?: { readonly endpoints: Readonly<Record<string, EndpointConfig>> };
  readonly macAddress?: string;
  readonly runtime?: string;
}

const networkingConfig = struct<NonNullable<Beside["networking"]>>("network.NetworkingConfig", {
  endpoints: field("EndpointsConfig", map(endpointConfig)),
});
const beside = struct<Beside>("container.CreateRequest", {
  hostConfig: field("HostConfig", optional(hostConfig)),
  networking: field("NetworkingConfig", optional(networkingConfig)),
  macAddress: field("MacAddress", unlessZero(text)),
  runtime: field("Runtime", unlessZero(text)),
});

/** docker-py sends the runtime that it is asked for beside the host config, where Docker looks for none. What stands in the host config counts. */
function withRuntime(given: HostConfig | undefined, runtime: string): HostConfig {
  const host = given ?? hostConfig.read({}, UNNAMED);
  return host.runtime === "" ? { ...host, runtime } : host;
}

/** Go reads the parts into a struct without a name. */
const UNNAMED: Place = { struct: "", path: "" };

export const createBody: {
  read: Struct<CreateBody>["read"];
  write(body: Omit<CreateBody, "isEmpty" | "warnings">): Record<string, unknown>;
} = {
  read(value, at = UNNAMED) {
    const { hostConfig: given, networking, macAddress, runtime } = beside.read(value, at);
    const host = runtime === undefined ? given : withRuntime(given, runtime);
    const { warnings } = readForeignFields(isRecord(value) ? value["HostConfig"] : undefined);
    return {
      config: containerConfig.read(value, at),
      ...(host === undefined ? {} : { hostConfig: host }),
      ...(networking === undefined ? {} : { endpoints: networking.endpoints }),
      ...(macAddress === undefined ? {} : { macAddress }),
      warnings,
      isEmpty: Object.keys(containerConfig.readPresent(value, at)).length === 0,
    };
  },
  write({ config, hostConfig: host, endpoints, macAddress }) {
    return {
      ...containerConfig.write(config),
      ...(macAddress === undefined ? {} : { MacAddress: macAddress }),
      HostConfig: host === undefined ? null : hostConfig.write(host),
      NetworkingConfig: networkingConfig.write({ endpoints: endpoints ?? {} }),
    };
  },
};
