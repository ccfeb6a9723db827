/** One daemon option: a flag and, under the same name (or `configKey`), a key of daemon.json. @see dockerd's documentation. */
interface OptionKind {
  readonly kind: "text" | "boolean" | "number" | "list";
  readonly short?: string;
  readonly configKey?: string;
}

/** What the daemon honours. */
export const OPTIONS = {
  host: { kind: "list", short: "H", configKey: "hosts" },
  "data-root": { kind: "text" },
  "exec-root": { kind: "text" },
  "config-file": { kind: "text" },
  pidfile: { kind: "text", short: "p" },
  group: { kind: "text", short: "G" },
  debug: { kind: "boolean", short: "D" },
  "log-level": { kind: "text", short: "l" },
  "live-restore": { kind: "boolean" },
  "shutdown-timeout": { kind: "number" },
  "default-runtime": { kind: "text" },
  "cgroup-parent": { kind: "text" },
  label: { kind: "list", configKey: "labels" },
  tls: { kind: "boolean" },
  tlsverify: { kind: "boolean" },
  tlscacert: { kind: "text" },
  tlscert: { kind: "text" },
  tlskey: { kind: "text" },
} as const satisfies Record<string, OptionKind>;

export type OptionName = keyof typeof OPTIONS;

/** dockerd has these and the daemon does not honour them: refused by name, never ignored. */
export const UNSUPPORTED_OPTIONS: ReadonlySet<string> = new Set(
  (
    "add-runtime allow-direct-routing authorization-plugin bip bip6 bridge bridge-accept-fwmark cdi-spec-dir containerd containerd-namespace " +
    "containerd-plugins-namespace cri-containerd default-address-pool default-cgroupns-mode default-gateway default-gateway-v6 default-ipc-mode " +
    "default-network-opt default-shm-size default-stop-timeout default-ulimit dns dns-opt dns-search exec-opt experimental feature firewall-backend " +
    "fixed-cidr fixed-cidr-v6 host-gateway-ip http-proxy https-proxy icc init init-path insecure-registry ip ip-forward ip-forward-no-drop ip-masq " +
    "ip6tables iptables ipv6 log-driver log-format log-opt max-concurrent-downloads max-concurrent-uploads max-download-attempts metrics-addr mtu " +
    "network-control-plane-mtu network-diagnostic-port no-new-privileges no-proxy node-generic-resource nri-opts raw-logs registry-mirror rootless " +
    "seccomp-profile selinux-enabled storage-driver storage-opt swarm-default-advertise-addr userland-proxy userland-proxy-path userns-remap validate"
  ).split(" "),
);
