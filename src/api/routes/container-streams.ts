import type { AttachOptions } from "../backends.ts";
import type { ApiContext } from "../context.ts";
import type { Answer, ApiRequest, HijackedConnection, Route } from "../http/exchange.ts";
import { frameHeader, MULTIPLEXED_STREAM, RAW_STREAM } from "../http/frames.ts";
import { flagOf, textOf } from "../http/query.ts";
import { isOlder } from "../http/version.ts";
import { logAnswer, logOptionsOf } from "./log-answer.ts";
import { GET, POST } from "./route.ts";

/** From this version on the content type says whether a stream is multiplexed. */
const MULTIPLEXED_TYPE_SINCE = "1.42";

/** What a stream with frames, or without (a terminal's), is called. */
export function streamType(request: ApiRequest, isTty: boolean): string {
  const isNamed = !isTty && !isOlder(request.version, MULTIPLEXED_TYPE_SINCE);
  return isNamed ? MULTIPLEXED_STREAM : RAW_STREAM;
}

/** The client's end of an attach or exec: opens the connection once all is found right, then frames what goes out. */
export function clientEnd(
  request: ApiRequest,
  connection: HijackedConnection,
): Required<Pick<AttachOptions, "output" | "onReady" | "signal">> {
  let frames = true;
  return {
    signal: connection.signal,
    onReady(isTty) {
      frames = !isTty;
      // Without an upgrade there is only one name, whatever follows.
      connection.open(request.isUpgrade ? streamType(request, isTty) : RAW_STREAM);
    },
    output(stream, data) {
      return frames ? connection.write(frameHeader(stream, data.byteLength), data) : connection.write(data);
    },
  };
}

function attach(request: ApiRequest, { backends }: ApiContext): Answer {
  const detachKeys = textOf(request, "detachKeys");
  return {
    kind: "hijack",
    run: connection =>
      backends.containers.attach(request.params["name"] ?? "", {
        stream: flagOf(request, "stream"),
        logs: flagOf(request, "logs"),
        wantsStdout: flagOf(request, "stdout"),
        wantsStderr: flagOf(request, "stderr"),
        ...(flagOf(request, "stdin") ? { stdin: connection.input } : {}),
        ...(detachKeys === "" ? {} : { detachKeys }),
        ...clientEnd(request, connection),
      }),
  };
}

async function logs(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const options = logOptionsOf(request);
  return logAnswer(request, await backends.containers.logs(request.params["name"] ?? "", options));
}

/** For pages in a browser: both directions are messages, with nothing that tells output from errors. */
function attachWebSocket(request: ApiRequest, { backends }: ApiContext): Answer {
  const detachKeys = textOf(request, "detachKeys");
  return {
    kind: "hijack",
    isWebSocket: true,
    run: connection =>
      backends.containers.attach(request.params["name"] ?? "", {
        stream: flagOf(request, "stream"),
        logs: flagOf(request, "logs"),
        wantsStdout: flagOf(request, "stdout"),
        wantsStderr: flagOf(request, "stderr"),
        ...(flagOf(request, "stdin") ? { stdin: connection.input } : {}),
        ...(detachKeys === "" ? {} : { detachKeys }),
        signal: connection.signal,
        onReady: () => connection.open(RAW_STREAM),
        output: (_stream, data) => connection.write(data),
      }),
  };
}

export const CONTAINER_STREAM_ROUTES: readonly Route<ApiContext>[] = [
  POST("/containers/{name:.*}/attach", attach),
  GET("/containers/{name:.*}/attach/ws", attachWebSocket),
  GET("/containers/{name:.*}/logs", logs),
];
