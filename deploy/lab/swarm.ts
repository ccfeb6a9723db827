import { request } from "node:http";
import type { LabHost } from "./paths.ts";
import { until } from "./processes.ts";

const JOIN_MS = 30_000;

/** One REST call to a host's daemon. @throws Error with the daemon's message unless it answers 2xx. */
export function call(host: LabHost, method: string, path: string, body?: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath: host.socket,
        method,
        path,
        headers: body === undefined ? {} : { "content-type": "application/json" },
        timeout: JOIN_MS,
      },
      response => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", chunk => (text += chunk));
        response.on("error", reject);
        response.on("end", () => {
          const status = response.statusCode ?? 0;
          if (status >= 200 && status < 300) resolve(text === "" ? undefined : JSON.parse(text));
          else reject(new Error(`${host.name}: ${method} ${path}: ${status} ${text.trim()}`));
        });
      },
    );
    outgoing.on("timeout", () => outgoing.destroy(new Error(`${host.name}: ${method} ${path}: no answer`)));
    outgoing.on("error", reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Joins the hosts to one swarm, the first one founding it; hosts that are in it stay as they are. */
export async function formSwarm(hosts: readonly LabHost[]): Promise<void> {
  const [first, ...others] = hosts;
  if (first === undefined) return;
  if (!(await isMember(first))) {
    await call(first, "POST", "/swarm/init", { ListenAddr: "0.0.0.0:2377", AdvertiseAddr: first.address });
  }
  const { JoinTokens } = (await call(first, "GET", "/swarm")) as { JoinTokens: { Manager: string; Worker: string } };
  for (const host of others) {
    if (await isMember(host)) continue;
    await call(host, "POST", "/swarm/join", {
      ListenAddr: "0.0.0.0:2377",
      AdvertiseAddr: host.address,
      RemoteAddrs: [`${first.address}:2377`],
      JoinToken: host.name.startsWith("m") ? JoinTokens.Manager : JoinTokens.Worker,
    });
  }
  await until("all nodes ready", JOIN_MS, async () => {
    const nodes = (await call(first, "GET", "/nodes")) as readonly {
      Status: { State: string };
      ManagerStatus?: { Reachability: string };
    }[];
    const ready = nodes.filter(
      node => node.Status.State === "ready" && (node.ManagerStatus?.Reachability ?? "reachable") === "reachable",
    );
    return ready.length >= hosts.length;
  });
}

async function isMember(host: LabHost): Promise<boolean> {
  const { Swarm } = (await call(host, "GET", "/info")) as { Swarm: { LocalNodeState: string } };
  return Swarm.LocalNodeState === "active";
}
