import { unlink } from "node:fs/promises";
import { errnoCode } from "../../lib/errors.ts";

/** No error when it is missing. One call to the kernel, where `rm` makes several: ten files go with each container. */
export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (errnoCode(error) !== "ENOENT") throw error;
  });
}
