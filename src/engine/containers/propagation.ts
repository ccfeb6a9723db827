import { readFile, realpath } from "node:fs/promises";
import { OperationError } from "../../lib/errors.ts";
import type { BindPlan } from "./mount-plan.ts";

interface MountLine {
  readonly point: string;
  readonly isShared: boolean;
  readonly isSlave: boolean;
}

/** A mount that is to pass on what is mounted below it can only do so where its source does. @throws OperationError `internal` in Docker's words. */
export async function checkPropagation(plans: readonly BindPlan[]): Promise<void> {
  const sharing = plans.filter(({ propagation }) => /^r?(?:shared|slave)$/.test(propagation));
  if (sharing.length === 0) return;
  const mounts = parseMounts(await readFile("/proc/self/mountinfo", "utf8"));
  for (const { source, propagation } of sharing) {
    const problem = propagationProblem({ source, path: await realpath(source), propagation, mounts });
    if (problem !== undefined) throw new OperationError("internal", problem);
  }
}

export function propagationProblem(request: {
  readonly source: string;
  /** The source, links followed. */
  readonly path: string;
  readonly propagation: string;
  readonly mounts: readonly MountLine[];
}): string | undefined {
  const { source, path, propagation, mounts } = request;
  const holds = ({ point }: MountLine) => point === "/" || path === point || path.startsWith(`${point}/`);
  // Of several mounts on one place the last one is seen.
  const on = mounts
    .filter(holds)
    .reduce<MountLine | undefined>(
      (best, mount) => (best === undefined || mount.point.length >= best.point.length ? mount : best),
      undefined,
    );
  if (on === undefined) return `Could not find source mount of ${source}`;
  const where = `path ${source} is mounted on ${on.point} but it is not a`;
  if (propagation.endsWith("shared")) return on.isShared ? undefined : `${where} shared mount`;
  return on.isShared || on.isSlave ? undefined : `${where} shared or slave mount`;
}

/** @see proc_pid_mountinfo(5): optional fields stand between the sixth and a lone hyphen. */
export function parseMounts(mountinfo: string): readonly MountLine[] {
  return mountinfo
    .split("\n")
    .filter(line => line !== "")
    .map(line => {
      const fields = line.split(" ");
      const optional = fields.slice(6, fields.indexOf("-"));
      const point = (fields[4] ?? "").replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8)));
      return {
        point,
        isShared: optional.some(field => field.startsWith("shared:")),
        isSlave: optional.some(field => field.startsWith("master:")),
      };
    });
}
