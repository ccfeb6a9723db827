import { OperationError } from "../../lib/errors.ts";
import type { ApiContext } from "../context.ts";
import type { Answer, ApiRequest, Route } from "../http/exchange.ts";
import { empty, json } from "../http/exchange.ts";
import { ndjson } from "../http/ndjson.ts";
import { filtersOf, flagOf, integerOf, textOf } from "../http/query.ts";
import { isOlder } from "../http/version.ts";
import { buildHostConfig, registryAuth, textList, textMap } from "../wire/build.ts";
import { POST } from "./route.ts";

function build(request: ApiRequest, { backends }: ApiContext): Answer {
  if (backends.builder === undefined) throw new OperationError("invalid", "building images is not supported by this engine");
  checkBuilder(request);
  checkRemote(textOf(request, "remote"));
  if (flagOf(request, "squash")) throw new OperationError("invalid", "squash is only supported with experimental mode");
  const messages = backends.builder.build({
    context: request.body.stream,
    dockerfile: textOf(request, "dockerfile"),
    tags: request.query.getAll("t"),
    isQuiet: flagOf(request, "q"),
    usesCache: !flagOf(request, "nocache"),
    removesContainers: removalOf(request),
    pulls: flagOf(request, "pull"),
    buildArguments: textMap(request, { name: "buildargs", what: "build args" }),
    labels: labelsOf(request),
    hostConfig: buildHostConfig(request),
    target: textOf(request, "target"),
    platform: textOf(request, "platform"),
    cacheFrom: textList(request, { name: "cachefrom", what: "cache-from" }),
    authFor: registryAuth(request.headers["x-registry-config"]),
    signal: request.signal,
  });
  return ndjson(messages, { isEager: false });
}

/** @throws OperationError `invalid` for BuildKit, whose clients then know that it is not here. */
function checkBuilder(request: ApiRequest): void {
  const version = textOf(request, "version");
  if (version === "2") {
    throw new OperationError("invalid", "BuildKit is not supported by this engine: build with DOCKER_BUILDKIT=0 (version 1)");
  }
  if (version !== "" && version !== "1") throw new OperationError("invalid", `invalid version ${JSON.stringify(version)}`);
  if (textOf(request, "outputs") !== "" && textOf(request, "outputs") !== "null") {
    throw new OperationError("invalid", "outputs are not supported by this engine");
  }
}

function checkRemote(remote: string): void {
  if (remote === "") return;
  if (remote === "client-session") {
    throw new OperationError(
      "invalid",
      "experimental session with v1 builder is no longer supported, use builder version v2 (BuildKit) instead",
    );
  }
  if (/^(https?:\/\/|git:\/\/|git@|github\.com\/)/.test(remote)) {
    throw new OperationError("invalid", `this engine does not fetch the context of a build: send ${remote} as an archive`);
  }
  throw new OperationError("internal", `remoteURL (${remote}) could not be recognized as URL`);
}

/** On success unless `rm` says otherwise; `forcerm` says always. */
function removalOf(request: ApiRequest): "always" | "on-success" | "never" {
  if (flagOf(request, "forcerm")) return "always";
  return textOf(request, "rm") === "" || flagOf(request, "rm") ? "on-success" : "never";
}

function labelsOf(request: ApiRequest): Readonly<Record<string, string>> {
  const labels = textMap(request, { name: "labels", what: "labels" });
  return Object.fromEntries([...labels].map(([name, value]) => [name, value ?? ""]));
}

const PRUNE_SIZES = ["reserved-space", "keep-storage", "max-used-space", "min-free-space"];

/** The classic builder's cache is images alone, which `image prune` is for. */
function prune(request: ApiRequest, { backends }: ApiContext): Answer {
  filtersOf(request, "any");
  const known = isOlder(request.version, "1.48") ? ["keep-storage"] : PRUNE_SIZES;
  for (const name of known) checkSize(request, name);
  backends.pruneBuildCache?.();
  return json({ CachesDeleted: null, SpaceReclaimed: 0 });
}

function checkSize(request: ApiRequest, name: string): void {
  try {
    integerOf(request, name);
  } catch (cause) {
    const value = textOf(request, name);
    const reason = `strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`;
    throw new OperationError("invalid", `${name} is in bytes and expects an integer, got ${value}: ${reason}`, { cause });
  }
}

/** Of BuildKit's builds, by an id that they alone have. */
function cancel(request: ApiRequest): Answer {
  if (textOf(request, "id") === "") throw new OperationError("invalid", "build ID not provided");
  return empty(200);
}

export const BUILD_ROUTES: readonly Route<ApiContext>[] = [
  POST("/build", build),
  POST("/build/prune", prune),
  POST("/build/cancel", cancel),
];
