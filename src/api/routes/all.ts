import type { ApiContext } from "../context.ts";
import type { Route } from "../http/exchange.ts";
import { BUILD_ROUTES } from "./build.ts";
import { COMMIT_ROUTES } from "./commit.ts";
import { CONFIG_ROUTES } from "./configs.ts";
import { CONTAINER_ARCHIVE_ROUTES } from "./container-archive.ts";
import { CONTAINER_STATS_ROUTES } from "./container-stats.ts";
import { CONTAINER_STREAM_ROUTES } from "./container-streams.ts";
import { CONTAINER_ROUTES } from "./containers.ts";
import { EXEC_ROUTES } from "./exec.ts";
import { IMAGE_ROUTES } from "./images.ts";
import { NETWORK_ROUTES } from "./networks.ts";
import { NODE_ROUTES } from "./nodes.ts";
import { NOT_SUPPORTED_ROUTES } from "./not-supported.ts";
import { PLUGIN_ROUTES } from "./plugins.ts";
import { SECRET_ROUTES } from "./secrets.ts";
import { SERVICE_ROUTES } from "./services.ts";
import { SWARM_ROUTES } from "./swarm.ts";
import { SYSTEM_ROUTES } from "./system.ts";
import { TASK_ROUTES } from "./tasks.ts";
import { VOLUME_ROUTES } from "./volumes.ts";

/** The first that fits is taken. */
export const ROUTES: readonly Route<ApiContext>[] = [
  ...SYSTEM_ROUTES,
  ...CONTAINER_ROUTES,
  ...CONTAINER_ARCHIVE_ROUTES,
  ...COMMIT_ROUTES,
  ...BUILD_ROUTES,
  ...CONTAINER_STATS_ROUTES,
  ...CONTAINER_STREAM_ROUTES,
  ...EXEC_ROUTES,
  ...IMAGE_ROUTES,
  ...NETWORK_ROUTES,
  ...VOLUME_ROUTES,
  ...SWARM_ROUTES,
  ...SERVICE_ROUTES,
  ...TASK_ROUTES,
  ...NODE_ROUTES,
  ...SECRET_ROUTES,
  ...CONFIG_ROUTES,
  ...PLUGIN_ROUTES,
  ...NOT_SUPPORTED_ROUTES,
];
