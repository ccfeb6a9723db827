import { FORMAT_LEVEL } from "../../../src/codec/entry.ts";
import type { Service } from "../../../src/model/cluster.ts";
import type { World } from "./world.ts";

/** @returns what is not yet as the users asked, in words; nothing when all is. */
export function unsettled(world: World): string | undefined {
  return unsettledManagers(world) ?? unsettledServices(world);
}

function unsettledManagers(world: World): string | undefined {
  const { ledger, hosts } = world;
  const { view } = ledger;
  const members = [...hosts.values()].filter(({ isExpelled }) => !isExpelled);
  if (members.every(host => host.formatLevel === FORMAT_LEVEL) && view.formatLevel !== FORMAT_LEVEL)
    return `format ${view.formatLevel} is still in force`;
  const status = world.leader()?.manager?.plane?.consensus.status();
  if (status === undefined) return "nobody leads";
  for (const host of members) {
    const node = view.get("node", host.nodeId);
    if (node === undefined) return `${host.name} is no node`;
    if (node.status.state !== "ready") return `${host.name} is ${node.status.state}`;
    const { role } = node.spec;
    const isManager = role === "manager";
    if (node.role !== role || host.record.certificate.role !== role) return `${host.name} is not the ${role} it is to be yet`;
    if (isManager !== (node.manager !== undefined) || isManager !== (host.manager?.plane !== undefined))
      return `${host.name}'s manager is not as a ${role}'s is to be`;
    const member = status.members.find(({ raftId }) => raftId === node.manager?.raftId);
    if (isManager && (member === undefined || member.isLearner)) return `${host.name} has no vote yet`;
    if (isManager && host.manager?.store.view().index !== ledger.view.index) return `${host.name} lags`;
  }
  const managers = members.filter(({ manager }) => manager !== undefined);
  if (status.members.length !== managers.length)
    return `Raft has ${status.members.length} members, ${managers.length} managers run`;
  // A node whose certificate was lost on its way never came; whoever wanted it asked again.
  const present = [...view.all("node")].filter(({ status: { state } }) => state !== "unknown");
  return present.length === members.length ? undefined : "a node that left is still there";
}

function unsettledServices({ ledger, hosts }: World): string | undefined {
  const { view } = ledger;
  const running = [...hosts.values()].flatMap(host => host.executor.running().map(({ task }) => ({ task, host })));
  const stranger = running.find(({ task }) => view.get("task", task.id) === undefined);
  if (stranger !== undefined) return `${stranger.host.name} runs ${stranger.task.id}, which is no task`;
  for (const service of view.all("service")) {
    const own = running.filter(({ task }) => task.serviceId === service.id);
    const { spec, isRemoving, updateStatus, revisionId } = service;
    if (isRemoving) return `${spec.name} is still being removed`;
    const wanted = wantedTasks(service, { nodes: [...view.all("node")].filter(({ status }) => status.state === "ready").length });
    if (own.length !== wanted) return `${spec.name} runs ${own.length} of ${wanted}`;
    if (own.some(({ task }) => task.revisionId !== revisionId)) return `${spec.name} still runs an old revision`;
    if (updateStatus?.state === "updating" || updateStatus?.state === "rollback_started") return `${spec.name} is still updating`;
    const tasks = [...view.tasksOfService(service.id)].filter(
      ({ status, desiredState }) => status.state === "running" && desiredState === "running",
    );
    if (tasks.length !== wanted) return `the state knows of ${tasks.length} tasks of ${spec.name}, ${wanted} run`;
  }
  return undefined;
}

function wantedTasks({ spec: { mode } }: Service, { nodes }: { readonly nodes: number }): number {
  return mode.kind === "replicated" ? mode.replicas : nodes;
}
