import assert from "node:assert/strict";
import { isOlder } from "../../src/api/http/version.ts";
import { type Case, caseName } from "./case.ts";
import type { Answer } from "./http.ts";
import { valuesOf, violationsOf } from "./judge.ts";
import { shapeOf } from "./shape.ts";
import type { Specification } from "./specification.ts";
import { type HostWithOther, Stage } from "./stage.ts";
import type { Violation } from "./validate.ts";

/** What came of a case on one engine in one version. */
export interface Shown {
  readonly case: Case;
  readonly answer: Answer;
  readonly values: readonly unknown[];
  readonly violations: readonly Violation[];
  /** Headers, and keys and types of the JSON. */
  readonly shape: ReadonlySet<string>;
  readonly tookMs: number;
}

export interface Walk {
  readonly host: HostWithOther;
  readonly version: string;
  /** By the case's name. A case that broke before its answer is an error. */
  readonly shown: ReadonlyMap<string, Shown | Error>;
  readonly tookMs: number;
}

/** Versions in which both engines are asked the same. The last is the newest that the real one knows. */
export const VERSIONS_COMPARED = ["1.40", "1.45", "1.51"];

export interface Walks {
  readonly oursNewest: Walk;
  readonly real: ReadonlyMap<string, Walk>;
  readonly ours: ReadonlyMap<string, Walk>;
}

interface WalkOptions {
  readonly cases: readonly Case[];
  readonly specification: Specification;
  readonly version: string;
}

/** Most of a case is waiting for processes. */
const LANES = 3;

/** Runs the cases, some at a time, but for those that look at all there is, which come first; those with the second host go one by one beside all others. */
export async function walk(host: HostWithOther, { cases, specification, version }: WalkOptions): Promise<Walk> {
  const startedMs = performance.now();
  const shown = new Map<string, Shown | Error>();
  const asked = cases.filter(
    ({ since, oursAlone }) =>
      (since === undefined || !isOlder(version, since)) && (oursAlone === undefined || host.name === "ours"),
  );
  const work = [...asked.entries()];
  const lane = async (isWanted: (one: Case) => boolean) => {
    for (let index = work.findIndex(([, one]) => isWanted(one)); index >= 0; index = work.findIndex(([, one]) => isWanted(one))) {
      const [[number, one] = assert.fail()] = work.splice(index, 1);
      const prefix = `c${version.replace(".", "")}-${number}`;
      shown.set(caseName(one), await show(one, { host, specification, version, prefix, operation: one.operation }));
    }
  };
  const isFirst = ({ operation, isAlone }: Case) => isAlone === true || specification.operation(operation).tag === "System";
  const withOther = lane(({ usesOther }) => usesOther === true);
  await lane(one => one.usesOther !== true && isFirst(one));
  await Promise.all(Array.from({ length: LANES }, () => lane(({ usesOther }) => usesOther !== true)));
  await withOther;
  return { host, version, shown, tookMs: performance.now() - startedMs };
}

/** Both engines at the same time, each in one version after another. */
export async function walkAll(
  { real, ours }: { readonly real: HostWithOther; readonly ours: HostWithOther },
  options: Omit<WalkOptions, "version">,
): Promise<Walks> {
  const [ofReal, ofOurs] = await Promise.all([
    walkEach(real, VERSIONS_COMPARED, options),
    walkEach(ours, [options.specification.version, ...VERSIONS_COMPARED], options),
  ]);
  const oursNewest = ofOurs.get(options.specification.version);
  if (oursNewest === undefined) throw new Error("our newest version was not walked");
  return { oursNewest, real: ofReal, ours: ofOurs };
}

async function walkEach(
  host: HostWithOther,
  versions: readonly string[],
  options: Omit<WalkOptions, "version">,
): Promise<ReadonlyMap<string, Walk>> {
  const walks = new Map<string, Walk>();
  const alone = options.cases.filter(({ onManager }) => onManager !== true);
  for (const version of versions) walks.set(version, await walk(host, { ...options, cases: alone, version }));
  const onManager = options.cases.filter(one => one.onManager === true);
  if (onManager.length === 0) return walks;
  await becomeManager(host, options.specification);
  for (const [version, before] of walks) {
    const after = await walk(host, { ...options, cases: onManager, version });
    walks.set(version, { ...before, shown: new Map([...before.shown, ...after.shown]), tookMs: before.tookMs + after.tookMs });
  }
  return walks;
}

/** The engine is one from then on. */
async function becomeManager(host: HostWithOther, specification: Specification): Promise<void> {
  await using stage = new Stage({ host, specification, version: "1.45", prefix: "swarm", operation: "SwarmInit" });
  const { status, body } = await stage.call(
    {},
    { body: { ListenAddr: "0.0.0.0:2377", AdvertiseAddr: host.address, DefaultAddrPool: ["10.0.0.0/8"], SubnetSize: 24 } },
  );
  assert.equal(status, 200, body.toString());
}

/** Of how the answer comes over the connection, and its time. */
const HEADERS_PASSED_OVER = ["connection", "content-length", "date", "keep-alive", "transfer-encoding", "server", "api-version"];
const VALUES_COMPARED = ["content-type", "docker-experimental", "ostype", "swarm", "cache-control", "pragma", "upgrade"];

function headersOf({ headers }: Answer): readonly string[] {
  return Object.entries(headers)
    .filter(([name]) => !HEADERS_PASSED_OVER.includes(name))
    .map(([name, value]) => `header ${name}: ${VALUES_COMPARED.includes(name) ? String(value) : "some"}`);
}

type ShowOptions = ConstructorParameters<typeof Stage>[0];

async function show(one: Case, options: ShowOptions): Promise<Shown | Error> {
  const { specification } = options;
  const startedMs = performance.now();
  await using stage = new Stage(options);
  try {
    const answer = await one.run(stage);
    const tookMs = performance.now() - startedMs;
    const operation = specification.operation(one.operation);
    const values = valuesOf(operation, answer);
    const schema = operation.responses[String(answer.status)]?.schema;
    const keys = values.flatMap(value => [...shapeOf(value, schema, specification)]);
    const shape = new Set([...headersOf(answer), ...keys]);
    const violations = violationsOf(operation, answer, specification);
    return { case: one, answer, values, violations, shape, tookMs };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
