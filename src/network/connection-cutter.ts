import type { Exec } from "../ports/exec.ts";

/** Programs run at once. */
const CUTS_AT_ONCE_MAX = 4;

export interface Cut {
  /** `undefined`: on the host. */
  readonly namespacePath: string | undefined;
  /** Where the connection's answers came from: the task that is gone. */
  readonly backend: string;
}

/**
 * Ends connections to tasks that are gone. Without it clients would wait for their own time-outs, and UDP clients that keep their
 * port would send to nobody for ever.
 */
export async function cutConnections(exec: Exec, cuts: readonly Cut[]): Promise<void> {
  const queue = [...cuts];
  const work = async (): Promise<void> => {
    for (let cut = queue.shift(); cut !== undefined; cut = queue.shift()) {
      const command = ["conntrack", "-D", "--reply-src", cut.backend];
      const [file = "", ...args] =
        cut.namespacePath === undefined ? command : ["nsenter", `--net=${cut.namespacePath}`, ...command];
      await exec.run(file, args, { allowFailure: true }); // It fails when there was none.
    }
  };
  await Promise.all(Array.from({ length: CUTS_AT_ONCE_MAX }, work));
}
