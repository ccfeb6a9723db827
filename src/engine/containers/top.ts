import { OperationError } from "../../lib/errors.ts";
import type { Exec } from "../../ports/exec.ts";

export interface ProcessTable {
  readonly titles: readonly string[];
  readonly processes: readonly (readonly string[])[];
}

/** The host's `ps`, reduced to a container's processes. @throws OperationError in Docker's words when the output shows no PID. */
export async function processTable(
  exec: Exec,
  { psArgs, pids }: { readonly psArgs: string; readonly pids: readonly number[] },
): Promise<ProcessTable> {
  const args = (psArgs === "" ? "-ef" : psArgs).split(/\s+/).filter(arg => arg !== "");
  const { stdout, stderr, exitCode } = await exec.run("ps", args, { allowFailure: true, outputBytesMax: 16 * 1024 * 1024 });
  if (exitCode !== 0) throw new OperationError("internal", `ps: ${stderr.split("\n")[0] || `exit status ${exitCode}`}`);
  return parseProcessTable(stdout, new Set(pids));
}

export function parseProcessTable(output: string, pids: ReadonlySet<number>): ProcessTable {
  const [header = "", ...lines] = output.split("\n").filter(line => line !== "");
  const titles = fieldsOf(header);
  const pidColumn = titles.indexOf("PID");
  if (pidColumn === -1) throw new OperationError("internal", "Couldn't find PID field in ps output");
  const processes = lines.flatMap(line => {
    const fields = fieldsOf(line);
    if (!pids.has(Number(fields[pidColumn]))) return [];
    // The last column, the command, may have spaces in it.
    const last = titles.length - 1;
    return [[...fields.slice(0, last), fields.slice(last).join(" ")]];
  });
  return { titles, processes };
}

function fieldsOf(line: string): readonly string[] {
  return line.trim().split(/\s+/);
}
