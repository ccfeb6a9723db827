import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { isOptionName, REFUSED_OPTIONS } from "../../../src/daemon/config/options.ts";
import { optionsTable } from "../../../src/daemon/config/options-table.ts";
import { skip } from "../../skip.ts";

const PAGE = "docs/daemon-options.md";
const REFERENCE = "../shared/spec/dockerd_options.txt";

describe("the daemon's options", () => {
  it("are those of the page in docs (UPDATE=1 writes it)", () => {
    const page = readFileSync(PAGE, "utf8");
    const introduction = page.slice(0, page.indexOf("## Honoured"));
    const wanted = `${introduction}${optionsTable()}`;
    if (process.env["UPDATE"] === "1") writeFileSync(PAGE, wanted);
    else assert.equal(page, wanted);
  });

  it("are dockerd's: each is honoured or refused with a reason", function () {
    if (!existsSync(REFERENCE)) skip(this, "the reference is not beside the project");
    const heads = readFileSync(REFERENCE, "utf8").match(/^--[^|]+/gm) ?? [];
    const flags = heads.flatMap(head => [...head.matchAll(/--([a-z0-9-]+)/g)].map(([, name = ""]) => name));
    assert.ok(flags.length > 80, `${flags.length} flags read`);
    assert.deepEqual(
      flags.filter(name => !isOptionName(name) && REFUSED_OPTIONS[name] === undefined),
      [],
    );
  });
});
