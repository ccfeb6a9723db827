import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { CASES } from "../../conformance/cases/all.ts";
import { allDifferencesIn, differencesIn, faultsIn, newViolations, withoutOracle } from "../../conformance/compare.ts";
import { coverageOf, coverageTable, isMissing } from "../../conformance/coverage.ts";
import { DIFFERENCES_EXPLAINED, NEVER_ANSWERED } from "../../conformance/explanations.ts";
import { Hosts } from "../../conformance/hosts.ts";
import { plantViolations } from "../../conformance/plant.ts";
import { hasSpecification, type Schema, Specification } from "../../conformance/specification.ts";
import { validate } from "../../conformance/validate.ts";
import { VERSIONS_COMPARED, walkAll, type Walk, type Walks } from "../../conformance/walk.ts";
import { skip } from "../../skip.ts";

const WALK_MS = 240_000;
/** What real-docker.sh exits with where no real engine can be had. */
const NO_REAL_ENGINE = 3;

describe("the specification of the API, operation by operation", function () {
  this.timeout(WALK_MS);
  let specification: Specification;
  let walks: Walks;

  before(async function () {
    if (!hasSpecification()) skip(this, "the specification is not beside the project");
    const { status, stderr } = spawnSync("bash", ["test/oracle/real-docker.sh", "registry"], { encoding: "utf8" });
    if (status === NO_REAL_ENGINE) skip(this, stderr.trim());
    assert.equal(status, 0, stderr);
    specification = Specification.read();
    await using hosts = await Hosts.start();
    walks = await walkAll(hosts, { cases: CASES, specification });
    report();
  });

  function report(): void {
    const covered = coverageOf(specification, CASES);
    const shown = covered.filter(({ shownBy }) => shownBy.length > 0).length;
    const never = covered.filter(one => one.never !== undefined).length;
    const notYet = covered.filter(one => one.notYet !== undefined).length;
    const operations = new Set(covered.map(({ operation }) => operation.id)).size;
    console.log(coverageTable(specification, CASES));
    console.log(`no oracle for what came after ${VERSIONS_COMPARED.at(-1)}:\n${withoutOracle(walks).join("\n")}`);
    const times = allWalks().map(({ host, version, tookMs }) => `${host.name} ${version} ${(tookMs / 1000).toFixed(1)} s`);
    console.log(
      `note: ${operations} operations, ${shown} statuses shown by ${CASES.length} cases, ${never} never answered, ${notYet} not yet; ${times.join(", ")}`,
    );
  }

  function complaints(value: unknown, schema: Schema): ReadonlySet<string> {
    return new Set(validate(value, schema, specification).map(({ at, rule }) => `${at} ${rule}`));
  }

  function allWalks(): readonly Walk[] {
    return [...walks.real.values(), ...walks.ours.values()];
  }

  it("is covered: every operation is called and every status but 500 brought about", () => {
    const missing = coverageOf(specification, CASES).filter(isMissing);
    assert.deepEqual(
      missing.map(({ operation, status }) => `${operation.id} ${status}`),
      [],
    );
  });

  it("has a case for each status that is never answered to be held against", () => {
    const answered = allWalks().flatMap(({ shown }) =>
      [...shown.values()].flatMap(one => (one instanceof Error ? [] : [`${one.case.operation} ${one.answer.status}`])),
    );
    const wrong = NEVER_ANSWERED.filter(({ operation, status }) => answered.includes(`${operation} ${status}`));
    assert.deepEqual(wrong, []);
  });

  it("rejects every violation that is planted in a right answer", () => {
    let count = 0;
    for (const one of walks.oursNewest.shown.values()) {
      if (one instanceof Error) continue;
      const schema = specification.operation(one.case.operation).responses[String(one.answer.status)]?.schema;
      if (schema === undefined) continue;
      for (const value of one.values) {
        const known = complaints(value, schema);
        for (const { what, value: planted } of plantViolations(value, schema, specification)) {
          count++;
          assert.ok(
            [...complaints(planted, schema)].some(complaint => !known.has(complaint)),
            `${one.case.operation}: ${what}`,
          );
        }
      }
    }
    assert.ok(count > 1000, `only ${count} violations were planted`);
  });

  for (const version of [...VERSIONS_COMPARED, "newest"]) {
    it(`is answered with the statuses that the cases are there for, in version ${version}`, () => {
      const walked = version === "newest" ? [walks.oursNewest] : [walks.real.get(version), walks.ours.get(version)];
      const faults = walked.flatMap(walk =>
        walk === undefined ? ["not walked"] : faultsIn(walk).map(fault => `${walk.host.name}: ${fault}`),
      );
      assert.deepEqual(faults, []);
    });
  }

  it("is not violated where the real engine does not violate it", () => {
    assert.deepEqual(newViolations(walks), []);
  });

  for (const version of VERSIONS_COMPARED) {
    it(`is answered with the real engine's keys and types in version ${version}`, () => {
      assert.deepEqual(differencesIn(walks, version), []);
    });
  }

  it("has no explanation for what does not differ", () => {
    const all = VERSIONS_COMPARED.flatMap(version => allDifferencesIn(walks, version));
    assert.deepEqual(
      DIFFERENCES_EXPLAINED.filter(({ where }) => !all.some(difference => where.test(difference))),
      [],
    );
  });
});
