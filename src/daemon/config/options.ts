import { ADDRESS, ADDRESSES, NETWORK_OPTIONS, POOLS, RUNTIMES, SIZE, ULIMITS } from "./structured-kinds.ts";
import { GENERIC_RESOURCES, INTEGER, LABELS, LIST, SWITCH, SWITCH_MAP, TEXT, TEXT_MAP, type ValueKind } from "./value-kinds.ts";

/** One option of the daemon: a flag, and a key of daemon.json. @see dockerd's documentation. */
export interface Option<T> {
  readonly kind: ValueKind<T>;
  readonly short?: string;
  /** In daemon.json, where it is not the flag's name; the first is the one that messages show. */
  readonly keys?: readonly string[];
  /** Below `proxies` in daemon.json, not at its top. */
  readonly isProxy?: true;
  /** No key of daemon.json. */
  readonly isFlagOnly?: true;
  /** Taken over on SIGHUP. `kept`: a file that no longer names it changes nothing; `reset`: it has its default again. */
  readonly reload?: "kept" | "reset";
  /** What it means here, for the documentation, where that is more than dockerd's. */
  readonly note?: string;
}

function option<T>(kind: ValueKind<T>, more: Omit<Option<T>, "kind"> = {}): Option<T> {
  return { kind, ...more };
}

const NO_REGISTRY = "checked and shown; images are not pulled or pushed yet, and a login goes without it";

/** What the daemon honours. */
export const OPTIONS = {
  "add-runtime": option(RUNTIMES, {
    keys: ["runtimes"],
    reload: "kept",
    note: "crun and runc are there without it, where they work",
  }),
  "authorization-plugin": option(LIST, { keys: ["authorization-plugins"], reload: "reset" }),
  bip: option(TEXT),
  bip6: option(TEXT),
  "cgroup-parent": option(TEXT, { note: "default `/shoal`" }),
  "config-file": option(TEXT, { isFlagOnly: true, note: "default `/etc/shoal/daemon.json`" }),
  "data-root": option(TEXT, { note: "default `/var/lib/shoal`" }),
  debug: option(SWITCH, { short: "D", reload: "kept" }),
  "default-address-pool": option(POOLS, { keys: ["default-address-pools"] }),
  "default-cgroupns-mode": option(TEXT, { reload: "kept" }),
  "default-ipc-mode": option(TEXT, { reload: "kept" }),
  "default-network-opt": option(NETWORK_OPTIONS, { keys: ["default-network-opts"], note: "of driver `bridge`" }),
  "default-runtime": option(TEXT, { reload: "kept", note: "default crun where it works, else runc" }),
  "default-shm-size": option(SIZE, { reload: "kept" }),
  "default-stop-timeout": option(INTEGER, { reload: "kept" }),
  "default-ulimit": option(ULIMITS, { keys: ["default-ulimits"] }),
  dns: option(ADDRESSES),
  "dns-opt": option(LIST, { keys: ["dns-opts"] }),
  "dns-search": option(LIST),
  "exec-opt": option(LIST, { keys: ["exec-opts"], note: "`native.cgroupdriver=cgroupfs` alone" }),
  "exec-root": option(TEXT, { note: "default `/run/shoal`" }),
  experimental: option(SWITCH, { note: "`false` alone: nothing here is experimental" }),
  feature: option(SWITCH_MAP, { keys: ["features"], reload: "reset", note: "all of dockerd's, each `false` alone" }),
  "firewall-backend": option(TEXT, { note: "`iptables` alone" }),
  "fixed-cidr": option(TEXT),
  "fixed-cidr-v6": option(TEXT),
  group: option(TEXT, { short: "G", note: "`docker` where the host has that group" }),
  host: option(LIST, {
    short: "H",
    keys: ["hosts"],
    note: "`unix://`, `tcp://` and `fd://`; default `unix:///run/shoal/shoal.sock`",
  }),
  "host-gateway-ip": option(ADDRESSES, { keys: ["host-gateway-ips", "host-gateway-ip"], note: "one of each family" }),
  "http-proxy": option(TEXT, { isProxy: true, note: NO_REGISTRY }),
  "https-proxy": option(TEXT, { isProxy: true, note: NO_REGISTRY }),
  icc: option(SWITCH),
  init: option(SWITCH),
  "init-path": option(TEXT),
  "insecure-registry": option(LIST, {
    keys: ["insecure-registries"],
    reload: "kept",
    note: "for `docker login`; images are not pulled or pushed yet",
  }),
  ip: option(ADDRESS),
  "ip-forward": option(SWITCH),
  "ip-forward-no-drop": option(SWITCH),
  "ip-masq": option(SWITCH),
  ip6tables: option(SWITCH),
  iptables: option(SWITCH, { note: "`true` alone: networks and published ports are made of rules" }),
  ipv6: option(SWITCH),
  label: option(LABELS, { keys: ["labels"], reload: "kept" }),
  "live-restore": option(SWITCH, { reload: "kept", note: "default `true`" }),
  "log-driver": option(TEXT),
  "log-file": option(TEXT, { isFlagOnly: true, note: "not dockerd's: a file instead of stderr, put away at 10 MiB, three kept" }),
  "log-format": option(TEXT, { note: "default `json`" }),
  "log-level": option(TEXT, { short: "l" }),
  "log-opt": option(TEXT_MAP, { keys: ["log-opts"] }),
  "max-concurrent-downloads": option(INTEGER, { reload: "reset", note: NO_REGISTRY }),
  "max-concurrent-uploads": option(INTEGER, { reload: "reset", note: NO_REGISTRY }),
  "max-download-attempts": option(INTEGER, { reload: "reset", note: NO_REGISTRY }),
  mtu: option(INTEGER),
  "no-new-privileges": option(SWITCH),
  "no-proxy": option(TEXT, { isProxy: true, note: NO_REGISTRY }),
  "node-generic-resource": option(GENERIC_RESOURCES, {
    keys: ["node-generic-resources"],
    reload: "kept",
    note: "the managers hear of it at once when it is reloaded",
  }),
  pidfile: option(TEXT, { short: "p", note: "default `/run/shoal/shoald.pid`" }),
  "raw-logs": option(SWITCH, { note: "nothing is ever coloured" }),
  "registry-mirror": option(LIST, { keys: ["registry-mirrors"], reload: "kept", note: NO_REGISTRY }),
  "seccomp-profile": option(TEXT),
  "selinux-enabled": option(SWITCH, { note: "`false` alone" }),
  "shutdown-timeout": option(INTEGER, { reload: "kept", note: "negative: no limit" }),
  "storage-driver": option(TEXT, { short: "s", note: "`overlay2` alone" }),
  "swarm-default-advertise-addr": option(TEXT),
  tls: option(SWITCH, { note: "`false` is asked for before `tcp://` is served without TLS" }),
  tlsverify: option(SWITCH),
  tlscacert: option(TEXT, { note: "default `/etc/shoal/ca.pem`" }),
  tlscert: option(TEXT, { note: "default `/etc/shoal/cert.pem`" }),
  tlskey: option(TEXT, { note: "default `/etc/shoal/key.pem`" }),
  "userland-proxy": option(SWITCH, {
    note: "no process for each port: the firewall carries what it can, a thread of the daemon what comes over IPv6 to a container without it or to ::1",
  }),
  "userns-remap": option(TEXT, { note: "`default`, or `USER[:GROUP]` by names or numbers" }),
  validate: option(SWITCH, { isFlagOnly: true }),
};

