import { docker, until } from "./scenario.ts";

export const NODES = "node ls --format '{{.Hostname}} {{.Status}} {{.Availability}} {{.ManagerStatus}}'";
export const RUNNING = "-f desired-state=running --format '{{.Image}} {{.DesiredState}} {{.Error}}'";
export const service = (name: string, options: string) =>
  docker(`service create -d --name ${name} --stop-grace-period 0s ${options} busybox sleep 300`);
export const replicas = (name: string, shown: RegExp) =>
  until(`service ls --filter name=${name} --format '{{.Mode}} {{.Replicas}}'`, shown);
export const onNode = (name: string) => docker(`node ps ${RUNNING} ${name}`);
export const everywhere = ["m1", "w1", "w2"].map(onNode);
export const REMOVED = (name: string) => docker(`service rm ${name}`, { isSetUp: true });
