import { OperationError } from "../../lib/errors.ts";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** @throws OperationError `invalid` in Docker's words. */
export function checkVolumeName(name: string): void {
  if (NAME.test(name)) return;
  if (name.length === 1) {
    throw new OperationError(
      "invalid",
      `create ${name}: volume name is too short, names should be at least two alphanumeric characters`,
    );
  }
  throw new OperationError(
    "invalid",
    `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  );
}
