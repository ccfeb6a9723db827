import type { FlagValues } from "../command/flags.ts";
import { CliError, type Json } from "../context.ts";
import { lists } from "./container-values.ts";

interface PublishedPort {
  /** `80/tcp`. */
  readonly container: string;
  readonly hostIp: string;
  readonly hostPort: string;
}

const PUBLISH = /^(?:(?:(\[[0-9a-fA-F:.%\w]+\]|[\d.]+)?:)?(?:([^:]*)):)?([^:/]+)(?:\/(\w+))?$/;

/** `[ip:][hostPort[-end]:]port[-end][/protocol]`. */
export function parsePublish(spec: string): readonly PublishedPort[] {
  const match = PUBLISH.exec(spec);
  if (match === null) throw new CliError(`invalid containerPort: ${spec}`);
  const [, hostIp = "", host = "", port = "", protocol = "tcp"] = match;
  const inside = range(port);
  if (inside === undefined) throw new CliError(`invalid containerPort: ${port}`);
  const outside = host === "" ? undefined : range(host);
  if (host !== "" && outside === undefined) throw new CliError(`invalid hostPort: ${host}`);
  if (!["tcp", "udp", "sctp"].includes(protocol)) throw new CliError(`invalid proto: ${protocol}`);
  const count = inside.to - inside.from + 1;
  // One port inside may have a range of ports outside to choose from.
  if (outside !== undefined && count > 1 && outside.to - outside.from + 1 !== count)
    throw new CliError(`invalid ranges specified for container and host Ports: ${port} and ${host}`);
  return Array.from({ length: count }, (_, index) => ({
    container: `${inside.from + index}/${protocol}`,
    hostIp: hostIp.replace(/^\[|\]$/g, ""),
    hostPort: outside === undefined ? "" : count === 1 && outside.to > outside.from ? host : String(outside.from + index),
  }));
}

const PORT_MAX = 65_535;

function range(text: string): { readonly from: number; readonly to: number } | undefined {
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  const from = Number(first);
  const to = Number(last);
  return first === undefined || from > to || to > PORT_MAX ? undefined : { from, to };
}

export function portBindings(flags: FlagValues): Json {
  const bindings: { [port: string]: Json[] } = {};
  for (const { container, hostIp, hostPort } of lists(flags, "publish").flatMap(parsePublish))
    (bindings[container] ??= []).push({ HostIp: hostIp, HostPort: hostPort });
  return bindings;
}

/** What is published is exposed too. */
export function exposedPorts(flags: FlagValues): Json {
  const exposed = lists(flags, "expose").flatMap(given => {
    const [ports = "", protocol = "tcp"] = given.split("/");
    const found = range(ports);
    if (given.includes(":")) throw new CliError(`invalid port format for --expose: ${given}`);
    if (found === undefined)
      throw new CliError(
        `invalid range format for --expose: ${given}, error: strconv.ParseUint: parsing "${ports}": invalid syntax`,
      );
    return Array.from({ length: found.to - found.from + 1 }, (_, index) => `${found.from + index}/${protocol}`);
  });
  const published = lists(flags, "publish")
    .flatMap(parsePublish)
    .map(({ container }) => container);
  return Object.fromEntries([...published, ...exposed].map(port => [port, {}]));
}
