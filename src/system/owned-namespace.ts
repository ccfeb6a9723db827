import { mkdir, open, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { OperationError } from "../lib/errors.ts";
import { type IdMap, idMapText } from "../model/id-map.ts";
import type { NamespaceOwner } from "../ports/kernel-network.ts";
import type { ChildProcess, Spawner } from "../ports/process.ts";
import { mount, MS_BIND } from "./libc.ts";

/** Says that it is there, and keeps its namespaces until it is told to end. */
const HOLD = ["sh", "-c", "echo ready; read _"];

/**
 * Makes a network namespace that belongs to a user namespace, and pins it: by this process, since the program inside has no say about the
 * host's mounts any more.
 */
export async function pinOwnedNamespace(
  spawner: Spawner,
  { path, owner }: { readonly path: string; readonly owner: NamespaceOwner },
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const inside = owner.kind === "new" ? ["unshare", "--user", "--net"] : ["nsenter", `--user=${owner.path}`, "unshare", "--net"];
  const [file = "", ...args] = [...inside, ...HOLD];
  const holder = await spawner.spawn({ file, args, stdio: ["pipe-to-child", "pipe-from-child", { sameAs: 1 }] });
  try {
    await untilReady(holder);
    if (owner.kind === "new") {
      await writeIdMap(holder.pid, owner.idMap);
      await pin(`/proc/${holder.pid}/ns/user`, owner.path);
    }
    await pin(`/proc/${holder.pid}/ns/net`, path);
  } finally {
    holder.pipes[0]?.end();
    await holder.exit;
  }
}

async function untilReady({ pipes }: ChildProcess): Promise<void> {
  let output = "";
  for await (const chunk of pipes[1] ?? []) {
    output += String(chunk);
    if (output === "ready\n") return;
  }
  throw new OperationError("internal", `a user namespace could not be made or entered: ${output.trim()}`);
}

/** Groups first, as newgidmap(1) has it; both can be written once. */
async function writeIdMap(pid: number, { uids, gids }: IdMap): Promise<void> {
  await writeFile(`/proc/${pid}/gid_map`, idMapText(gids));
  await writeFile(`/proc/${pid}/uid_map`, idMapText(uids));
}

async function pin(namespace: string, path: string): Promise<void> {
  await (await open(path, "a")).close();
  mount(namespace, path, null, MS_BIND, null);
}
