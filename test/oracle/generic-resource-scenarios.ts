import { daemon, docker, type Scenario, type Step, until } from "./scenario.ts";

/** A swarm and live restore do not go together in the real engine. */
const SETTINGS = { "live-restore": false };
const OFFERS = ["gpu=one", "gpu=two", "ssd=3"];
const READY = until("node ls --format '{{.Status}} {{.ManagerStatus}}'", /^Ready Leader$/m);
const INFO = docker("info --format '{{json .GenericResources}}'");
const GENERIC = "{{json .Spec.TaskTemplate.Resources.Reservations.GenericResources}}";

/** Each names one kind: of several kinds the real engine tells one first by chance. */
const service = (name: string, flags: string, replicas: number) =>
  docker(`service create -d --name ${name} --replicas ${replicas} ${flags} --stop-grace-period 0s busybox sleep 300`);
/** What its tasks have: in a real engine, a task may have either name. */
const inside = (name: string, prints: RegExp) => until(`service logs --raw ${name}`, prints);
const printing = (name: string, flags: string, replicas: number) =>
  docker(
    `service create -d --name ${name} --replicas ${replicas} ${flags} --stop-grace-period 0s busybox sh -c 'env | grep DOCKER_RESOURCE; exec sleep 300'`,
    { isSetUp: true },
  );

function http(body: unknown): Step {
  return { kind: "http", method: "POST", path: "/v1.50/services/create", body };
}

/** What a node offers by number or by name, and what tasks ask for. The last of them leaves the offer there until the next restart. */
export const GENERIC_RESOURCE_SCENARIOS: readonly Scenario[] = [
  {
    name: "generic resources that no node has",
    steps: [
      INFO,
      service("none", "--generic-resource gpu=1", 1),
      docker(`service inspect -f '${GENERIC}' none`),
      until("service ps none --format '{{.DesiredState}} {{.Node}} {{.Error}}' --no-trunc", /insufficient resources/),
      docker("service update -d --generic-resource-add gpu=2 --generic-resource-add gpu=3 none"),
      docker("service update -d --generic-resource-add gpu=4 none"),
      docker(`service inspect -f '${GENERIC}' none`),
      docker("service update -d --generic-resource-rm ssd none"),
      docker("service update -d --generic-resource-rm gpu none"),
      docker(`service inspect -f '${GENERIC}' none`),
      until("service ls --format '{{.Name}} {{.Replicas}}'", /none 1\/1/),
      ...["gpu", "gpu=x", "gpu=-1", "a=1=2", "gpu=1 --generic-resource gpu=x", "gpu=0"].map(given =>
        docker(`service create -d --name bad --replicas 0 --generic-resource ${given} busybox`),
      ),
      docker("service rm bad", { isSetUp: true }),
      http({
        Name: "named",
        TaskTemplate: {
          ContainerSpec: { Image: "busybox" },
          Resources: { Reservations: { GenericResources: [{ NamedResourceSpec: { Kind: "gpu", Value: "one" } }] } },
        },
      }),
      docker(`service inspect -f '${GENERIC}' named`),
      until("service ps named --format '{{.Error}}' --no-trunc", /insufficient resources/),
    ],
  },
  {
    name: "generic resources that a node offers",
    steps: [
      daemon("restart", { ...SETTINGS, "node-generic-resources": OFFERS }),
      READY,
      until("node inspect self --format '{{len .Description.Resources.GenericResources}}'", /^3$/m),
      docker("info --format '{{len .GenericResources}}'"),
      printing("one", "--generic-resource gpu=2", 2),
      until("service ls --filter name=one --format '{{.Replicas}}'", /1\/2/),
      until(
        "service ps one --filter desired-state=running --format '{{.Node}}|{{.Error}}' --no-trunc",
        /(?=[^]*^\S*\|$)(?=[^]*insufficient resources)/m,
      ),
      inside("one", /GPU=one,two/),
      printing("disk", "--generic-resource ssd=2", 2),
      until("service ls --filter name=disk --format '{{.Replicas}}'", /1\/2/),
      inside("disk", /SSD=2/),
      docker("service rm disk"),
      printing("small", "--generic-resource ssd=1", 3),
      until("service ls --filter name=small --format '{{.Replicas}}'", /3\/3/),
      docker("service rm one"),
      printing("next", "--generic-resource gpu=1", 2),
      until("service ls --filter name=next --format '{{.Replicas}}'", /2\/2/),
      docker("service rm next small"),
    ],
  },
];
