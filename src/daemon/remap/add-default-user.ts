import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoCode, errorMessage, OperationError } from "../../lib/errors.ts";
import type { Exec } from "../../ports/exec.ts";
import { DEFAULT_USER } from "./remapped-user.ts";
import { NEW_RANGE_COUNT, nextRangeStart, parseSubordinateIds } from "./subordinate-ids.ts";

const PROGRAM_FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/** By what the distribution has; the first one wins. */
const WAYS: readonly { readonly program: string; readonly args: readonly string[] }[] = [
  {
    program: "adduser",
    args: "--system --shell /bin/false --no-create-home --disabled-login --disabled-password --group".split(" "),
  },
  { program: "useradd", args: ["-r", "-s", "/bin/false"] },
];

/**
 * A system user that owns nothing but subordinate ids, made by the system's own programs. One that is there and has none, since that was cut
 * short, gets some too.
 *
 * @throws OperationError `invalid`, in dockerd's words.
 */
export async function settleDefaultUser({
  exec,
  directory,
  isThere,
}: {
  readonly exec: Exec;
  readonly directory: string;
  readonly isThere: boolean;
}): Promise<void> {
  try {
    if (!isThere) await addUser(exec).catch(explain(`error adding user ${JSON.stringify(DEFAULT_USER)}`));
    await addRanges({ exec, directory }).catch(explain("couldn't create subordinate ID ranges"));
  } catch (error) {
    throw new OperationError("invalid", `Error during ${JSON.stringify(DEFAULT_USER)} user creation: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

async function addUser(exec: Exec): Promise<void> {
  for (const { program, args } of WAYS) {
    if (!(await isInstalled(program))) continue;
    const { exitCode, stdout, stderr } = await exec.run(program, [...args, DEFAULT_USER], { allowFailure: true });
    if (exitCode === 0) return;
    const output = JSON.stringify(stdout + stderr);
    throw new OperationError("invalid", `failed to add user with error: exit status ${exitCode}; output: ${output}`);
  }
  throw new OperationError("invalid", "cannot add user; no useradd/adduser binary found");
}

/** Users of the system's own get none by themselves. */
async function addRanges({ exec, directory }: { readonly exec: Exec; readonly directory: string }): Promise<void> {
  for (const [kind, flag] of [
    ["subuid", "-v"],
    ["subgid", "-w"],
  ] as const) {
    const ranges = parseSubordinateIds(await textOf(join(directory, kind)));
    if (ranges.some(({ user }) => user === DEFAULT_USER)) continue;
    const start = nextRangeStart(ranges);
    const range = `${start}-${start + NEW_RANGE_COUNT - 1}`;
    const { exitCode, stdout, stderr } = await exec.run("usermod", [flag, range, DEFAULT_USER], { allowFailure: true });
    if (exitCode === 0) continue;
    const why = `output: ${stdout}${stderr}, err: exit status ${exitCode}`;
    throw new OperationError("invalid", `unable to add ${kind} range to user: ${JSON.stringify(DEFAULT_USER)}; ${why}`);
  }
}

async function isInstalled(program: string): Promise<boolean> {
  for (const folder of PROGRAM_FOLDERS) {
    const isThere = await access(join(folder, program)).then(
      () => true,
      () => false,
    );
    if (isThere) return true;
  }
  return false;
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return "";
    throw error;
  }
}

function explain(what: string): (error: unknown) => never {
  return error => {
    throw new OperationError("invalid", `${what}: ${errorMessage(error)}`, { cause: error });
  };
}
