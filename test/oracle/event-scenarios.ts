import { docker, type Scenario, until } from "./scenario.ts";

const FORMAT = "--format '{{.Type}} {{.Action}} {{json .Actor.Attributes}} {{.Scope}}'";
const past = (filters: string, prints: RegExp) => until(`events --since 1h --until 0s ${filters} ${FORMAT}`, prints);

/** What is told of all kinds of objects, and how they are found among the events. */
export const EVENT_SCENARIOS: readonly Scenario[] = [
  {
    name: "events of networks and volumes",
    steps: [
      docker("network create --label of=evn evnet", { isSetUp: true }),
      docker("volume create evvol", { isSetUp: true }),
      docker("run -d --name evbox --label evl=a=b --network evnet -v evvol:/v:ro busybox sleep 300", { isSetUp: true }),
      docker("exec evbox true", { isSetUp: true }),
      docker("rename evbox evother", { isSetUp: true }),
      docker("tag busybox evimage:tag", { isSetUp: true }),
      docker("rmi evimage:tag", { isSetUp: true }),
      docker("rm -f evother", { isSetUp: true }),
      docker("network rm evnet", { isSetUp: true }),
      docker("volume rm evvol", { isSetUp: true }),
      past("--filter volume=evvol", /destroy/),
      past("--filter volume=evv --filter event=mount --filter event=unmount", /unmount/),
      past("--filter network=evnet", /destroy/),
      past("--filter type=network --filter network=evn", /destroy/),
      past("--filter label=evl --filter event=exec_create --filter event=exec_start", /exec_start/),
      past("--filter label=evl=a=b --filter event=rename", /rename/),
      past("--filter image=evimage", /tag/),
      past("--filter container=evother --filter event=kill --filter event=destroy", /destroy/),
      past("--filter type=volume --filter container=evbox", /^$/),
      past("--filter scope=swarm", /^$/),
    ],
  },
];
