import type { FileReference, ServiceContainerSpec } from "../../model/cluster.ts";
import type { ConfigId, SecretId } from "../../model/ids.ts";
import type { Codec } from "./codec.ts";
import { field, omitEmpty, struct } from "./codec.ts";
import { healthcheck, mount, ulimit } from "./common.ts";
import { refusing } from "./refusing.ts";
import { serviceHostOptions } from "./service-host-options.ts";
import { servicePrivileges } from "./service-privileges.ts";
import {
  adapt,
  duration,
  flag,
  int64,
  list,
  optional,
  text,
  textMap,
  texts,
  uint32,
  unlessWord,
  unlessZero,
  word,
} from "./scalars.ts";

const file = struct<FileReference<string>["file"]>("swarm.FileTarget", {
  name: field("Name", text),
  uid: field("UID", text),
  gid: field("GID", text),
  mode: field("Mode", uint32),
});
type File = FileReference<string>["file"];
const NO_FILE: File = { name: "", uid: "0", gid: "0", mode: 0o444 };
const fileTarget = adapt(optional(file), {
  toModel: (value: File | undefined): File => value ?? NO_FILE,
  toWire: (value: File): File | undefined => value,
});

const secretReference = struct<FileReference<SecretId>>("swarm.SecretReference", {
  file: field("File", fileTarget),
  id: field("SecretID", word<SecretId>("string")),
  name: field("SecretName", text),
});
const configReference = refusing(
  struct<FileReference<ConfigId>>("swarm.ConfigReference", {
    file: field("File", fileTarget),
    id: field("ConfigID", word<ConfigId>("string")),
    name: field("ConfigName", text),
  }),
  ["Runtime"],
);

const dns = struct<NonNullable<ServiceContainerSpec["dns"]>>("swarm.DNSConfig", {
  nameservers: omitEmpty("Nameservers", texts),
  search: omitEmpty("Search", texts),
  options: omitEmpty("Options", texts),
});

const some = <T>(codec: Codec<T>): Codec<T | undefined> => unlessZero(codec);

/** @see moby api/types/swarm/container.go, whose order of fields this is. */
export const serviceContainer = struct<ServiceContainerSpec>("swarm.ContainerSpec", {
  image: omitEmpty("Image", text),
  labels: omitEmpty("Labels", textMap),
  command: omitEmpty("Command", some(texts)),
  args: omitEmpty("Args", some(texts)),
  hostname: omitEmpty("Hostname", some(text)),
  env: omitEmpty("Env", some(texts)),
  dir: omitEmpty("Dir", some(text)),
  user: omitEmpty("User", some(text)),
  groups: omitEmpty("Groups", some(texts)),
  privileges: omitEmpty("Privileges", optional(servicePrivileges)),
  init: omitEmpty("Init", optional(flag)),
  stopSignal: omitEmpty("StopSignal", some(text)),
  tty: omitEmpty("TTY", some(flag)),
  openStdin: omitEmpty("OpenStdin", some(flag)),
  readOnly: omitEmpty("ReadOnly", some(flag)),
  mounts: omitEmpty("Mounts", some(list(mount))),
  stopGracePeriodNs: omitEmpty("StopGracePeriod", optional(duration)),
  healthcheck: omitEmpty("Healthcheck", optional(healthcheck)),
  hosts: omitEmpty("Hosts", some(texts)),
  dns: omitEmpty("DNSConfig", optional(dns)),
  secrets: omitEmpty("Secrets", some(list(secretReference))),
  configs: omitEmpty("Configs", some(list(configReference))),
  isolation: omitEmpty("Isolation", unlessWord("default")),
  sysctls: omitEmpty("Sysctls", some(textMap)),
  capabilityAdd: omitEmpty("CapabilityAdd", some(texts)),
  capabilityDrop: omitEmpty("CapabilityDrop", some(texts)),
  ulimits: omitEmpty("Ulimits", some(list(ulimit))),
  oomScoreAdj: omitEmpty("OomScoreAdj", some(int64)),
  hostOptions: omitEmpty("HostConfig", optional(serviceHostOptions)),
});