export type OptionName = keyof typeof OPTIONS;
type ValueOf<O> = O extends Option<infer T> ? T : never;

/** What was given, by flags or by a file. */
export type Values = { readonly [Name in OptionName]?: ValueOf<(typeof OPTIONS)[Name]> };

/** The table, for what treats all of them alike. */
export const OPTION_ENTRIES: readonly (readonly [name: OptionName, option: Option<unknown>])[] = Object.entries(OPTIONS).map(
  ([name, entry]) => [name as OptionName, entry],
);

export function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(OPTIONS, name);
}

/** @returns undefined where daemon.json has no such key. */
export function fileKeyOf(name: OptionName): string | undefined {
  const { keys, isFlagOnly, isProxy }: Option<unknown> = OPTIONS[name];
  if (isFlagOnly === true) return undefined;
  return isProxy === true ? `proxies.${name}` : (keys?.[0] ?? name);
}

const NO_CONTAINERD = "conmon and an OCI runtime run containers here, there is no containerd";
const NO_GOSSIP = "nodes of a swarm do not gossip: managers tell them";

/** dockerd has these and the daemon does not honour them: refused by name and with the reason, never ignored. By flag; `key` is that of daemon.json. */
export const REFUSED_OPTIONS: Readonly<Record<string, { readonly because: string; readonly key?: string }>> = {
  "allow-direct-routing": { because: "published ports are reached at the host's addresses alone" },
  "allow-nondistributable-artifacts": { because: "there is no registry client yet" },
  bridge: { because: "the default network has a bridge of its own, docker0" },
  "bridge-accept-fwmark": { because: "packets are told apart by where they come from and go, not by marks" },
  builder: { because: "images are not built here yet" },
  "cdi-spec-dir": { because: "CDI specifications are read from /etc/cdi and /var/run/cdi alone", key: "cdi-spec-dirs" },
  containerd: { because: NO_CONTAINERD },
  "containerd-namespace": { because: NO_CONTAINERD },
  "containerd-plugins-namespace": { because: NO_CONTAINERD, key: "containerd-plugin-namespace" },
  "cpu-rt-period": { because: "real-time time is given to each container, not to their parent" },
  "cpu-rt-runtime": { because: "real-time time is given to each container, not to their parent" },
  "cri-containerd": { because: NO_CONTAINERD },
  "default-gateway": { because: "containers' way out is their network's bridge" },
  "default-gateway-v6": { because: "containers' way out is their network's bridge" },
  "metrics-addr": { because: "no metrics are served yet" },
  "network-control-plane-mtu": { because: NO_GOSSIP },
  "network-diagnostic-port": { because: NO_GOSSIP },
  "nri-opts": { because: "there is no node resource interface" },
  "resolv-conf": { because: "containers' name servers come from /etc/resolv.conf and `dns`" },
  rootless: { because: "the daemon runs as root alone" },
  "storage-opt": { because: "overlay2 has no options here", key: "storage-opts" },
  "swarm-raft-election-tick": { because: "the consensus' times are fixed" },
  "swarm-raft-heartbeat-tick": { because: "the consensus' times are fixed" },
  "userland-proxy-path": { because: "there is no proxy" },
};
