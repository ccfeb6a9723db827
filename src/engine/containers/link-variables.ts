import type { ContainerConfig } from "../../model/container.ts";

interface Port {
  readonly number: number;
  readonly protocol: string;
}

/** Of a linked container's own environment these say nothing to another. */
const UNTOLD = ["HOME", "PATH"];

/**
 * The variables that tell a container of another it is linked to: name, exposed ports and environment.
 *
 * @param fullAlias - `/web/db`: what `web` calls it.
 */
export function linkVariables(
  fullAlias: string,
  { address, config }: { readonly address: string; readonly config: Pick<ContainerConfig, "env" | "exposedPorts"> },
): readonly string[] {
  const prefix = (fullAlias.split("/").at(-1) ?? "").toUpperCase().replaceAll("-", "_");
  const ports = config.exposedPorts.map(parsePort).toSorted(byNumber);
  const url = ({ number, protocol }: Port) => `${protocol}://${address}:${number}`;
  const [first] = ports;
  return [
    ...(first === undefined ? [] : [`${prefix}_PORT=${url(first)}`]),
    ...ports.flatMap(port => {
      const name = nameOf(prefix, port);
      return [`${name}=${url(port)}`, `${name}_ADDR=${address}`, `${name}_PORT=${port.number}`, `${name}_PROTO=${port.protocol}`];
    }),
    ...rangesOf(ports).flatMap(([start, end]) => {
      const name = nameOf(prefix, start);
      const first = [`${name}_START=${url(start)}`, `${name}_PORT_START=${start.number}`];
      return [...first, `${name}_END=${url(end)}`, `${name}_PORT_END=${end.number}`];
    }),
    `${prefix}_NAME=${fullAlias}`,
    ...config.env.filter(assignment => isTold(assignment)).map(assignment => `${prefix}_ENV_${assignment}`),
  ];
}

function isTold(assignment: string): boolean {
  return assignment.includes("=") && !UNTOLD.includes(assignment.split("=", 1)[0] ?? "");
}

function nameOf(prefix: string, { number, protocol }: Port): string {
  return `${prefix}_PORT_${number}_${protocol.toUpperCase()}`;
}

/** `80/tcp` */
function parsePort(text: string): Port {
  const [number = "", protocol = "tcp"] = text.split("/");
  return { number: Number(number), protocol };
}

/** TCP first. */
function byNumber(left: Port, right: Port): number {
  return Number(right.protocol === "tcp") - Number(left.protocol === "tcp") || left.number - right.number;
}

/** First and last of each row of more than two ports without a gap. */
function rangesOf(ports: readonly Port[]): readonly (readonly [Port, Port])[] {
  const ranges: (readonly [Port, Port])[] = [];
  for (let index = 0; index < ports.length; ) {
    const last = lastOfRow(ports, index);
    const [start, end] = [ports[index], ports[last]];
    if (start === undefined || end === undefined) break;
    if (last > index + 1) ranges.push([start, end]);
    index = last > index + 1 ? last + 1 : index + 1;
  }
  return ranges;
}

function lastOfRow(ports: readonly Port[], first: number): number {
  let last = first;
  while (ports[last + 1]?.number === (ports[last]?.number ?? 0) + 1) last++;
  return last;
}
