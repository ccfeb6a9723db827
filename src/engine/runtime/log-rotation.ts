import { constants } from "node:fs";
import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import { OperationError } from "../../lib/errors.ts";
import { failpoint } from "../../ports/failpoint.ts";
import { isThere } from "../files/is-there.ts";

/** Tells conmon to open its log again. One line a write: two that it reads together are taken as the first one twice. */
const REOPEN_LINE = "2 0 0\n";
const REOPEN_ATTEMPTS_MAX = 5;
const POLL_PERIOD_MS = 2;
const ATTEMPT_MS = 400;

/** Writes one line to a named pipe of conmon's without waiting for it. @throws ENXIO when conmon is gone. */
export async function writeControlLine(path: string, line: string): Promise<void> {
  await using pipe = await open(path, constants.O_WRONLY | constants.O_NONBLOCK);
  await pipe.write(line);
}

/** Moves the log away and waits until conmon writes a new one: from then on the old file is final. */
export async function rotateLog({
  bundlePath,
  logPath,
  rotatedPath,
}: {
  readonly bundlePath: string;
  readonly logPath: string;
  readonly rotatedPath: string;
}): Promise<void> {
  await failpoint("logs/rotate.rename", () => rename(logPath, rotatedPath));
  await reopenLog({ bundlePath, logPath });
}

/** Also at start-up, when a rotation was cut short and the log is missing. */
export async function reopenLog({
  bundlePath,
  logPath,
}: {
  readonly bundlePath: string;
  readonly logPath: string;
}): Promise<void> {
  for (let attempt = 0; attempt < REOPEN_ATTEMPTS_MAX; attempt++) {
    await writeControlLine(join(bundlePath, "ctl"), REOPEN_LINE);
    for (let waitedMs = 0; waitedMs < ATTEMPT_MS; waitedMs += POLL_PERIOD_MS) {
      if (await isThere(logPath)) return;
      await new Promise(resolve => setTimeout(resolve, POLL_PERIOD_MS));
    }
  }
  throw new OperationError("unavailable", `conmon did not open ${logPath} again`);
}
