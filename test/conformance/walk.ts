import assert from "node:assert/strict";
import { isOlder } from "../../src/api/http/version.ts";
import { type Case, caseName } from "./case.ts";
import { CaseStage, Common } from "./common.ts";
import type { Answer } from "./http.ts";
import { valuesOf, violationsOf } from "./judge.ts";
import { shapeOf } from "./shape.ts";
import type { Specification } from "./specification.ts";
import { type HostWithOther, type HostWithOthers, Stage } from "./stage.ts";
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
const VERSION_OF_COMMON = "1.45";

export interface Walks {
  readonly oursNewest: Walk;
  readonly real: ReadonlyMap<string, Walk>;
  readonly ours: ReadonlyMap<string, Walk>;
}

interface WalkOptions {
  readonly cases: readonly Case[];
  readonly specification: Specification;
}

/** Most of a case is waiting for processes. */
const LANES = 3;

/** Both engines at the same time, each in one version after another. */
export async function walkAll(
  { real, ours }: { readonly real: HostWithOthers; readonly ours: HostWithOthers },
  options: WalkOptions,
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
  { others, ...host }: HostWithOthers,
  versions: readonly string[],
  { cases, specification }: WalkOptions,
): Promise<ReadonlyMap<string, Walk>> {
  const hosts = others.map(other => ({ ...host, other }));
  const [first = assert.fail("there is no other host")] = hosts;
  const made = { host: first, specification, version: VERSION_OF_COMMON, prefix: "common", operation: "ContainerCreate" };
  await using common = new Common(new Stage(made));
  const walks = versions.map(
    (version, index) => new WalkUnderWay({ host: hosts[index % hosts.length] ?? first, specification, version, common }),
  );
  await playAll(
    walks,
    cases.filter(({ onManager }) => onManager !== true),
  );
  const onManager = cases.filter(one => one.onManager === true);
  if (onManager.length > 0) {
    await becomeManager(first, specification);
    await playAll(walks, onManager);
  }
  return new Map(walks.map(walk => [walk.version, walk]));
}

/** One version after another on the host of all; beside that, one case after another on each of the others, which mostly wait for their swarms. */
async function playAll(walks: readonly WalkUnderWay[], cases: readonly Case[]): Promise<void> {
  const withOther = cases.filter(one => one.usesOther === true);
  const alone = cases.filter(one => one.usesOther !== true);
  const others = [...new Set(walks.map(({ host }) => host.other))];
  await Promise.all([
    inTurn(walks, walk => walk.playTimed(alone)),
    ...others.map(other =>
      inTurn(
        walks.filter(({ host }) => host.other === other),
        walk => walk.play(withOther, { lanes: 1 }),
      ),
    ),
  ]);
}

async function inTurn(walks: readonly WalkUnderWay[], play: (walk: WalkUnderWay) => Promise<void>): Promise<void> {
  for (const walk of walks) await play(walk);
}

/** Looks at all there is, so it is not asked while others come and go. */
const OF_ALL = ["SystemInfo", "SystemDataUsage"];

class WalkUnderWay implements Walk {
  readonly host: HostWithOther;
  readonly version: string;
  readonly shown = new Map<string, Shown | Error>();
  readonly #options: Omit<ShowOptions, "prefix" | "operation">;
  #played = 0;
  tookMs = 0;

  constructor(options: Omit<ShowOptions, "prefix" | "operation">) {
    this.host = options.host;
    this.version = options.version;
    this.#options = options;
  }

  /** Those that look at all there is come first, alone; then some at a time. */
  async playTimed(cases: readonly Case[]): Promise<void> {
    const startedMs = performance.now();
    const isFirst = ({ operation, isAlone }: Case) => isAlone === true || OF_ALL.includes(operation);
    await this.play(cases.filter(isFirst), { lanes: 1 });
    await this.play(
      cases.filter(one => !isFirst(one)),
      { lanes: LANES },
    );
    this.tookMs += performance.now() - startedMs;
  }

  async play(cases: readonly Case[], { lanes }: { readonly lanes: number }): Promise<void> {
    const work = cases.filter(one => this.#isAsked(one));
    const lane = async () => {
      for (let one = work.shift(); one !== undefined; one = work.shift()) {
        const prefix = `c${this.version.replace(".", "")}-${this.#played++}`;
        this.shown.set(caseName(one), await show(one, { ...this.#options, prefix, operation: one.operation }));
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  }

  #isAsked({ since, oursAlone }: Case): boolean {
    return (since === undefined || !isOlder(this.version, since)) && (oursAlone === undefined || this.host.name === "ours");
  }
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

type ShowOptions = ConstructorParameters<typeof CaseStage>[0];

async function show(one: Case, options: ShowOptions): Promise<Shown | Error> {
  const { specification } = options;
  const startedMs = performance.now();
  await using stage = new CaseStage(options);
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
