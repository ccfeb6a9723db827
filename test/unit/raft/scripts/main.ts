import { conformanceRows, conformanceTable, explainedDifferences } from "./table.ts";

/** Prints the table of docs/raft-conformance.md, and every difference with both outputs. */
const rows = conformanceRows();
process.stdout.write(`${conformanceTable(rows)}\n\n${explainedDifferences(rows)}`);
