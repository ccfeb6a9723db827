import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { ApiContext } from "../context.ts";
import { readBody } from "../http/body.ts";
import type { Answer, ApiRequest, HijackedConnection, Route } from "../http/exchange.ts";
import { empty, json } from "../http/exchange.ts";
import { execCreateBody, execInspect, execStartBody } from "../wire/exec.ts";
import type { ExecStartBody } from "../wire/exec.ts";
import { clientEnd } from "./container-streams.ts";
import { GET, POST } from "./route.ts";
import { terminalSizeOf } from "./terminal-size.ts";

const idOf = ({ params }: ApiRequest): string => params["id"] ?? "";

async function create(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const config = await readBody(request, execCreateBody);
  if (config.cmd.length === 0) throw new OperationError("invalid", "No exec command specified");
  const id = await backends.execs.create(request.params["name"] ?? "", config);
  return json({ Id: id }, 201);
}

async function start(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const id = idOf(request);
  const body = await readBody(request, execStartBody);
  const { config } = backends.execs.inspect(id);
  if (body.detach) {
    await backends.execs.start(id, { detach: true });
    return empty(200);
  }
  return {
    kind: "hijack",
    async run(connection) {
      const end = clientEnd(request, connection);
      try {
        await backends.execs.start(id, {
          detach: false,
          wantsStdout: config.attachStdout,
          wantsStderr: config.attachStderr && !body.tty, // There is one stream to put output in.
          ...(config.attachStdin ? { stdin: connection.input } : {}),
          ...(config.detachKeys === "" ? {} : { detachKeys: config.detachKeys }),
          ...consoleSizeOf(body),
          ...end,
          // Whether output is framed is up to who starts it, not to whether it has a terminal.
          onReady: () => end.onReady(body.tty),
        });
      } catch (error) {
        await complain(error, connection, end);
      }
    },
  };
}

function consoleSizeOf({ consoleSize: size, tty }: ExecStartBody) {
  if (size === undefined || !tty) return {};
  const [heightCells, widthCells] = size;
  return { consoleSize: { heightCells, widthCells } };
}

/** Once the connection is a raw stream, an error can only be told in it. */
async function complain(error: unknown, connection: HijackedConnection, end: ReturnType<typeof clientEnd>): Promise<void> {
  if (!connection.isOpen || connection.signal.aborted) throw error;
  await end.output("stdout", Buffer.from(`${errorMessage(error)}\r\n`));
}

export const EXEC_ROUTES: readonly Route<ApiContext>[] = [
  GET("/exec/{id:.*}/json", (request, { backends }) => json(execInspect(backends.execs.inspect(idOf(request))))),
  POST("/containers/{name:.*}/exec", create),
  POST("/exec/{id:.*}/start", start),
  POST("/exec/{id:.*}/resize", async (request, { backends }) => {
    await backends.execs.resize(idOf(request), terminalSizeOf(request));
    return empty(200);
  }),
];
