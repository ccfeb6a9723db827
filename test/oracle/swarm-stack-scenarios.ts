import { docker, kept, type Scenario, until } from "./scenario.ts";

const FILE = "test/fixtures/oracle/stack.yml";
const SMALLER = "services:\n  web:\n    image: busybox\n    deploy: { replicas: 0 }\n";
const TWO = `${SMALLER}  other:\n    image: busybox\n    deploy: { replicas: 0 }\n`;
const lines = (line: string, stdin: string) => docker(line, { stdin });

/** Stacks are the client's own work on labels: what it lists and finds is the engine's. */
export const SWARM_STACK_SCENARIOS: readonly Scenario[] = [
  {
    name: "a stack is deployed, shown and removed",
    steps: [
      docker(`stack deploy -c ${FILE} shop`),
      until("stack services shop --format '{{.Name}} {{.Mode}} {{.Replicas}} {{.Image}}'", /1\/1/),
      docker("stack ls"),
      docker("stack list --format '{{.Name}} {{.Services}}'"),
      docker("stack ps shop --format '{{.Name}} {{.Image}} {{.Node}} {{.DesiredState}} {{.Error}}'"),
      docker("stack ps -q shop"),
      docker("stack ps --no-trunc --no-resolve -f desired-state=running --format '{{.Name}}' shop"),
      docker("stack ps -f name=shop_web.9 shop"),
      docker("stack services -q shop"),
      docker("stack services -f name=shop_web --format json shop"),
      docker("stack services -f nope=x shop"),
      docker("service inspect -f '{{json .Spec}}' shop_web"),
      docker("network inspect -f '{{.Name}} {{.Driver}} {{.Attachable}} {{json .Labels}}' shop_net"),
      docker("secret inspect -f '{{json .Spec}}' shop_hidden"),
      docker("config inspect -f '{{json .Spec}}' shop_page"),
      docker(`stack deploy -q -c ${FILE} shop`),
      docker("stack rm shop"),
      docker("stack services shop"),
      until("network ls -q -f label=com.docker.stack.namespace=shop", /^$/),
      docker("stack rm shop"),
    ],
  },
  {
    name: "a stack is changed",
    steps: [
      lines("stack deploy --compose-file - --with-registry-auth shop", SMALLER),
      docker("stack deploy -c - shop", { stdin: TWO, isSetUp: true }), // In any order.
      docker("stack services --format '{{.Name}} {{.Replicas}}' shop"),
      lines("stack up -c - --prune --resolve-image never shop", SMALLER),
      docker("stack services --format '{{.Name}} {{.Replicas}}' shop"),
      lines("stack deploy -c - --resolve-image nope shop", SMALLER),
      lines("stack deploy -c - --detach=false -q shop", SMALLER),
      docker("stack down shop"),
      docker("stack remove nope"),
      docker("stack ls"),
    ],
  },
  {
    name: "stacks refused",
    steps: [
      lines("stack deploy -c - bad_Name!", SMALLER),
      lines("stack deploy -c - shop", SMALLER.replace("image: busybox", "image: Bad")),
      lines("stack deploy -c - shop", `${SMALLER}    networks: [nope]\nnetworks:\n  nope: { external: true }\n`),
      lines("stack deploy -c - shop", `${SMALLER}    secrets: [nope]\nsecrets:\n  nope: { external: true }\n`),
      lines("stack deploy -c - shop", `${SMALLER}    configs: [nope]\nconfigs:\n  nope: { external: true }\n`),
      lines("stack deploy -c - shop", SMALLER.replace("replicas: 0", "placement: { constraints: [nope] }")),
      docker("stack ls"),
      lines("stack config -c -", SMALLER),
      docker(`stack config --skip-interpolation -c ${FILE}`, { shows: /WHO/ }),
      docker("stack ps nope"),
      docker("stack services nope"),
      kept("none", "service ls -q"),
    ],
  },
];
