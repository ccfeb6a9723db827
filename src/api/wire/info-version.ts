import { isOlder } from "../http/version.ts";

/** `info` as a version of the API has it: fields have come and gone. */
export function infoOfVersion(version: string, info: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const gone = FIELDS.filter(({ since, until }) => (since && isOlder(version, since)) || (until && !isOlder(version, until)));
  const left = Object.fromEntries(Object.entries(info).filter(([key]) => !gone.some(({ name }) => name === key)));
  return {
    ...left,
    ...(isOlder(version, "1.50") ? { BridgeNfIptables: false, BridgeNfIp6tables: false } : {}),
    ...(isOlder(version, "1.49") ? commitsExpected(left) : {}),
    ...(isOlder(version, "1.47") ? { RegistryConfig: { ...NONDISTRIBUTABLE, ...recordAt(left, "RegistryConfig") } } : {}),
    ...(isOlder(version, "1.44") ? { Runtimes: withoutStatus(recordAt(left, "Runtimes")) } : {}),
  };
}

const FIELDS: readonly { readonly name: string; readonly since?: string; readonly until?: string }[] = [
  { name: "KernelMemory", until: "1.42" },
  { name: "KernelMemoryTCP", until: "1.52" },
  { name: "FirewallBackend", since: "1.49" },
];

const NONDISTRIBUTABLE = { AllowNondistributableArtifactsCIDRs: null, AllowNondistributableArtifactsHostnames: null };

/** Whatever runs was also what was expected. */
function commitsExpected(info: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names = ["ContainerdCommit", "RuncCommit", "InitCommit"];
  return Object.fromEntries(
    names.map(name => {
      const commit = recordAt(info, name);
      return [name, commit["ID"] === "" ? commit : { ...commit, Expected: commit["ID"] }];
    }),
  );
}

function withoutStatus(runtimes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(runtimes).map(name => {
      const { status: _, ...others } = recordAt(runtimes, name);
      return [name, others];
    }),
  );
}

function recordAt(object: Readonly<Record<string, unknown>>, key: string): Readonly<Record<string, unknown>> {
  const value = object[key];
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
