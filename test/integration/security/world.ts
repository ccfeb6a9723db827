import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { buildRootFileSystem } from "../../../deploy/try/image.ts";

const run = promisify(execFile);
const CALL_MS = 30_000;
const HEADER_BYTES = 8;

/** Where an engine listens. */
export interface Daemon {
  readonly socket: string;
}

export interface Reply {
  readonly status: number;
  readonly body: Buffer;
}

export interface RequestOptions {
  /** A buffer or text is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One REST call, whatever it answers. */
export function send({ socket }: Daemon, route: string, { body, headers = {} }: RequestOptions = {}): Promise<Reply> {
  const [method = "GET", path = "/"] = route.split(" ");
  const isPlain = body === undefined || typeof body === "string" || Buffer.isBuffer(body);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...{ socketPath: socket, method, path, agent: false, timeout: CALL_MS },
        headers: {
          ...(body === undefined ? {} : { "content-type": isPlain ? "application/x-tar" : "application/json" }),
          ...headers,
        },
      },
      response => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
      },
    );
    outgoing.on("timeout", () => outgoing.destroy(new Error(`${route}: no answer`)));
    outgoing.on("error", reject);
    outgoing.end(isPlain ? body : JSON.stringify(body));
  });
}

/** As `send`, for what must succeed. @returns its JSON, or undefined. */
export async function ask<T>(daemon: Daemon, route: string, options?: RequestOptions): Promise<T> {
  const { status, body } = await send(daemon, route, options);
  if (status >= 300) throw new Error(`${route}: ${status} ${body.toString()}`);
  return (body.length === 0 ? undefined : JSON.parse(body.toString().split("\n", 1)[0] ?? "")) as T;
}

export interface Outcome {
  /** 0 where it could not be created or started. */
  readonly exitCode: number;
  /** Of both streams, in their order; or the engine's refusal. */
  readonly output: string;
  readonly isRefused: boolean;
}

type Body = Readonly<Record<string, unknown>>;

/** Runs a container to its end and removes it, also where it cannot be started. */
export async function runContainer(daemon: Daemon, body: Body): Promise<Outcome> {
  const created = await send(daemon, "POST /containers/create", { body: { Image: "busybox", ...body } });
  if (created.status >= 300) return refused(created);
  const { Id } = JSON.parse(created.body.toString()) as { Id: string };
  try {
    const started = await send(daemon, `POST /containers/${Id}/start`);
    if (started.status >= 300) return refused(started);
    const { StatusCode } = await ask<{ StatusCode: number }>(daemon, `POST /containers/${Id}/wait`);
    const { body: log } = await send(daemon, `GET /containers/${Id}/logs?stdout=1&stderr=1`);
    return { exitCode: StatusCode, output: unframed(log), isRefused: false };
  } finally {
    await ask(daemon, `DELETE /containers/${Id}?force=1&v=1`);
  }
}

/** Starts one that goes on until it is removed. */
export async function startContainer(daemon: Daemon, body: Body, name = ""): Promise<string> {
  const create = { Image: "busybox", Cmd: ["sleep", "1000"], ...body };
  const { Id } = await ask<{ Id: string }>(daemon, `POST /containers/create?name=${name}`, { body: create });
  await ask(daemon, `POST /containers/${Id}/start`);
  return Id;
}

/** Runs a program in a container. */
export async function exec(daemon: Daemon, container: string, body: Body): Promise<Outcome> {
  const streams = { AttachStdout: true, AttachStderr: true };
  const created = await send(daemon, `POST /containers/${container}/exec`, { body: { ...streams, ...body } });
  if (created.status >= 300) return refused(created);
  const { Id } = JSON.parse(created.body.toString()) as { Id: string };
  const started = await send(daemon, `POST /exec/${Id}/start`, { body: {} });
  if (started.status >= 300) return refused(started);
  const { ExitCode } = await ask<{ ExitCode: number }>(daemon, `GET /exec/${Id}/json`);
  return { exitCode: ExitCode, output: unframed(started.body), isRefused: false };
}

function refused({ body }: Reply): Outcome {
  return { exitCode: 0, output: body.toString(), isRefused: true };
}

/** The text of a stream of frames; text without frames stays as it is. */
export function unframed(bytes: Buffer): string {
  if ((bytes[0] ?? 9) > 2 || bytes.length < HEADER_BYTES) return bytes.toString();
  const parts: Buffer[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const end = at + HEADER_BYTES + bytes.readUInt32BE(at + 4);
    parts.push(bytes.subarray(at + HEADER_BYTES, end));
    at = end;
  }
  return Buffer.concat(parts).toString();
}

const BUSYBOX = `mkdir -p bin etc tmp root proc sys dev; cp /usr/bin/busybox bin/
  for a in $(/usr/bin/busybox --list); do [ -e bin/$a ] || ln -s busybox bin/$a; done
  echo 'root:x:0:0:root:/root:/bin/sh' >etc/passwd; echo 'root:x:0:' >etc/group`;

/** A tar of the system's static busybox and of what a shell script adds in the root folder, its working directory. */
export async function busyboxTree(script = ""): Promise<Buffer> {
  const command = `set -e; r=$(mktemp -d); trap 'rm -rf "$r"' EXIT; cd $r; { ${BUSYBOX}\n${script}\n} >&2; tar -c --owner=0 --group=0 .`;
  const { stdout } = await run("bash", ["-c", command], { encoding: "buffer", maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** Debian's perl, whose programs can make any system call. */
export function perlTree(): string {
  const directory = mkdtempSync(join(tmpdir(), "shoal-security-"));
  const tarPath = join(directory, "perl.tar");
  try {
    buildRootFileSystem({ tarPath, serverPath: "deploy/try/server.pl" });
    return tarPath;
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

export async function importImage(
  daemon: Daemon,
  {
    name,
    archive,
    changes = ['CMD ["sh"]'],
  }: { readonly name: string; readonly archive: Buffer; readonly changes?: readonly string[] },
): Promise<void> {
  const query = changes.map(change => `&changes=${encodeURIComponent(change)}`).join("");
  const { status, body } = await send(daemon, `POST /images/create?fromSrc=-&repo=${name}&tag=latest${query}`, { body: archive });
  if (status !== 200 || body.includes('"error"')) throw new Error(`import of ${name}: ${status} ${body.toString()}`);
}
