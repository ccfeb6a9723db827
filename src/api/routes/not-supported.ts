import { OperationError } from "../../lib/errors.ts";
import type { ApiContext } from "../context.ts";
import type { Handler, Route } from "../http/exchange.ts";
import { json } from "../http/exchange.ts";
import { DELETE, GET, POST } from "./route.ts";

/** Routes that Docker has and this server does not: each says so, in a 400 that the CLI prints. */
function refuse(what: string): Handler<ApiContext> {
  return () => {
    throw new OperationError("invalid", `${what} is not supported by this engine yet`);
  };
}

const CHECKPOINT = "checkpointing containers";

export const NOT_SUPPORTED_ROUTES: readonly Route<ApiContext>[] = [
  GET("/containers/{name:.*}/checkpoints", refuse(CHECKPOINT)),
  POST("/containers/{name:.*}/checkpoints", refuse(CHECKPOINT)),
  POST("/build", refuse("building images")),
  POST("/build/prune", () => json({ CachesDeleted: null, SpaceReclaimed: 0 })),
  POST("/build/cancel", refuse("building images")),
  GET("/distribution/{name:.*}/json", refuse("asking a registry for an image's manifest")),
  GET("/plugins", () => json([])),
  GET("/plugins/{rest:.*}", refuse("managed plugins")),
  POST("/plugins/{rest:.*}", refuse("managed plugins")),
  DELETE("/plugins/{rest:.*}", refuse("managed plugins")),
  GET("/images/{name:.*}/attestations", refuse("showing attestations")),
];
