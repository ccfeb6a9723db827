import { docker, http, kept, type Scenario, type Step } from "./scenario.ts";

const encoded = (filters: object): string => encodeURIComponent(JSON.stringify(filters));

/** Everything that can be done with a secret or a config. */
function objectScenarios(kind: "secret" | "config"): readonly Scenario[] {
  const path = `/v1.50/${kind}s`;
  const data = { Name: "one", Labels: { a: "b" }, Data: "MQ==" };
  return [
    {
      name: `${kind}s in every form`,
      steps: [
        docker(`${kind} create -l a=b one -`, { stdin: "1" }),
        docker(`${kind} create --label a=x two test/fixtures/oracle/labels`),
        kept("one", `${kind} inspect -f '{{.ID}}' one`),
        docker(`${kind} ls --format '{{.Name}} {{.Labels}}'`),
        docker(`${kind} ls --format json --filter name=one`),
        docker(`${kind} list -q --filter id=<<one>>`),
        ...["label=a", "label=a=x", "name=t", "names=one", "nope=x"].map(filter =>
          docker(`${kind} ls -f ${filter} --format '{{.Name}}'`),
        ),
        docker(`${kind} ls`),
        docker(`${kind} inspect -f '{{.Spec.Name}} {{json .Spec.Labels}}' one two`),
        docker(`${kind} inspect --pretty one`),
        docker(`${kind} inspect <<one>>`),
        docker(`${kind} inspect nope`),
        docker(`${kind} inspect one nope -f '{{.Spec.Name}}'`),
        docker(`${kind} rm one nope`),
        docker(`${kind} remove two`),
        docker(`${kind} ls -q`),
      ],
    },
    {
      name: `${kind}s refused`,
      steps: [
        docker(`${kind} create one -`, { stdin: "1", isSetUp: true }),
        docker(`${kind} create -l a=b one -`, { stdin: "2" }),
        docker(`${kind} create empty /dev/null`),
        ...["'bad name'", "-- -x", "x-", "a.b", "y".repeat(65), "a/b"].map(name =>
          docker(`${kind} create ${name} -`, { stdin: "1" }),
        ),
        docker(`${kind} create big -`, { stdin: "x".repeat(1024 * 1000) }),
        docker(`${kind} create nearly -`, { stdin: "x".repeat((kind === "secret" ? 500 : 1000) * 1024 - 1) }),
        docker(`service create -d --name one --replicas 0 --${kind} one busybox`),
        docker(`${kind} rm one`),
        docker("service rm one", { isSetUp: true }),
        docker(`${kind} rm one`),
        docker(`service create -d --name three --replicas 0 --${kind} source=one,target=x --${kind} source=one,target=x busybox`),
      ],
    },
    {
      name: `a ${kind} updated`,
      steps: [
        docker(`${kind} create -l a=b one -`, { stdin: "1", isSetUp: true }),
        kept("id", `${kind} inspect -f '{{.ID}}' one`),
        kept("version", `${kind} inspect -f '{{.Version.Index}}' one`),
        http("POST", `${path}/<<id>>/update?version=1`, { ...data, Labels: {} }),
        http("POST", `${path}/<<id>>/update`, data),
        http("POST", `${path}/<<id>>/update?version=<<version>>`, { ...data, Name: "two" }),
        http("POST", `${path}/<<id>>/update?version=<<version>>`, { ...data, Data: "Mg==" }),
        http("POST", `${path}/<<id>>/update?version=<<version>>`, { ...data, Labels: { c: "d" } }),
        http("POST", `${path}/<<id>>/update?version=<<version>>`, { ...data, Labels: { c: "e" } }),
        kept("next", `${kind} inspect -f '{{.Version.Index}}' one`),
        http("POST", `${path}/one/update?version=<<next>>`, { Name: "one", Labels: { e: "f" } }),
        http("POST", `${path}/nope/update?version=1`, data),
        docker(`${kind} inspect one -f '{{json .Spec.Labels}}'`),
        http("GET", `${path}?filters=${encoded({ label: ["e=f"] })}`),
        http("POST", `${path}/create`, { ...data, Data: "***" }),
        http("POST", `${path}/create`, { Data: "MQ==" }),
      ],
    },
  ];
}

