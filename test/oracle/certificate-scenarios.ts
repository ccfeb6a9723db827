import { docker, type Scenario, type Step, until } from "./scenario.ts";

/** Made elsewhere, for these tests alone: good until 2126 but for the one that is called expired. */
const root = (name: string) => `test/oracle/roots/${name}.pem`;
const PEM_ENDS = { shows: /^-----/ };
const SETTLED = until("info --format '{{.Swarm.Cluster.RootRotationInProgress}}'", /^false/);
const TRUST = docker("node ls --format '{{.TLSStatus}}'");

/** The version is wrong, so that nothing is changed whatever is asked for; what is wrong with a root is said before. */
function update(ca: Readonly<Record<string, unknown>>): Step {
  return { kind: "http", method: "POST", path: "/v1.50/swarm/update?version=1", body: { Name: "default", CAConfig: ca } };
}

/** The certificates of a swarm of one. */
export const CERTIFICATE_SCENARIOS: readonly Scenario[] = [
  {
    name: "the swarm's root certificate",
    steps: [
      docker("swarm ca", PEM_ENDS),
      docker("swarm ca --cert-expiry 2h"),
      docker(`swarm ca --ca-cert ${root("good")}`),
      docker(`swarm ca --ca-key ${root("good-key")}`),
      docker("swarm ca --external-ca protocol=cfssl,url=https://127.0.0.1:1"),
      docker("swarm ca surplus"),
      TRUST,
      docker("node inspect self --format '{{json .Description.TLSInfo.CertIssuerSubject}}'"),
      docker("info --format '{{json .Swarm.Cluster.TLSInfo.CertIssuerSubject}} {{json .Swarm.Cluster.Spec.CAConfig}}'"),
    ],
  },
  {
    name: "a new root certificate",
    steps: [
      docker("swarm ca --rotate --quiet", PEM_ENDS),
      SETTLED,
      docker("info --format '{{json .Swarm.Cluster.Spec.CAConfig}}'"),
      until("node ls --format '{{.TLSStatus}}'", /Ready/),
      docker("swarm ca --rotate --detach --cert-expiry 48h"),
      SETTLED,
      docker("info --format '{{json .Swarm.Cluster.Spec.CAConfig}}'"),
      until("node ls --format '{{.TLSStatus}}'", /Ready/),
      docker("swarm update --cert-expiry 2160h"),
      docker("info --format '{{json .Swarm.Cluster.Spec.CAConfig}} {{.Swarm.Cluster.RootRotationInProgress}}'"),
    ],
  },
  {
    name: "a root certificate made elsewhere",
    steps: [
      docker(`swarm ca --rotate --quiet --ca-cert ${root("good")} --ca-key ${root("good-key")}`),
      SETTLED,
      docker("swarm ca"),
      until("node ls --format '{{.TLSStatus}}'", /Ready/),
      docker("node inspect self --format '{{json .Description.TLSInfo}}'"),
      docker("info --format '{{json .Swarm.Cluster.TLSInfo}}'"),
      docker(`swarm ca --rotate --quiet --ca-cert ${root("rsa")} --ca-key ${root("rsa-key")}`),
      SETTLED,
      until("node inspect self --format '{{.Description.TLSInfo.CertIssuerSubject}}'", /./),
      docker("swarm ca --rotate --quiet", PEM_ENDS),
      SETTLED,
      until("node ls --format '{{.TLSStatus}}'", /Ready/),
    ],
  },
  {
    name: "root certificates that cannot be",
    steps: [
      docker("swarm ca --rotate --ca-cert /etc/hostname"),
      docker("swarm ca --rotate --ca-cert /nowhere"),
      docker("swarm ca --rotate --ca-key /etc/hostname"),
      docker(`swarm ca --rotate --ca-cert ${root("good")}`),
      docker(`swarm ca --rotate --ca-key ${root("good-key")}`),
      docker(`swarm ca --rotate --ca-cert ${root("good")} --ca-key ${root("rsa-key")}`),
      docker(`swarm ca --rotate --ca-cert ${root("good")} --ca-key ${root("good")}`),
      docker(`swarm ca --rotate --ca-cert ${root("expired")} --ca-key ${root("good-key")}`),
      docker(`swarm ca --rotate --ca-cert ${root("leaf")} --ca-key ${root("rsa-key")}`),
      docker(`swarm ca --rotate --ca-cert ${root("two")} --ca-key ${root("good-key")}`),
      docker(`swarm ca --rotate --ca-cert ${root("broken")} --ca-key ${root("good-key")}`),
      docker("swarm ca --rotate --external-ca protocol=cfssl,url=https://127.0.0.1:1"),
      docker("swarm ca --rotate --cert-expiry 30m"),
      docker("swarm ca --rotate --cert-expiry soon"),
      update({ SigningCAKey: "x" }),
      update({ SigningCACert: "x", SigningCAKey: "x" }),
      update({ SigningCACert: "x" }),
      update({ SigningCACert: 5 }),
      update({ ExternalCAs: [{ Protocol: "x", URL: "https://127.0.0.1:1" }] }),
      update({ SigningCACert: "x", ExternalCAs: [{ Protocol: "CFSSL", URL: "https://127.0.0.1:1" }] }),
      docker(`swarm ca --rotate --ca-cert ${root("good")} --external-ca protocol=cfssl,url=https://127.0.0.1:1`),
      docker("swarm ca --rotate --external-ca url=https://127.0.0.1:1"),
      update({ ForceRotate: -1 }),
      update({ ForceRotate: "1" }),
      docker("info --format '{{.Swarm.Cluster.RootRotationInProgress}}'"),
    ],
  },
];
