import { OperationError } from "../../lib/errors.ts";

const PORT_MAX = 65_535;

/** `80`, `80/udp`, `8000-8002`, `8080:80`: the container's ports. @throws OperationError `invalid`, in Docker's words. */
export function exposedPort(text: string): readonly string[] {
  const parts = text.split(":");
  const [range = "", protocol = ""] = (parts.at(-1) ?? "").split("/");
  if (range === "") throw new OperationError("invalid", `no port specified: ${text}<empty>`);
  const { first, last } = rangeOf(range, "containerPort");
  const host = parts.at(-2) ?? "";
  if (host !== "") rangeOf(host, "hostPort");
  const name = (protocol || "tcp").toLowerCase();
  if (!["tcp", "udp", "sctp"].includes(name)) throw new OperationError("invalid", `invalid proto: ${protocol}`);
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${name}`);
}

function rangeOf(text: string, what: string): { readonly first: number; readonly last: number } {
  const [, start, end] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(text) ?? [];
  const first = Number(start);
  const last = Number(end ?? start);
  if (start === undefined || first > last || last > PORT_MAX) throw new OperationError("invalid", `invalid ${what}: ${text}`);
  return { first, last };
}