const NODE = "/v1.50/nodes/m1";
const spec = (other: object): object => ({ Role: "manager", Availability: "active", ...other });
/** As it was. */
const BACK: Step = docker("node update --availability active --role manager m1", { isSetUp: true });

/** What a swarm keeps beside its services. */
export const SWARM_OBJECT_SCENARIOS: readonly Scenario[] = [
  ...objectScenarios("secret"),
  ...objectScenarios("config"),
  {
    name: "nodes in every form",
    steps: [
      docker("node update --label-add zone=a --label-add x m1", { isSetUp: true }),
      kept("id", "node inspect -f '{{.ID}}' self"),
      docker("node ls --format '{{.ID}} {{.Self}} {{.Hostname}} {{.Status}} {{.Availability}} {{.ManagerStatus}}'"),
      docker("node ls -q"),
      docker("node ls --format 'table {{.Hostname}}\\t{{.Availability}}'"),
      ...["id=<<id>>", "label=nope", "node.label=zone=a", "node.label=zone=b", "name=m"].map(filter =>
        docker(`node ls -f ${filter} --format '{{.Hostname}}'`),
      ),
      ...["role=manager", "role=worker", "role=nope", "membership=nope", "nope=x"].map(filter =>
        docker(`node list -f ${filter} --format '{{.Hostname}}'`),
      ),
      docker(
        "node inspect -f '{{.ID}} {{json .Spec}} {{json .Status}} {{.Description.Hostname}} {{json .Description.Platform}}' m1",
      ),
      docker("node inspect -f '{{json .Description.Resources}} {{json .ManagerStatus}}' <<id>>"),
      docker("node inspect --pretty self", {
        shows:
          /^(ID:|Hostname:|Status| State| Availability| Address|Manager Status| Raft Status| Leader|Platform| Operating System| Architecture|Resources| CPUs|Labels| - )/,
      }),
      docker("node inspect nope"),
      docker("node inspect m1 nope -f '{{.Spec.Role}}'"),
      docker("node update --label-rm zone --label-rm x m1"),
      docker("node update --label-rm nope m1"),
      docker("node inspect -f '{{json .Spec}}' m1"),
    ],
  },
  {
    name: "a node updated",
    steps: [
      docker("node update --availability pause m1"),
      docker("node ls --format '{{.Availability}} {{.ManagerStatus}}'"),
      docker("node update --availability drain --label-add a=b m1"),
      docker("node inspect -f '{{json .Spec}}' m1"),
      docker("node update --availability nope m1"),
      docker("node update --role worker m1"),
      docker("node update --role manager m1"),
      docker("node update --role nope m1"),
      docker("node update --label-add a=c nope"),
      docker("node promote m1"),
      docker("node promote nope"),
      docker("node demote m1"),
      docker("node demote nope"),
      docker("node rm m1"),
      docker("node rm -f m1"),
      docker("node rm nope"),
      docker("node remove --force nope"),
      docker("node update --label-rm a m1"),
      BACK,
      kept("version", "node inspect -f '{{.Version.Index}}' m1"),
      http("POST", `${NODE}/update?version=1`, spec({})),
      http("POST", `${NODE}/update`, spec({})),
      http("POST", `${NODE}/update?version=<<version>>`, spec({ Role: "nope" })),
      http("POST", `${NODE}/update?version=<<version>>`, spec({ Availability: "nope" })),
      http("POST", `${NODE}/update?version=<<version>>`, {}),
      http("POST", `${NODE}/update?version=<<version>>`, spec({ Name: "other" })),
      docker("node ls --format '{{.Hostname}}'"),
      kept("next", "node inspect -f '{{.Version.Index}}' self"),
      http("POST", `${NODE}/update?version=<<next>>`, spec({})),
      docker("node inspect -f '{{json .Spec}}' self"),
    ],
  },
];
