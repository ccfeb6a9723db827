import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { containerConfig } from "../../../src/api/wire/container-config.ts";
import { HOST_CONFIG_FIELDS } from "../../../src/api/wire/host-config.ts";
import { hasSpecification, Specification } from "../../conformance/specification.ts";
import { fieldsPage } from "../../fields/page.ts";
import { ALL_ROWS, ROWS } from "../../fields/rows.ts";
import { OLDER_ROWS } from "../../fields/rows/older.ts";
import { type SpecifiedField, specifiedFields } from "../../fields/specified-fields.ts";
import { skip } from "../../skip.ts";

const PAGE = "docs/create-fields.md";

describe("the fields of create", () => {
  let specification: Specification;
  let fields: readonly SpecifiedField[];

  before(function () {
    if (!hasSpecification()) skip(this, "the specification is not beside the project");
    specification = Specification.read();
    fields = specifiedFields(specification);
  });

  it("have a row each, and no row is of a field that is none", () => {
    assert.ok(fields.length > 140, `${fields.length} fields read`);
    const specified = fields.map(({ path }) => path);
    assert.deepEqual(ROWS.map(({ path }) => path).toSorted(), specified.toSorted());
  });

  it("have a row also where only the code has them", () => {
    const known = [...ALL_ROWS.map(({ path }) => path)];
    const isKnown = (path: string) =>
      known.some(row => row === path || (/^[.[]/.test(row.slice(path.length)) && row.startsWith(path)));
    const written = [
      ...Object.values(containerConfig.fields).map(({ wire }) => wire),
      ...Object.values(HOST_CONFIG_FIELDS).map(({ wire }) => `HostConfig.${wire}`),
    ];
    assert.deepEqual(
      written.filter(path => !isKnown(path)),
      [],
    );
  });

  it("are those of the page in docs (UPDATE=1 writes it)", () => {
    const wanted = fieldsPage(fields, { rows: ROWS, older: OLDER_ROWS, version: specification.version });
    if (process.env["UPDATE"] === "1") writeFileSync(PAGE, wanted);
    else assert.equal(existsSync(PAGE) ? readFileSync(PAGE, "utf8") : "", wanted);
  });

  it("are proven: an honoured one by what it does or by a refusal, a kept one by inspect", () => {
    const unproven = ALL_ROWS.filter(row => {
      switch (row.verdict) {
        case "honoured":
          return (row.effects ?? []).length + (row.refusals ?? []).length === 0;
        case "refused":
          return row.refusals.length === 0;
        default:
          return row.tries.length === 0;
      }
    });
    assert.deepEqual(unproven, []);
  });
});
