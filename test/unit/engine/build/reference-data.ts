import { existsSync } from "node:fs";
import { join } from "node:path";

/** Docker's own parser cases, where they are beside the checkout. */
export const DOCKERFILE_CASES = join(import.meta.dirname, "../../../../../shared/data/dockerfiles");

export const hasDockerfileCases = existsSync(DOCKERFILE_CASES);
