import { OperationError } from "../../lib/errors.ts";
import type { Container } from "../../model/container.ts";
import type { ApiContext } from "../context.ts";
import type { Answer, ApiRequest, Route } from "../http/exchange.ts";
import { empty, json } from "../http/exchange.ts";
import { filtersOf, flagOf, textOf, timeNsOf } from "../http/query.ts";
import { readBody } from "../http/body.ts";
import type { VolumeUsage } from "../backends.ts";
import { authConfig } from "../wire/auth.ts";
import { diskUsageJson } from "../wire/disk-usage.ts";
import { eventJson } from "../wire/event.ts";
import { infoJson, versionJson } from "../wire/system.ts";
import type { Counts } from "../wire/system.ts";
import { isOlder } from "../http/version.ts";
import { GET, HEAD, OPTIONS, POST } from "./route.ts";
import { swarmInfo } from "./swarm-info.ts";

function ping(_request: ApiRequest, { backends }: ApiContext): Answer {
  backends.containers.expectStart?.(); // Clients ask this first, whatever they want.
  const { state, isManager } = backends.swarm.local();
  const role = state === "active" ? `active/${isManager ? "manager" : "worker"}` : state;
  const headers = {
    "Builder-Version": "1",
    "Cache-Control": "no-cache, no-store, must-revalidate",
    Pragma: "no-cache",
    Swarm: role,
  };
  return { kind: "text", text: "OK", headers };
}

function countStates(containers: readonly Container[], images: number): Counts {
  const count = (...statuses: readonly string[]) => containers.filter(({ state }) => statuses.includes(state.status)).length;
  const running = count("running", "restarting");
  const paused = count("paused");
  return { running, paused, stopped: containers.length - running - paused, images };
}

async function info(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const { backends, clock } = context;
  const [facts, containers, images, swarm] = await Promise.all([
    backends.system.info(),
    backends.containers.list({ all: true, filters: {} }),
    backends.images.list({ all: true, filters: {} }), // Also what a build stood on meanwhile.
    swarmInfo(request, context),
  ]);
  return json(
    infoJson(facts, { counts: countStates(containers, images.length), swarm, nowMs: clock.nowMs(), version: request.version }),
  );
}

const RECORD_SEPARATOR = "\u001e";
const EVENT_TYPES = ["application/jsonl", "application/x-ndjson", "application/json-seq"];

/** The first of the names of such a stream that the client knows. */
function eventTypeOf({ headers }: ApiRequest): string {
  const accepted = (headers.accept ?? "").split(",").map(part => (part.split(";")[0] ?? "").trim());
  return accepted.find(type => EVENT_TYPES.includes(type)) ?? "application/json";
}

function events(request: ApiRequest, { backends }: ApiContext): Answer {
  const sinceNs = timeNsOf(request, "since");
  const untilNs = timeNsOf(request, "until");
  if (sinceNs !== undefined && untilNs !== undefined && sinceNs > untilNs) {
    const [since, until] = [textOf(request, "since"), textOf(request, "until")];
    throw new OperationError("invalid", `\`since\` time (${since}) cannot be after \`until\` time (${until})`);
  }
  const source = backends.system.events({
    filters: filtersOf(request, "any"),
    signal: request.signal,
    ...(sinceNs === undefined ? {} : { sinceNs }),
    ...(untilNs === undefined ? {} : { untilNs }),
  });
  const withoutCreatedImages = isOlder(request.version, "1.46");
  const contentType = isOlder(request.version, "1.52") ? "application/json" : eventTypeOf(request);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const prefix = contentType === "application/json-seq" ? RECORD_SEPARATOR : "";
    for await (const event of source) {
      if (withoutCreatedImages && event.type === "image" && event.action === "create") continue;
      yield Buffer.from(`${prefix}${eventJson(event)}\n`);
    }
  }
  return { kind: "stream", contentType, chunks: chunks(), isEager: true };
}

async function diskUsage(request: ApiRequest, { backends, clock }: ApiContext): Promise<Answer> {
  const types = isOlder(request.version, "1.42") ? [] : request.query.getAll("type");
  for (const type of types) {
    if (!["container", "image", "volume", "build-cache"].includes(type)) {
      throw new OperationError("invalid", `unknown object type: ${type}`);
    }
  }
  const wants = (type: string) => types.length === 0 || types.includes(type);
  const usage = {
    ...(wants("container") ? { containers: await backends.containers.list({ all: true, size: true, filters: {} }) } : {}),
    ...(wants("image")
      ? { images: await backends.images.list({ all: true, filters: {} }), layers: (await backends.layerSizes?.()) ?? new Map() }
      : {}),
    ...(wants("volume") ? { volumes: await backends.volumes.list({}), volumeUsage: await volumeUsage(backends) } : {}),
    buildCache: wants("build-cache"),
  };
  const isVerbose = flagOf(request, "verbose");
  return json(diskUsageJson(usage, { version: request.version, isVerbose, nowMs: clock.nowMs() }));
}

/** Where nothing measures, nothing is known. */
async function volumeUsage({ volumeSizes }: ApiContext["backends"]): Promise<ReadonlyMap<string, VolumeUsage>> {
  return (await volumeSizes?.()) ?? new Map();
}

async function login(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  if (request.body.length === 0) throw new OperationError("invalid", "EOF");
  const credentials = await readBody(request, authConfig);
  const identityToken = await backends.system.login(credentials, request.signal);
  return json({ Status: "Login Succeeded", IdentityToken: identityToken });
}

export const SYSTEM_ROUTES: readonly Route<ApiContext>[] = [
  OPTIONS("{any:.*}", () => empty(200)),
  GET("/_ping", ping),
  HEAD("/_ping", ping),
  GET("/version", async (_request, { backends }) => json(versionJson(await backends.system.info()))),
  GET("/info", info),
  GET("/events", events),
  GET("/system/df", diskUsage),
  POST("/auth", login),
];
