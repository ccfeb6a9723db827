import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { checkServiceSpec } from "../../../src/api/validation/service-spec.ts";
import { hostOptionFields } from "../../../src/api/wire/service-host-options.ts";
import { serviceSpec } from "../../../src/api/wire/service-spec.ts";
import { networkAttachment } from "../../../src/api/wire/task-spec.ts";
import { entryBytes } from "../../../src/codec/entry.ts";
import { checkServiceSpec as checkOnManager } from "../../../src/manager/control-api/service-spec.ts";
import type { ServiceSpec } from "../../../src/model/cluster.ts";
import { taskContainer } from "../../../src/worker/task-container.ts";
import { hasSpecification, Specification } from "../../conformance/specification.ts";
import { bodyOf, valueAt } from "../../fields/body.ts";
import { MORE_SERVICE_ROWS } from "../../fields/more-service-rows.ts";
import { servicePage } from "../../fields/service-page.ts";
import { SERVICE_ROWS, type ServiceFieldRow } from "../../fields/service-rows.ts";
import { type SpecifiedField, specifiedFields } from "../../fields/specified-fields.ts";
import { skip } from "../../skip.ts";
import { aService } from "../manager/store/objects.ts";
import { anAssignedTask } from "../worker/fixtures.ts";

const PAGE = "docs/service-fields.md";
const BASE = { Name: "web", "TaskTemplate.ContainerSpec.Image": "app:1" };

/** A spec as it is after its whole way: read, checked, replicated. @throws What any of them refuses. */
function specOf(fields: Readonly<Record<string, unknown>>): ServiceSpec {
  const spec = serviceSpec.read(bodyOf({ ...BASE, ...fields }));
  checkServiceSpec(spec);
  checkOnManager(spec);
  const object = { ...aService("web"), spec };
  const entry = { changes: [{ kind: "put", table: "service", object, basedOn: 0 } as const], reliesOn: [], atMs: 0 };
  const [change] = entryBytes.decode(entryBytes.encode(entry)).changes;
  assert.ok(change?.kind === "put" && change.table === "service");
  return change.object.spec;
}

/** The container that a task of it is. */
function containerOf({ task }: ServiceSpec): unknown {
  return taskContainer({
    assigned: anAssignedTask({ template: task, container: task.container }),
    node: { hostname: "h", architecture: "x86_64" },
    fileMounts: [],
  });
}

const withField = ({ path, value, with: more = {} }: ServiceFieldRow) => specOf({ ...more, [path]: value });
const without = ({ path, insteadOf, with: more = {} }: ServiceFieldRow) => specOf({ ...more, [path]: insteadOf });

describe("the fields of a service", () => {
  let specification: Specification;
  let fields: readonly SpecifiedField[];

  before(function () {
    if (!hasSpecification()) skip(this, "the specification is not beside the project");
    specification = Specification.read();
    fields = specifiedFields(specification, "ServiceCreate").filter(({ path }) => path !== "");
  });

  it("have a row each, and no row is of a field that is none", () => {
    const specified = fields.map(({ path }) => path);
    assert.ok(specified.length > 130, `${specified.length} fields read`);
    assert.deepEqual(SERVICE_ROWS.map(({ path }) => path).toSorted(), specified.toSorted());
  });

  it("are those of the page in docs (UPDATE=1 writes it)", () => {
    const wanted = servicePage(fields, { rows: SERVICE_ROWS, more: MORE_SERVICE_ROWS, version: specification.version });
    if (process.env["UPDATE"] === "1") writeFileSync(PAGE, wanted);
    else assert.equal(existsSync(PAGE) ? readFileSync(PAGE, "utf8") : "", wanted);
  });

  it("that Docker's services lack have a row each too", () => {
    const read = [
      ["TaskTemplate.ContainerSpec.HostConfig", hostOptionFields],
      ["TaskTemplate.Networks[]", networkAttachment.fields],
    ] as const;
    const known = read.flatMap(([path, codecs]) => Object.values(codecs).map(({ wire }) => `${path}.${wire}`));
    const beyond = known.filter(path => !fields.some(field => field.path === path));
    assert.deepEqual(MORE_SERVICE_ROWS.map(({ path }) => path).toSorted(), beyond.toSorted());
  });

  for (const row of [...SERVICE_ROWS, ...MORE_SERVICE_ROWS]) {
    const { path, outcome } = row;
    it(`${path} is ${outcome.kind === "refused" ? "refused" : "taken"}`, () => {
      switch (outcome.kind) {
        case "refused":
          assert.throws(() => withField(row), { kind: "invalid", message: outcome.says });
          return;
        case "container": {
          const seen = valueAt(containerOf(withField(row)), outcome.at);
          assert.deepEqual(seen, outcome.is);
          const before = valueAt(containerOf(without(row)), outcome.at);
          assert.notDeepEqual(before, seen, "it is so without the field too");
          return;
        }
        case "managers":
          assert.notDeepEqual(withField(row), without(row), "the managers do not hear of it");
          assert.ok(readFileSync(outcome.test, "utf8").includes(outcome.title), `${outcome.test} has no test "${outcome.title}"`);
          return;
        case "kept":
          assert.notDeepEqual(withField(row), without(row));
      }
    });
  }

  it("that make no sense together are refused", () => {
    const swap = { "TaskTemplate.Resources.SwapBytes": 1 };
    assert.throws(() => specOf(swap), /SwapBytes can only be used together with a memory limit/);
    const sctp = { "EndpointSpec.Ports[].TargetPort": 80, "EndpointSpec.Ports[].Protocol": "sctp" };
    assert.throws(() => specOf(sctp), /SCTP ports are not supported/);
  });
});
