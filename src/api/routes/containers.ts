import { OperationError } from "../../lib/errors.ts";
import type { ApiContext } from "../context.ts";
import { readBody, readPartialBody } from "../http/body.ts";
import type { Answer, ApiRequest, Route } from "../http/exchange.ts";
import { empty, json } from "../http/exchange.ts";
import { filtersOf, flagOf, integerOf, textOf } from "../http/query.ts";
import { isOlder } from "../http/version.ts";
import { toCreateRequest } from "../validation/create-container.ts";
import { validateUpdate } from "../validation/update-container.ts";
import { containerInspect, containerSummary } from "../wire/container.ts";
import { createBody } from "../wire/create-container.ts";
import { hostConfig } from "../wire/host-config.ts";
import { CONTAINER_FILTERS, checkContainerFilters } from "../validation/filters.ts";
import { terminalSizeOf } from "./terminal-size.ts";
import { DELETE, GET, POST } from "./route.ts";

const nameOf = ({ params }: ApiRequest): string => params["name"] ?? "";

async function list(request: ApiRequest, { backends, clock }: ApiContext): Promise<Answer> {
  const filters = filtersOf(request, CONTAINER_FILTERS);
  checkContainerFilters(filters);
  const limit = integerOf(request, "limit");
  const isLimited = limit !== undefined && limit > 0;
  const containers = await backends.containers.list({
    all: flagOf(request, "all") || isLimited,
    size: flagOf(request, "size"),
    filters,
    ...(isLimited ? { limit } : {}),
  });
  return json(containers.map(container => containerSummary(container, { version: request.version, nowMs: clock.nowMs() })));
}

async function create(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const body = await readBody(request, createBody);
  const { request: checked, warnings } = toCreateRequest(body, {
    name: textOf(request, "name"),
    platform: textOf(request, "platform"),
    warnsOfMacAddress: !isOlder(request.version, "1.44"),
  });
  const created = await backends.containers.create(checked);
  return json({ Id: created.id, Warnings: [...warnings, ...created.warnings] }, 201);
}

async function inspect(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const container = await backends.containers.inspect(nameOf(request), { size: flagOf(request, "size") });
  return json(containerInspect(container, { version: request.version, folders: backends.rootFolders?.(container.id) }));
}

function stopOptionsOf(request: ApiRequest): { readonly timeoutSeconds?: number; readonly signal?: string } {
  const timeoutSeconds = integerOf(request, "t");
  const signal = textOf(request, "signal");
  return { ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }), ...(signal === "" ? {} : { signal }) };
}

async function wait(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const condition = textOf(request, "condition") || "not-running";
  if (condition !== "not-running" && condition !== "next-exit" && condition !== "removed") {
    throw new OperationError("invalid", `invalid condition: ${JSON.stringify(condition)}`);
  }
  const { result } = await backends.containers.wait(nameOf(request), condition, { signal: request.signal });
  async function* answer(): AsyncGenerator<Uint8Array> {
    const { exitCode, error } = await result;
    const value = { StatusCode: exitCode, ...(error === undefined ? {} : { Error: { Message: error } }) };
    yield Buffer.from(`${JSON.stringify(value)}\n`);
  }
  // The head goes out at once: clients start the container when they have it.
  return { kind: "stream", contentType: "application/json", chunks: answer(), isEager: true };
}

async function rename(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  await backends.containers.rename(nameOf(request), textOf(request, "name"));
  return empty();
}

async function remove(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  await backends.containers.remove(nameOf(request), {
    force: flagOf(request, "force"),
    volumes: flagOf(request, "v"),
    link: flagOf(request, "link"),
  });
  return empty();
}

async function update(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const changes = validateUpdate(await readPartialBody(request, hostConfig));
  const warnings = await backends.containers.update(nameOf(request), changes);
  return json({ Warnings: warnings.length === 0 ? null : warnings });
}

async function top(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const { titles, processes } = await backends.containers.top(nameOf(request), textOf(request, "ps_args") || "-ef");
  return json({ Titles: titles, Processes: processes });
}

/** Beyond Docker: what an OCI bundle is made of, beside the container's files. */
async function bundle(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const { config, files, copies } = await backends.containers.bundle(nameOf(request));
  return json({ Config: config, Files: files, Copies: copies });
}

async function prune(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const { deleted, reclaimedBytes } = await backends.containers.prune(filtersOf(request, ["label", "label!", "until"]));
  return json({ ContainersDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimedBytes });
}

/** As much as `{}` and a few blanks is passed over. */
const START_BODY_BYTES_MAX = 7;

/** Long ago a start could change the container. */
function refuseBody({ body, headers }: ApiRequest): void {
  const hasBody = headers["transfer-encoding"] !== undefined || (body.length ?? 0) > START_BODY_BYTES_MAX;
  if (!hasBody) return;
  throw new OperationError(
    "invalid",
    "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
  );
}

export const CONTAINER_ROUTES: readonly Route<ApiContext>[] = [
  GET("/containers/json", list),
  GET("/containers/{name:.*}/json", inspect),
  GET("/containers/{name:.*}/top", top),
  GET("/containers/{name:.*}/bundle", bundle),
  POST("/containers/create", create),
  POST("/containers/prune", prune),
  POST("/containers/{name:.*}/start", async (request, { backends }) => {
    refuseBody(request);
    const detachKeys = textOf(request, "detachKeys");
    await backends.containers.start(nameOf(request), detachKeys === "" ? {} : { detachKeys });
    return empty();
  }),
  POST("/containers/{name:.*}/stop", async (request, { backends }) => {
    await backends.containers.stop(nameOf(request), stopOptionsOf(request));
    return empty();
  }),
  POST("/containers/{name:.*}/restart", async (request, { backends }) => {
    await backends.containers.restart(nameOf(request), stopOptionsOf(request));
    return empty();
  }),
  POST("/containers/{name:.*}/kill", async (request, { backends }) => {
    await backends.containers.kill(nameOf(request), textOf(request, "signal") || "SIGKILL");
    return empty();
  }),
  POST("/containers/{name:.*}/pause", async (request, { backends }) => {
    await backends.containers.pause(nameOf(request));
    return empty();
  }),
  POST("/containers/{name:.*}/unpause", async (request, { backends }) => {
    await backends.containers.unpause(nameOf(request));
    return empty();
  }),
  POST("/containers/{name:.*}/wait", wait),
  POST("/containers/{name:.*}/resize", async (request, { backends }) => {
    await backends.containers.resize(nameOf(request), terminalSizeOf(request));
    return empty(200);
  }),
  POST("/containers/{name:.*}/rename", rename),
  POST("/containers/{name:.*}/update", update),
  DELETE("/containers/{name:.*}", remove),
];
