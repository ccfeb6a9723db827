import assert from "node:assert/strict";
import { renderListing } from "../../../src/cli/format/table.ts";

describe("renderListing", () => {
  const rows = [
    { id: "1", name: "short" },
    { id: "22", name: "a longer name" },
  ];
  const columns = [
    { header: "ID", field: "ID", value: (row: { id: string; name: string }) => row.id },
    { header: "NAME", field: "Name", value: (row: { id: string; name: string }) => row.name },
  ];
  const cases = [
    { when: "no format is given", options: {}, shows: "ID        NAME\n1         short\n22        a longer name\n" },
    { when: "quiet", options: { quiet: true }, shows: "1\n22\n" },
    { when: "a template is given", options: { format: "{{.Name}}" }, shows: "short\na longer name\n" },
    {
      when: "a table template is given",
      options: { format: "table {{.Name}}\t{{.ID}}" },
      shows: "NAME            ID\nshort           1\na longer name   22\n",
    },
    {
      when: "json is asked for",
      options: { format: "json" },
      shows: '{"ID":"1","Name":"short"}\n{"ID":"22","Name":"a longer name"}\n',
    },
  ];
  for (const { when, options, shows } of cases) {
    it(`prints as Docker's CLI does when ${when}`, () => assert.equal(renderListing(rows, columns, options), shows));
  }
});
