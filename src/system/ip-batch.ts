import { OperationError } from "../lib/errors.ts";
import type { IpBatch } from "../ports/kernel-network.ts";
import type { ChildProcess, Spawner } from "../ports/process.ts";
import { failpoint } from "../ports/failpoint.ts";

/** What `link show lo` ends with: everything asked before it has been done. */
const MARK = /^ {4}link\/loopback .*\n/m;
const STOP_MS = 2_000;
const SIGKILL = 9;

interface Request {
  readonly resolve: (output: string) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Speaks to one `ip -force -batch -`. Requests are written as they come; each ends with a command whose output marks its end.
 * Errors come on the same pipe, so they are there before the mark.
 */
export class IpBatchProcess implements IpBatch {
  readonly #spawner: Spawner;
  readonly #prefix: readonly string[];
  #starting: Promise<ChildProcess> | undefined;
  #child: ChildProcess | undefined;
  #pending: Request[] = [];
  #lineCount = 0;
  #output = "";

  private constructor(spawner: Spawner, prefix: readonly string[]) {
    this.#spawner = spawner;
    this.#prefix = prefix;
  }

  /** @param prefix - A program that starts another inside a namespace, with its arguments; empty: this one. */
  static async start(spawner: Spawner, prefix: readonly string[]): Promise<IpBatchProcess> {
    const batch = new IpBatchProcess(spawner, prefix);
    await batch.run([]);
    return batch;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async run(lines: readonly string[], { allowFailure = false }: { readonly allowFailure?: boolean } = {}): Promise<void> {
    const { output, firstLine } = await this.#send(lines);
    const failures = allowFailure ? [] : failuresIn(output, { lines, firstLine });
    if (failures.length > 0) throw new OperationError("internal", failures.join("; "));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#starting?.catch(() => undefined); // Whoever waits for it is told.
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    this.#starting = undefined;
    child.pipes[0]?.end();
    const timer = setTimeout(() => child.kill(SIGKILL), STOP_MS);
    await child.exit;
    clearTimeout(timer);
  }

  /** @returns what was printed, and the number of the first of these lines: ip counts from its start. */
  async #send(lines: readonly string[]): Promise<{ readonly output: string; readonly firstLine: number }> {
    const child = await (this.#starting ??= this.#spawn());
    if (child !== this.#child) throw new OperationError("internal", "ip: ended as soon as it was started");
    const firstLine = this.#lineCount + 1;
    this.#lineCount += lines.length + 1;
    const answer = new Promise<string>((resolve, reject) => this.#pending.push({ resolve, reject }));
    child.pipes[0]?.write(`${lines.map(line => `${line}\n`).join("")}link show lo\n`);
    return { output: await answer, firstLine };
  }

  async #spawn(): Promise<ChildProcess> {
    try {
      return await this.#start();
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
  }

  async #start(): Promise<ChildProcess> {
    const [file, ...args] = [...this.#prefix, "ip", "-force", "-batch", "-"];
    const child = await failpoint("networks/ip.spawn", () =>
      this.#spawner.spawn({ file, args, stdio: ["pipe-to-child", "pipe-from-child", { sameAs: 1 }] }),
    );
    this.#child = child;
    this.#lineCount = 0;
    this.#output = "";
    const [stdin, stdout] = child.pipes;
    stdin?.on("error", () => this.#fail(child, "ip ended"));
    stdout?.on("error", () => this.#fail(child, "ip ended"));
    stdout?.on("data", (chunk: Buffer) => this.#receive(chunk.toString("latin1")));
    void child.exit.then(() => this.#fail(child, this.#output.trim() || "ip ended"));
    return child;
  }

  #receive(chunk: string): void {
    this.#output += chunk;
    for (let match = MARK.exec(this.#output); match !== null; match = MARK.exec(this.#output)) {
      const end = match.index + match[0].length;
      this.#pending.shift()?.resolve(this.#output.slice(0, end));
      this.#output = this.#output.slice(end);
    }
  }

  /** The next request starts a new process. */
  #fail(child: ChildProcess, reason: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#starting = undefined;
    const pending = this.#pending;
    this.#pending = [];
    for (const { reject } of pending) reject(new OperationError("internal", `ip: ${reason}`));
  }
}

/** `RTNETLINK answers: File exists` and then `Command failed -:7`. */
export function failuresIn(
  output: string,
  { lines, firstLine }: { readonly lines: readonly string[]; readonly firstLine: number },
): readonly string[] {
  const failures: string[] = [];
  let words: string[] = [];
  for (const line of output.split("\n")) {
    const [, number] = /^Command failed -:(\d+)$/.exec(line) ?? [];
    if (number === undefined) {
      words.push(line);
      continue;
    }
    failures.push(`ip ${lines[Number(number) - firstLine] ?? "?"}: ${words.filter(word => word !== "").join(" ")}`);
    words = [];
  }
  return failures;
}
