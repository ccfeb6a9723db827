import assert from "node:assert/strict";
import { Router } from "../../../src/api/http/router.ts";
import { splitVersion } from "../../../src/api/http/version.ts";
import { parseReference } from "../../../src/api/validation/reference.ts";
import { checkSignal } from "../../../src/api/validation/signals.ts";
import { statusText } from "../../../src/api/wire/container-status.ts";
import { durationInWords } from "../../../src/api/wire/duration-words.ts";
import { rfc3339 } from "../../../src/api/wire/times.ts";
import type { ContainerState } from "../../../src/model/container.ts";

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;

describe("durationInWords", () => {
  const cases = [
    [0, "Less than a second"],
    [SECOND, "1 second"],
    [59 * SECOND, "59 seconds"],
    [60 * SECOND, "About a minute"],
    [120 * SECOND, "2 minutes"],
    [59 * 60 * SECOND, "59 minutes"],
    [HOUR, "About an hour"],
    [1.6 * HOUR, "2 hours"],
    [47 * HOUR, "47 hours"],
    [3 * DAY, "3 days"],
    [14 * DAY, "2 weeks"],
    [61 * DAY, "2 months"],
    [3 * 365 * DAY, "3 years"],
  ] as const;
  for (const [ms, words] of cases) it(`says ${words}`, () => assert.equal(durationInWords(ms), words));
});

describe("statusText", () => {
  const NOW = 10_000_000;
  const base: ContainerState = { status: "running", pid: 1, exitCode: 0, isOomKilled: false, error: "", startedAtMs: NOW - 2000 };
  const health = (status: "starting" | "healthy" | "unhealthy") => ({ status, failingStreak: 0, log: [] });
  const cases: readonly (readonly [Partial<ContainerState>, string])[] = [
    [{}, "Up 2 seconds"],
    [{ health: health("starting") }, "Up 2 seconds (health: starting)"],
    [{ health: health("unhealthy") }, "Up 2 seconds (unhealthy)"],
    [{ status: "paused" }, "Up 2 seconds (Paused)"],
    [{ status: "exited", exitCode: 3, finishedAtMs: NOW - 180_000 }, "Exited (3) 3 minutes ago"],
    [{ status: "restarting", exitCode: 1, finishedAtMs: NOW - 1000 }, "Restarting (1) 1 second ago"],
    [{ status: "created" }, "Created"],
    [{ status: "dead" }, "Dead"],
    [{ status: "removing" }, "Removal In Progress"],
  ];
  for (const [state, words] of cases) it(`says ${words}`, () => assert.equal(statusText({ ...base, ...state }, NOW), words));
});

describe("rfc3339", () => {
  const cases = [
    [undefined, "0001-01-01T00:00:00Z"],
    [0, "1970-01-01T00:00:00Z"],
    [1_500, "1970-01-01T00:00:01.5Z"],
    [1_001, "1970-01-01T00:00:01.001Z"],
  ] as const;
  for (const [ms, words] of cases) it(`writes ${words}`, () => assert.equal(rfc3339(ms), words));
});

describe("parseReference", () => {
  const right = [
    ["busybox", "busybox:latest"],
    ["docker.io/library/busybox:1", "busybox:1"],
    ["reg:5000/a/b", "reg:5000/a/b:latest"],
    [`a@sha256:${"1".repeat(64)}`, `a@sha256:${"1".repeat(64)}`],
  ] as const;
  for (const [source, familiar] of right) {
    it(`reads ${source}`, () => assert.equal(parseReference(source).familiar, familiar));
  }
  for (const source of ["", "A", "a:", "a/", "a b", ":x", "a@b", `a@sha256:${"1".repeat(64)}@x`]) {
    it(`refuses ${JSON.stringify(source)}`, () => assert.throws(() => parseReference(source), { kind: "invalid" }));
  }
});

describe("checkSignal", () => {
  for (const signal of ["", "TERM", "SIGTERM", "sigkill", "9", "RTMIN", "SIGRTMIN+3", "RTMAX-1"]) {
    it(`takes ${signal}`, () => checkSignal(signal));
  }
  for (const signal of ["FOO", "0", "65", "RTMIN-1", "RTMAX+1"]) {
    it(`refuses ${signal}`, () => assert.throws(() => checkSignal(signal), { message: `invalid signal: ${signal}` }));
  }
});

describe("splitVersion", () => {
  it("takes the prefix off", () => assert.deepEqual(splitVersion("/v1.44/info"), { version: "1.44", path: "/info" }));
  it("takes the newest without one", () => assert.deepEqual(splitVersion("/vol"), { version: "1.56", path: "/vol" }));
  it("counts versions as numbers", () => assert.throws(() => splitVersion("/v1.9/info"), /too old/));
});

describe("Router", () => {
  const handle = () => ({ kind: "empty", status: 204 }) as const;
  const router = new Router<undefined>([
    { method: "GET", pattern: "/images/{name:.*}/json", handle },
    { method: "GET", pattern: "/tasks/{id}", handle },
  ]);
  it("finds names with slashes", () => {
    assert.deepEqual(router.match("GET", "/images/reg:5000/a/b/json")?.params, { name: "reg:5000/a/b" });
  });
  it("keeps an id within its segment", () => assert.equal(router.match("GET", "/tasks/a/b"), undefined));
  it("minds the method", () => assert.equal(router.match("POST", "/tasks/a"), undefined));
});
