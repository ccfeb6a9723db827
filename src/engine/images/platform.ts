import { OperationError } from "../../lib/errors.ts";

export interface HostPlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string;
}

/** Node's names and Go's. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: "amd64",
  arm64: "arm64",
  arm: "arm",
  ia32: "386",
  s390x: "s390x",
  ppc64: "ppc64le",
  riscv64: "riscv64",
};

const OPERATING_SYSTEMS = ["linux", "windows", "darwin", "freebsd"];

export function platformOfHost(): HostPlatform {
  return { os: "linux", architecture: ARCHITECTURES[process.arch] ?? process.arch, variant: "" };
}

/** `linux/arm64/v8`; empty is the host's own. @throws OperationError `invalid` */
export function parsePlatform(text: string): HostPlatform {
  const host = platformOfHost();
  if (text === "") return host;
  const [os = "", architecture = host.architecture, variant = "", ...rest] = text.toLowerCase().split("/");
  if (!text.includes("/") && !OPERATING_SYSTEMS.includes(os)) {
    throw new OperationError("invalid", `${JSON.stringify(text)}: unknown operating system or architecture: invalid argument`);
  }
  if (os !== "linux") throw new OperationError("invalid", `unsupported operating system ${JSON.stringify(os)}`);
  if (rest.length > 0 || !/^[a-z0-9_]+$/.test(architecture)) {
    throw new OperationError("invalid", `${JSON.stringify(text)} is an invalid platform`);
  }
  return { os, architecture, variant };
}
