import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { Router } from "../../src/api/http/router.ts";
import { API_VERSION } from "../../src/api/http/version.ts";
import { ROUTES } from "../../src/api/routes/all.ts";
import { skip } from "../skip.ts";

const ENDPOINTS = "../shared/spec/endpoints.tsv";
const SPECIFICATION = "../shared/spec/swagger.yaml";
/** Needs BuildKit's protocol, which clients do without when it is not found. */
const LEFT_OUT = new Set(["POST /session"]);

describe("the routes", () => {
  it("answer every endpoint of the specification", function () {
    if (!existsSync(ENDPOINTS)) skip(this, "the specification is not beside the project");
    const router = new Router(ROUTES);
    const lines = readFileSync(ENDPOINTS, "utf8").trim().split("\n").slice(1);
    const missing = lines
      .map(line => line.split("\t"))
      .filter(([, method = "", path = ""]) => !LEFT_OUT.has(`${method} ${path}`))
      .filter(([, method = "", path = ""]) => router.match(method, path.replaceAll(/\{\w+\}/g, "x")) === undefined)
      .map(([, method, path]) => `${method} ${path}`);
    assert.deepEqual(missing, []);
  });

  it("speak the version of the specification", function () {
    if (!existsSync(SPECIFICATION)) skip(this, "the specification is not beside the project");
    const found = /^ {2}version: "(.+)"$/m.exec(readFileSync(SPECIFICATION, "utf8"));
    assert.equal(found?.[1], API_VERSION);
  });
});
