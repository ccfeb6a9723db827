import type { ApiContext } from "../context.ts";
import type { Route } from "../http/exchange.ts";
import { CONTAINER_ROUTES } from "./containers.ts";
import { CONTAINER_STREAM_ROUTES } from "./container-streams.ts";
import { EXEC_ROUTES } from "./exec.ts";
import { IMAGE_ROUTES } from "./images.ts";
import { SYSTEM_ROUTES } from "./system.ts";

export const ROUTES: readonly Route<ApiContext>[] = [
  ...SYSTEM_ROUTES,
  ...CONTAINER_ROUTES,
  ...CONTAINER_STREAM_ROUTES,
  ...EXEC_ROUTES,
  ...IMAGE_ROUTES,
];
