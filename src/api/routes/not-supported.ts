import { OperationError } from "../../lib/errors.ts";
import type { ApiContext } from "../context.ts";
import type { ApiRequest, Handler, Route } from "../http/exchange.ts";
import { DELETE, GET, POST } from "./route.ts";

/** Routes that Docker has and this server does not: each says so, in a 400 that the CLI prints. */
function refuse(what: string): Handler<ApiContext> {
  return () => {
    throw new OperationError("invalid", `${what} is not supported by this engine yet`);
  };
}

/** There is none that anything could be done to. */
function noSuchPlugin({ params }: ApiRequest): never {
  throw new OperationError("not-found", `plugin ${JSON.stringify(params["name"])} not found`);
}

/** As Docker's own store of images that keeps none. */
function withoutIndexes(): never {
  throw new OperationError("unimplemented", "attestations are not supported: images are kept without their indexes");
}

const CHECKPOINT = "checkpointing containers";

export const NOT_SUPPORTED_ROUTES: readonly Route<ApiContext>[] = [
  GET("/containers/{name:.*}/checkpoints", refuse(CHECKPOINT)),
  POST("/containers/{name:.*}/checkpoints", refuse(CHECKPOINT)),
  GET("/distribution/{name:.*}/json", refuse("asking a registry for an image's manifest")),
  POST("/plugins/pull", refuse("installing a managed plugin")),
  POST("/plugins/create", refuse("making a managed plugin")),
  GET("/plugins/{name:.*}/json", noSuchPlugin),
  POST("/plugins/{name:.*}/{verb:(?:enable|disable|push|set|upgrade)}", noSuchPlugin),
  DELETE("/plugins/{name:.*}", noSuchPlugin),
  GET("/images/{name:.*}/attestations", withoutIndexes),
];
