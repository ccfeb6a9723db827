import { type CliContext, type Json, number, text } from "../context.ts";
import { shortId } from "../format/text.ts";
import { nodeName, serviceName, taskName } from "./task-names.ts";

export interface OriginFlags {
  readonly resolve?: boolean;
  readonly taskIds?: boolean;
  readonly trunc?: boolean;
}

/** Which task a line of a service's logs is of, and where it runs: each asked for once. */
export class TaskOrigins {
  readonly #cli: CliContext;
  readonly #options: OriginFlags & { readonly replicas: number };
  readonly #names = new Map<string, Promise<string | undefined>>();
  readonly #origins = new Map<string, Promise<string>>();

  /** @param options - `replicas`: how many there are, so that the names of all slots end in one column. */
  constructor(cli: CliContext, options: OriginFlags & { readonly replicas: number }) {
    this.#cli = cli;
    this.#options = options;
  }

  /** As Docker's client writes it: `web.1.mn4r2jhhnp2x@host`, and room for the numbers of the other slots. */
  async of(taskId: string): Promise<string> {
    let origin = this.#origins.get(taskId);
    if (origin === undefined) this.#origins.set(taskId, (origin = this.#read(taskId)));
    return await origin;
  }

  async #read(taskId: string): Promise<string> {
    const { resolve, taskIds, trunc, replicas } = this.#options;
    const task = await this.#cli.api.json("GET", `/tasks/${taskId}`);
    const [serviceId, nodeId] = [text(task, "ServiceID"), text(task, "NodeID")];
    const isResolving = resolve !== false;
    const service = isResolving ? await this.#name(`/services/${serviceId}`, serviceName) : undefined;
    const node = isResolving ? await this.#name(`/nodes/${nodeId}`, nodeName) : undefined;
    const id = taskIds === false ? "" : `.${trunc === false ? taskId : shortId(taskId)}`;
    const room = String(replicas).length - String(number(task, "Slot")).length;
    return `${taskName(task, service ?? serviceId)}${id}@${node ?? nodeId}${" ".repeat(Math.max(0, room))}`;
  }

  /** @returns nothing for what is gone meanwhile: its id has to do. */
  async #name(path: string, nameOf: (object: Json) => string): Promise<string | undefined> {
    let name = this.#names.get(path);
    if (name === undefined) {
      name = this.#cli.api.json("GET", path).then(nameOf, () => undefined);
      this.#names.set(path, name);
    }
    return await name;
  }
}

const TASK_ID = "com.docker.swarm.task.id";
/** What the daemon says of each line of a task beside what the user asked for. */
const CONTEXT = new Set(["com.docker.swarm.node.id", "com.docker.swarm.service.id", TASK_ID]);

/**
 * A line as it is shown, of one that came with its details: `[time ]key=value,… text`.
 * @throws Error for a line without them.
 */
export async function withOrigin(
  line: Uint8Array,
  {
    flags,
    origins,
  }: { readonly flags: { readonly timestamps?: boolean; readonly details?: boolean }; readonly origins: TaskOrigins },
): Promise<Uint8Array> {
  const [time, afterTime] = flags.timestamps === true ? cutAtSpace(line) : ["", line];
  const [details, said] = cutAtSpace(afterTime);
  const pairs = details.split(",").map(pair => pair.split("=").map(unescaped));
  const taskId = pairs.find(([key]) => key === TASK_ID)?.[1];
  if (taskId === undefined) throw new Error(`a line does not say which task it is of: ${details}`);
  const shown = pairs.filter(([key = ""]) => !CONTEXT.has(key)).map(pair => pair.join("="));
  const before = [time === "" ? "" : `${time} `, await origins.of(taskId), "    | "];
  if (flags.details === true) before.push(`${shown.join(",")} `);
  return Buffer.concat([Buffer.from(before.join("")), said]);
}

/** As Go's `url.QueryEscape` wrote it. */
function unescaped(word: string): string {
  return decodeURIComponent(word.replaceAll("+", " "));
}

function cutAtSpace(line: Uint8Array): readonly [string, Uint8Array] {
  const at = line.indexOf(0x20);
  if (at < 0) throw new Error("a line without its details");
  return [Buffer.from(line.subarray(0, at)).toString(), line.subarray(at + 1)];
}
